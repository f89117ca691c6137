/** A bounds-checked cursor over hostile bytes. Every read past the end throws a FormatError with its offset. */

import { FormatError } from './errors.ts';

export class ByteReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #position: number;

  /** Reads `bytes` from `start` (inclusive) to `end` (exclusive); offsets stay those of `bytes`. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#position = start;
    this.#end = Math.min(end, bytes.length);
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#end - this.#position;
  }

  seek(position: number): void {
    if (position < 0 || position > this.#end) {
      throw new FormatError('truncated', `offset ${position} lies outside the data`, this.#position);
    }
    this.#position = position;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  /** A view of the next `length` bytes, not a copy. */
  take(length: number): Uint8Array {
    const start = this.#take(length);
    return this.bytes.subarray(start, start + length);
  }

  skip(length: number): void {
    this.#take(length);
  }

  #take(length: number): number {
    const start = this.#position;
    if (!Number.isSafeInteger(length) || length < 0 || length > this.#end - start) {
      throw new FormatError('truncated', `${length} bytes wanted, ${this.#end - start} left`, start);
    }
    this.#position = start + length;
    return start;
  }
}

/** A Buffer over the same memory, for Buffer's string and comparison methods. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return asBuffer(a).equals(b);
}
