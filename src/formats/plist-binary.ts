/**
 * The binary form of a property list (`bplist00`): objects, a table of their offsets, and a trailer that says where
 * the table is. Objects name others by number, so the same one can be part of many; each is read once.
 * Source: CFBinaryPList.c of Apple's CoreFoundation.
 */

import { asBuffer } from '../core/bytes.ts';
import { FormatError } from '../core/errors.ts';
import type { PlistValue } from './plist.ts';

const TRAILER_BYTES = 32;
const HEADER_BYTES = 8;
const MAX_DEPTH = 64;
const MAX_OBJECTS = 1_000_000;
/** Objects may lie over one another in the file: what comes out is counted, not only what goes in. */
const MAX_REFERENCES = 4_000_000;
const MAX_STRING_BYTES = 64 << 20;
/** Seconds from 1970 to 2001, where Apple's clock begins. */
const EPOCH = 978_307_200;

/** Throws FormatError with the byte offset. */
export function readBinaryPlist(bytes: Uint8Array): PlistValue {
  return new BinaryReader(asBuffer(bytes)).top();
}

class BinaryReader {
  readonly #bytes: Buffer;
  readonly #tableOffset: number;
  readonly #offsetSize: number;
  readonly #referenceSize: number;
  readonly #count: number;
  readonly #top: number;
  readonly #known = new Map<number, PlistValue>();
  /** Objects that are being read: to meet one again is a circle. */
  readonly #open = new Set<number>();
  #references = 0;
  #stringBytes = 0;

  constructor(bytes: Buffer) {
    const trailer = bytes.length - TRAILER_BYTES;
    if (trailer < HEADER_BYTES)
      throw new FormatError('truncated', 'binary property list cut off', bytes.length);
    const version = bytes.toString('latin1', 6, 8);
    if (!/^0\d$/.test(version)) {
      throw new FormatError('unsupported', 'unknown version of the binary property list', 6);
    }
    this.#bytes = bytes;
    this.#offsetSize = bytes.readUInt8(trailer + 6);
    this.#referenceSize = bytes.readUInt8(trailer + 7);
    this.#count = this.#large(trailer + 8);
    this.#top = this.#large(trailer + 16);
    this.#tableOffset = this.#large(trailer + 24);
    const sizesFit = [this.#offsetSize, this.#referenceSize].every((size) => size >= 1 && size <= 8);
    const tableFits =
      this.#tableOffset >= HEADER_BYTES && this.#tableOffset + this.#count * this.#offsetSize <= trailer;
    if (!sizesFit || !tableFits || this.#top >= this.#count) {
      throw new FormatError('malformed', 'binary property list: the trailer does not fit the file', trailer);
    }
    if (this.#count > MAX_OBJECTS)
      throw new FormatError('limit', `more than ${MAX_OBJECTS} objects`, trailer + 8);
  }

  top(): PlistValue {
    return this.#object(this.#top, 0);
  }

  #object(index: number, depth: number): PlistValue {
    const known = this.#known.get(index);
    if (known !== undefined) return known;
    if (index >= this.#count) throw new FormatError('malformed', `object ${index} of ${this.#count}`);
    const at = this.#unsigned(this.#tableOffset + index * this.#offsetSize, this.#offsetSize);
    if (at < HEADER_BYTES || at >= this.#tableOffset) {
      throw new FormatError('malformed', `object ${index} lies outside the file`, at);
    }
    if (depth > MAX_DEPTH) throw new FormatError('limit', `nested more than ${MAX_DEPTH} deep`, at);
    if (this.#open.has(index)) throw new FormatError('malformed', `object ${index} contains itself`, at);
    this.#open.add(index);
    const value = this.#read(at, depth);
    this.#open.delete(index);
    this.#known.set(index, value);
    return value;
  }

  #read(at: number, depth: number): PlistValue {
    const marker = this.#bytes.readUInt8(at);
    const low = marker & 0x0f;
    switch (marker >> 4) {
      case 0x0:
        return this.#simple(marker, at);
      case 0x1:
        return this.#integer(at, 2 ** low);
      case 0x2:
        return this.#real(at + 1, 2 ** low);
      case 0x3:
        return this.#date(at, low);
      case 0x4: {
        const { count, start } = this.#sized(at, low);
        return this.#slice(start, count);
      }
      case 0x5:
      case 0x6:
      case 0x7:
        return this.#string(at, low, marker >> 4);
      case 0x8:
        return this.#unsigned(at + 1, low + 1);
      case 0xa:
      case 0xb:
      case 0xc:
        return this.#array(at, low, depth);
      case 0xd:
        return this.#dictionary(at, low, depth);
      default:
        throw new FormatError('malformed', `unknown object kind 0x${marker.toString(16)}`, at);
    }
  }

  #simple(marker: number, at: number): PlistValue {
    if (marker === 0x00) return null;
    if (marker === 0x08 || marker === 0x09) return marker === 0x09;
    throw new FormatError('malformed', `unknown object kind 0x${marker.toString(16).padStart(2, '0')}`, at);
  }

  /** One, two and four octets are unsigned; eight and more are not. */
  #integer(at: number, size: number): number | bigint {
    if (size > 16) throw new FormatError('malformed', `integer of ${size} bytes`, at);
    const hex = this.#slice(at + 1, size).toString('hex');
    const value = size < 8 ? BigInt(`0x${hex}`) : BigInt.asIntN(size * 8, BigInt(`0x${hex}`));
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  #real(at: number, size: number): number {
    if (size !== 4 && size !== 8) throw new FormatError('malformed', `real number of ${size} bytes`, at);
    const octets = this.#slice(at, size);
    return size === 4 ? octets.readFloatBE() : octets.readDoubleBE();
  }

  #date(at: number, low: number): Date {
    const date = new Date((this.#real(at + 1, 2 ** low) + EPOCH) * 1000);
    if (Number.isNaN(date.getTime())) throw new FormatError('malformed', 'not a date', at);
    return date;
  }

  #string(at: number, low: number, kind: number): string {
    const { count, start } = this.#sized(at, low);
    const octets = this.#slice(start, kind === 0x6 ? count * 2 : count);
    this.#stringBytes += octets.length;
    if (this.#stringBytes > MAX_STRING_BYTES) throw new FormatError('limit', 'too much text', at);
    if (kind === 0x6) return Buffer.from(octets).swap16().toString('utf16le');
    return octets.toString(kind === 0x5 ? 'latin1' : 'utf8');
  }

  #array(at: number, low: number, depth: number): PlistValue[] {
    const { count, start } = this.#sized(at, low);
    return this.#objectNumbers(start, count).map((index) => this.#object(index, depth + 1));
  }

  #dictionary(at: number, low: number, depth: number): ReadonlyMap<string, PlistValue> {
    const { count, start } = this.#sized(at, low);
    const numbers = this.#objectNumbers(start, count * 2);
    const entries = new Map<string, PlistValue>();
    for (let i = 0; i < count; i++) {
      const key = this.#object(numbers[i] ?? 0, depth + 1);
      if (typeof key !== 'string') throw new FormatError('malformed', 'a key is no string', at);
      entries.set(key, this.#object(numbers[count + i] ?? 0, depth + 1));
    }
    return entries;
  }

  #objectNumbers(start: number, count: number): number[] {
    this.#references += count;
    if (this.#references > MAX_REFERENCES) throw new FormatError('limit', 'too many references', start);
    this.#slice(start, count * this.#referenceSize);
    return Array.from({ length: count }, (_, i) =>
      this.#unsigned(start + i * this.#referenceSize, this.#referenceSize),
    );
  }

  /** The count of a string, data, array or dictionary: in the marker, or as an integer object after it. */
  #sized(at: number, low: number): { readonly count: number; readonly start: number } {
    if (low < 0x0f) return { count: low, start: at + 1 };
    const marker = this.#slice(at + 1, 1).readUInt8();
    const size = 2 ** (marker & 0x0f);
    if (marker >> 4 !== 0x1 || size > 8) throw new FormatError('malformed', 'a count is no integer', at);
    return { count: this.#unsigned(at + 2, size), start: at + 2 + size };
  }

  #unsigned(at: number, size: number): number {
    let value = 0;
    for (const octet of this.#slice(at, size)) value = value * 256 + octet;
    return value;
  }

  #large(at: number): number {
    return Number(this.#bytes.readBigUInt64BE(at));
  }

  #slice(at: number, length: number): Buffer {
    if (at < 0 || at + length > this.#bytes.length) {
      throw new FormatError('truncated', `${length} bytes wanted at the end of the file`, at);
    }
    return this.#bytes.subarray(at, at + length);
  }
}
