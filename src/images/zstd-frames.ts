/**
 * Frames and blocks of Zstandard (RFC 8878), found without unpacking: Node's own decompressor stops after the first
 * frame and takes a stream that is cut off for whole, so where frames end is decided here.
 */

import { FormatError } from '../core/errors.ts';
import { grouped } from '../core/text.ts';

/** More is refused by other programs too, unless they are told otherwise. */
const MAX_WINDOW = 128 << 20;
const MAX_BLOCK = 128 << 10;
const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const MAX_HEADER = 18;
const SKIPPABLE_HEADER = 8;
const BLOCK_HEADER = 3;
const CHECKSUM = 4;
/** Blocks that are handed over at once: each may become 128 KiB. */
const MAX_BLOCKS = 16;

/** Bytes of one frame, in order. */
export interface FramePiece {
  readonly bytes: Uint8Array;
  /** This piece is the last of its frame. */
  readonly last: boolean;
  /** What the whole frame can become at most; known with its last piece. */
  readonly maxOutput: number;
}

type State = 'start' | 'block' | 'body' | 'last-body' | 'checksum' | 'skip';

export class ZstdFrames {
  #state: State = 'start';
  /** Bytes of a header of which only the first part is there. */
  #held: Uint8Array = new Uint8Array(0);
  /** Bytes of the body, or of the frame to be skipped, that are still to come. */
  #left = 0;
  #hasChecksum = false;
  #maxBlock = MAX_BLOCK;
  #blocks = 0;
  #maxOutput = 0;
  #offset = 0;

  /** Throws {@link FormatError}. Skippable frames are left out. */
  *push(chunk: Uint8Array): Generator<FramePiece> {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = bytes.subarray(0, 0);
    let start = 0;
    let at = 0;
    const piece = (last: boolean): FramePiece => {
      const taken = { bytes: bytes.subarray(start, at), last, maxOutput: this.#maxOutput };
      start = at;
      this.#blocks = 0;
      return taken;
    };
    while (at < bytes.length) {
      const step = this.#step(bytes, at);
      if (step === undefined) break;
      at += step;
      this.#offset += step;
      if (this.#state === 'skip') start = at;
      if (this.#isFrameEnd()) {
        if (at > start) yield piece(true);
        this.#maxOutput = 0;
        this.#state = 'start';
      } else if (this.#blocks >= MAX_BLOCKS) yield piece(false);
    }
    this.#held = bytes.subarray(at);
    if (at > start) yield piece(false);
  }

  /** Throws {@link FormatError} when the bytes end within a frame. */
  finish(): void {
    if (this.#state !== 'start' || this.#held.length > 0) {
      throw new FormatError('truncated', 'it ends within a frame', this.#offset);
    }
  }

  #isFrameEnd(): boolean {
    if (this.#left > 0) return false;
    return (
      this.#state === 'checksum' ||
      this.#state === 'skip' ||
      (this.#state === 'last-body' && !this.#hasChecksum)
    );
  }

  /** How many bytes it takes from `at` on; undefined when there are too few for a header. */
  #step(bytes: Uint8Array, at: number): number | undefined {
    if (this.#left > 0) {
      const length = Math.min(this.#left, bytes.length - at);
      this.#left -= length;
      return length;
    }
    if (this.#state === 'start') return this.#frame(bytes, at);
    if (this.#state !== 'last-body') return this.#block(bytes, at);
    this.#state = 'checksum';
    this.#left = CHECKSUM;
    return 0;
  }

  #frame(bytes: Uint8Array, at: number): number | undefined {
    const available = bytes.length - at;
    const view = Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.min(available, MAX_HEADER));
    if (available < 5) return undefined;
    const magic = view.readUInt32LE(0);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
      if (available < SKIPPABLE_HEADER) return undefined;
      this.#state = 'skip';
      this.#left = view.readUInt32LE(4);
      return SKIPPABLE_HEADER;
    }
    if (magic !== MAGIC) this.#fail('something that is no frame');
    const header = readHeader(view);
    if (!header) return undefined;
    if (header.isReserved) this.#fail('a frame of a later version');
    if (header.dictionary !== 0) this.#fail('a frame that needs a dictionary', 'unsupported');
    if (header.window > MAX_WINDOW) {
      const needed = `${grouped(Math.ceil(header.window / (1 << 20)))} MiB`;
      this.#fail(`a frame that needs ${needed} of memory, more than 128 MiB`, 'too-large');
    }
    this.#hasChecksum = header.hasChecksum;
    this.#maxBlock = Math.min(MAX_BLOCK, header.window);
    this.#state = 'block';
    return header.length;
  }

  #block(bytes: Uint8Array, at: number): number | undefined {
    if (bytes.length - at < BLOCK_HEADER) return undefined;
    const header = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (type === 3) this.#fail('a block of a later version');
    if (size > this.#maxBlock) this.#fail('a block that is too large');
    this.#left = type === 1 ? 1 : size;
    this.#blocks++;
    this.#maxOutput += type === 2 ? this.#maxBlock : size;
    this.#state = (header & 1) === 1 ? 'last-body' : 'body';
    return BLOCK_HEADER;
  }

  #fail(what: string, code: 'malformed' | 'unsupported' | 'too-large' = 'malformed'): never {
    throw new FormatError(code, `it has ${what} at offset ${this.#offset}`, this.#offset);
  }
}

interface Header {
  readonly length: number;
  readonly window: number;
  readonly dictionary: number;
  readonly hasChecksum: boolean;
  readonly isReserved: boolean;
}

/** RFC 8878, 3.1.1.1. Undefined when it is not whole. */
function readHeader(view: Buffer): Header | undefined {
  const descriptor = view[4] ?? 0;
  const isSingle = (descriptor & 0x20) !== 0;
  const dictionaryLength = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeFlag = descriptor >> 6;
  const sizeLength = sizeFlag === 0 ? (isSingle ? 1 : 0) : 1 << sizeFlag;
  const dictionaryAt = isSingle ? 5 : 6;
  const sizeAt = dictionaryAt + dictionaryLength;
  const length = sizeAt + sizeLength;
  if (view.length < length) return undefined;
  return {
    length,
    window: isSingle ? contentSize(view, sizeAt, sizeLength) : windowSize(view[5] ?? 0),
    dictionary: dictionaryLength === 0 ? 0 : view.readUIntLE(dictionaryAt, dictionaryLength),
    hasChecksum: (descriptor & 4) !== 0,
    isReserved: (descriptor & 8) !== 0,
  };
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function contentSize(view: Buffer, at: number, length: number): number {
  if (length === 8) return Number(view.readBigUInt64LE(at));
  const size = view.readUIntLE(at, length);
  return length === 2 ? size + 256 : size;
}
