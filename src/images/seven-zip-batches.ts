/** How many members are asked for in one call of 7-Zip. */

export interface Wanted {
  readonly name: string;
  readonly size: number;
}

const MAX_COUNT = 1000;
const MAX_BYTES = 24 << 20;
/** Windows takes 32,767 characters in all; elsewhere there is room for far more. */
const MAX_NAMES = process.platform === 'win32' ? 20_000 : 200_000;

/** Those whose names can only be handed over by themselves are left out. */
export function* batchesOf<W extends Wanted>(wanted: Iterable<W>): Generator<readonly W[]> {
  let batch: W[] = [];
  let bytes = 0;
  let names = 0;
  for (const each of wanted) {
    // Lone surrogates stand for bytes that are no UTF-8.
    if (/\p{Cs}/u.test(each.name)) continue;
    const length = Buffer.byteLength(each.name) + 4;
    if (batch.length >= MAX_COUNT || bytes + each.size > MAX_BYTES || names + length > MAX_NAMES) {
      if (batch.length > 0) yield batch;
      batch = [];
      bytes = 0;
      names = 0;
    }
    batch.push(each);
    bytes += each.size;
    names += length;
  }
  if (batch.length > 0) yield batch;
}
