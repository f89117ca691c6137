/** Fields of a tar header: names, numbers in octal or binary, and the checksum over all of them. */

import { decodePath } from '../core/shell.ts';

export const BLOCK = 512;

const USTAR = 0x7573_7461; // "usta"

export function headerPath(bytes: Buffer, at: number): string {
  const name = text(bytes, at, 100);
  if (bytes[at + 345] === 0 || bytes.readUInt32BE(at + 257) !== USTAR || bytes[at + 261] !== 0x72)
    return name;
  // GNU tar keeps times there; an old writer of Go's a prefix in spite of that.
  if (bytes[at + 262] !== 0 && isNumeric(bytes[at + 345] ?? 0)) return name;
  // star has times at the end of the field.
  const isStar = bytes.readUInt32BE(at + 508) === 0x7461_7200;
  const prefix = text(bytes, at + 345, isStar ? 131 : 155);
  return prefix === '' ? name : `${prefix}/${name}`;
}

function isNumeric(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x30 && byte <= 0x37) || byte >= 0x80;
}

/** Up to the first NUL. */
export function text(bytes: Buffer, at: number, length: number): string {
  const limit = Math.min(at + length, bytes.length);
  const nul = bytes.indexOf(0, at);
  const end = nul < 0 || nul > limit ? limit : nul;
  const decoded = bytes.toString('utf8', at, end);
  return decoded.includes('\ufffd') ? decodePath(bytes.subarray(at, end)) : decoded;
}

export function orZero(value: number): number {
  return Number.isFinite(value) ? value : 0;
}

/** Octal digits, or big-endian bytes after one with the highest bit set. NaN for anything else, and beyond 2^53. */
export function number(bytes: Buffer, at: number, length: number): number {
  const first = bytes[at] ?? 0;
  return first >= 0x80 ? binary(bytes, at, length) : octal(bytes, at, length);
}

function binary(bytes: Buffer, at: number, length: number): number {
  const first = bytes[at] ?? 0;
  const isNegative = (first & 0x40) !== 0;
  let value = first & 0x3f;
  if (isNegative) value -= 0x40;
  for (let i = at + 1; i < at + length; i++) value = value * 256 + (bytes[i] ?? 0);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

function octal(bytes: Buffer, at: number, length: number): number {
  let value = 0;
  let i = at;
  const end = at + length;
  while (i < end && (bytes[i] === 0x20 || bytes[i] === 0)) i++;
  for (; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === 0 || byte === 0x20) break;
    if (byte < 0x30 || byte > 0x37) return Number.NaN;
    value = value * 8 + (byte - 0x30);
  }
  return value;
}

export function isZero(bytes: Buffer, at: number): boolean {
  for (let i = at; i < at + BLOCK; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** Four bytes at a time: this is what most of the time goes into. */
export class Checksums {
  #bytes: Buffer | undefined;
  #words: Int32Array | undefined;

  /** The field holds the sum of all bytes, itself taken for spaces; some old writers took bytes for signed. */
  fits(bytes: Buffer, at: number): boolean {
    const told = octal(bytes, at + 148, 8);
    let sum = this.#sum(bytes, at) + 8 * 0x20;
    for (let i = at + 148; i < at + 156; i++) sum -= bytes[i] ?? 0;
    return sum === told || signedSum(bytes, at) === told;
  }

  #sum(bytes: Buffer, at: number): number {
    if (((bytes.byteOffset + at) & 3) !== 0) return byteSum(bytes, at);
    if (this.#bytes !== bytes) {
      const skipped = -bytes.byteOffset & 3;
      this.#bytes = bytes;
      this.#words = new Int32Array(bytes.buffer, bytes.byteOffset + skipped, (bytes.length - skipped) >> 2);
    }
    const words = this.#words;
    if (!words) return 0;
    const start = (bytes.byteOffset + at - words.byteOffset) >> 2;
    let even = 0;
    let odd = 0;
    for (let i = start; i < start + BLOCK / 4; i++) {
      const word = words[i] ?? 0;
      even += word & 0x00ff_00ff;
      odd += (word >>> 8) & 0x00ff_00ff;
    }
    return (even & 0xffff) + (even >>> 16) + (odd & 0xffff) + (odd >>> 16);
  }
}

function byteSum(bytes: Buffer, at: number): number {
  let sum = 0;
  for (let i = at; i < at + BLOCK; i++) sum += bytes[i] ?? 0;
  return sum;
}

function signedSum(bytes: Buffer, at: number): number {
  let sum = 8 * 0x20;
  for (let i = at; i < at + BLOCK; i++) if (i < at + 148 || i >= at + 156) sum += bytes.readInt8(i);
  return sum;
}
