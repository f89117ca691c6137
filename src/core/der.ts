/**
 * A bounded walk over DER and, where real files need it, BER (ITU-T X.690). Nothing is decoded into a tree:
 * a {@link Tlv} says where an element lies, so its exact bytes can be hashed.
 */

import { FormatError } from './errors.ts';

export interface Tlv {
  /** The identifier octet; multi-byte tags are kept as their first octet. */
  readonly tag: number;
  /** Offset of the identifier octet. */
  readonly start: number;
  readonly contentStart: number;
  /** End of the content (exclusive); before the end-of-contents octets of an indefinite length. */
  readonly contentEnd: number;
  /** End of the whole element (exclusive). */
  readonly end: number;
  /** False when the length is not in the one form DER allows. */
  readonly definiteMinimal: boolean;
}

export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  bmpString: 0x1e,
  universalString: 0x1c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Nesting that no real store comes near; a deeper file is an attempt to exhaust the stack. */
const MAX_DEPTH = 64;

/** Reads the element at `offset`; `end` bounds it. Indefinite lengths (BER) are followed to their end. */
export function readTlv(bytes: Uint8Array, offset: number, end = bytes.length, depth = 0): Tlv {
  const tag = bytes[offset];
  if (tag === undefined || offset >= end) throw new FormatError('truncated', 'element expected', offset);
  let position = offset + 1;
  if ((tag & 0x1f) === 0x1f) {
    // A tag number above 30: continuation octets. Four are ample.
    for (let count = 0; ; count++) {
      const octet = bytes[position++];
      if (octet === undefined || position > end) throw new FormatError('truncated', 'tag cut off', offset);
      if ((octet & 0x80) === 0) break;
      if (count >= 4) throw new FormatError('malformed', 'tag number too large', offset);
    }
  }
  const first = bytes[position++];
  if (first === undefined || position > end) throw new FormatError('truncated', 'length cut off', offset);
  if (first === 0x80) return readIndefinite(bytes, tag, offset, position, end, depth);
  let length = first;
  let minimal = true;
  if (first > 0x80) {
    const count = first & 0x7f;
    if (count > 6) throw new FormatError('malformed', 'length of more than six octets', offset);
    length = 0;
    for (let i = 0; i < count; i++) {
      const octet = bytes[position++];
      if (octet === undefined || position > end) throw new FormatError('truncated', 'length cut off', offset);
      length = length * 256 + octet;
    }
    minimal = length >= 0x80 && length >= 256 ** (count - 1);
  }
  if (length > end - position) {
    throw new FormatError('truncated', `element of ${length} bytes, ${end - position} left`, offset);
  }
  const contentEnd = position + length;
  return {
    tag,
    start: offset,
    contentStart: position,
    contentEnd,
    end: contentEnd,
    definiteMinimal: minimal,
  };
}

function readIndefinite(
  bytes: Uint8Array,
  tag: number,
  start: number,
  contentStart: number,
  end: number,
  depth: number,
): Tlv {
  if ((tag & 0x20) === 0) throw new FormatError('malformed', 'primitive element without a length', start);
  if (depth >= MAX_DEPTH) throw new FormatError('limit', `nested more than ${MAX_DEPTH} deep`, start);
  let position = contentStart;
  for (;;) {
    if (bytes[position] === 0 && bytes[position + 1] === 0 && position + 2 <= end) {
      const contentEnd = position;
      return { tag, start, contentStart, contentEnd, end: position + 2, definiteMinimal: false };
    }
    position = readTlv(bytes, position, end, depth + 1).end;
  }
}

/** The elements inside a constructed element, in order. `limit` bounds how many are read. */
export function children(bytes: Uint8Array, parent: Tlv, limit = 100_000): Tlv[] {
  const found: Tlv[] = [];
  let position = parent.contentStart;
  while (position < parent.contentEnd) {
    if (found.length >= limit) throw new FormatError('limit', `more than ${limit} elements`, position);
    const child = readTlv(bytes, position, parent.contentEnd);
    found.push(child);
    position = child.end;
  }
  return found;
}

/** The content octets of an element, as a view. */
export function content(bytes: Uint8Array, tlv: Tlv): Uint8Array {
  return bytes.subarray(tlv.contentStart, tlv.contentEnd);
}

/** The element with its header, as a view. */
export function element(bytes: Uint8Array, tlv: Tlv): Uint8Array {
  return bytes.subarray(tlv.start, tlv.end);
}

/** Reads the element at `offset` and insists on its tag. */
export function expectTlv(bytes: Uint8Array, offset: number, end: number, tag: number, what: string): Tlv {
  const tlv = readTlv(bytes, offset, end);
  if (tlv.tag !== tag) {
    const expected = tag.toString(16).padStart(2, '0');
    const got = tlv.tag.toString(16).padStart(2, '0');
    throw new FormatError('malformed', `${what}: tag ${expected} expected, ${got} found`, offset);
  }
  return tlv;
}

/** An OBJECT IDENTIFIER's content octets in dotted form. */
export function decodeOid(octets: Uint8Array): string {
  const arcs: (number | bigint)[] = [];
  let value: number | bigint = 0;
  for (const octet of octets.subarray(0, 128)) {
    value = withSevenBits(value, octet & 0x7f);
    if ((octet & 0x80) !== 0) continue;
    if (arcs.length === 0) {
      const root = value < 40 ? 0 : value < 80 ? 1 : 2;
      arcs.push(root, typeof value === 'number' ? value - root * 40 : value - BigInt(root * 40));
    } else {
      arcs.push(value);
    }
    value = 0;
  }
  return arcs.join('.');
}

/** Hardly any arc is too large for a number, and a bigint costs many times as much. */
function withSevenBits(value: number | bigint, bits: number): number | bigint {
  return typeof value === 'number' && value < 2 ** 45
    ? value * 128 + bits
    : (BigInt(value) << 7n) | BigInt(bits);
}

/** A header in DER's minimal form for an element of `length` content bytes. */
export function derHeader(tag: number, length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(tag, length);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return Uint8Array.of(tag, 0x80 | octets.length, ...octets);
}
