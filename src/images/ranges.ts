/** Pieces of a stream at known places. */

import { asBuffer } from '../core/bytes.ts';

export interface Range {
  readonly offset: number;
  readonly size: number;
}

export interface Piece<R extends Range> {
  readonly range: R;
  /** A view, gone with the next step. */
  readonly piece: Buffer;
  /** Where in the range it belongs. */
  readonly at: number;
}

/**
 * The bytes in each of the ranges, which come in the order of the stream and do not overlap. The stream is read to its
 * end, because only there it is known to be what it should be. Says nothing when it ends before a range does.
 */
export async function* readRanges<R extends Range>(
  stream: AsyncIterable<Uint8Array>,
  ranges: Iterable<R>,
): AsyncGenerator<Piece<R>> {
  const following = ranges[Symbol.iterator]();
  let next = following.next();
  let position = 0;
  for await (const chunk of stream) {
    const end = position + chunk.length;
    while (next.done !== true && next.value.offset < end) {
      const range = next.value;
      const from = Math.max(range.offset, position);
      const to = Math.min(range.offset + range.size, end);
      yield {
        range,
        piece: asBuffer(chunk).subarray(from - position, to - position),
        at: from - range.offset,
      };
      if (to < range.offset + range.size) break;
      next = following.next();
    }
    position = end;
  }
}
