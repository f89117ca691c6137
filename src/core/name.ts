/** Distinguished names: decoding, comparing attribute by attribute, and the string form of RFC 4514. */

import { asBuffer } from './bytes.ts';
import { children, content, decodeOid, readTlv, Tag, type Tlv } from './der.ts';
import { FormatError } from './errors.ts';

export interface NameAttribute {
  /** Short name (RFC 4514, section 3, and a few everyone uses), or the dotted OID. */
  readonly type: string;
  readonly value: string;
}

const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  ['550403', 'CN'],
  ['550404', 'SN'],
  ['550405', 'serialNumber'],
  ['550406', 'C'],
  ['550407', 'L'],
  ['550408', 'ST'],
  ['550409', 'street'],
  ['55040a', 'O'],
  ['55040b', 'OU'],
  ['55040c', 'title'],
  ['55042a', 'GN'],
  ['550461', 'organizationIdentifier'],
  ['0992268993f22c640101', 'UID'],
  ['0992268993f22c640119', 'DC'],
  ['2a864886f70d010901', 'emailAddress'],
]);

/** More attributes than any real name has. */
const MAX_ATTRIBUTES = 200;
const MAX_VALUE_BYTES = 64 << 10;

/** The attributes of a Name in the order they are stored. Unreadable parts are left out. */
export function parseName(bytes: Uint8Array, name: Tlv): NameAttribute[] {
  const attributes: NameAttribute[] = [];
  try {
    for (const rdn of children(bytes, name, MAX_ATTRIBUTES)) {
      for (const pair of children(bytes, rdn, MAX_ATTRIBUTES)) {
        const type = readTlv(bytes, pair.contentStart, pair.contentEnd);
        const value = readTlv(bytes, type.end, pair.contentEnd);
        attributes.push({ type: attributeType(content(bytes, type)), value: decodeString(bytes, value) });
        if (attributes.length >= MAX_ATTRIBUTES) return attributes;
      }
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  return attributes;
}

function attributeType(octets: Uint8Array): string {
  return SHORT_NAMES.get(asBuffer(octets).toString('hex')) ?? decodeOid(octets);
}

/** Decodes a DirectoryString; invalid UTF-8 is read as Latin-1, because the bytes must show. */
function decodeString(bytes: Uint8Array, value: Tlv): string {
  const end = Math.min(value.contentEnd, value.contentStart + MAX_VALUE_BYTES);
  const octets = asBuffer(bytes.subarray(value.contentStart, end));
  if (value.tag === Tag.bmpString) {
    return Buffer.from(octets.subarray(0, octets.length & ~1))
      .swap16()
      .toString('utf16le');
  }
  if (value.tag === Tag.universalString) {
    let text = '';
    for (let i = 0; i + 4 <= octets.length; i += 4) {
      const point = octets.readUInt32BE(i);
      text += point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd';
    }
    return text;
  }
  const text = octets.toString('utf8');
  return text.includes('\ufffd') ? octets.toString('latin1') : text;
}

/** RFC 4514: most specific attribute first, separated by commas, special characters escaped. */
export function formatName(attributes: readonly NameAttribute[]): string {
  return attributes
    .toReversed()
    .map(({ type, value }) => `${type}=${escapeValue(value)}`)
    .join(',');
}

function escapeValue(value: string): string {
  return value
    .replaceAll(/[\\,+"<>;]/g, String.raw`\$&`)
    .replace(/^[ #]/, String.raw`\$&`)
    .replace(/ $/, String.raw`\ `);
}

/**
 * One attribute value in the form in which values are compared: compatibility characters, case and white space
 * folded, in the spirit of RFC 4518, so that a look-alike written with other spaces or widths still compares equal.
 */
export function foldValue(value: string): string {
  // Most values are plain ASCII; normalising them is needless work in a scan of many thousands.
  const normal = /^[\x20-\x7e]*$/.test(value) ? value : value.normalize('NFKC').replaceAll(/\p{Cf}/gu, '');
  return normal.toLowerCase().trim().replaceAll(/\s+/g, ' ');
}

/** A key that two names share when they have the same attributes in whatever order. */
export function nameKey(attributes: readonly NameAttribute[]): string {
  return attributes
    .map(({ type, value }) => `${type}=${foldValue(value)}`)
    .toSorted()
    .join('\n');
}
