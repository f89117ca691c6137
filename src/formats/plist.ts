/**
 * Apple's property lists, XML and binary, as plain values. The old text form (NeXTSTEP) is not read: nothing that
 * says whom to trust is kept in it. Sources: Apple's PropertyList-1.0.dtd and CFBinaryPList.c (CoreFoundation).
 */

import { asBuffer } from '../core/bytes.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import { readBinaryPlist } from './plist-binary.ts';
import { readXmlPlist } from './plist-xml.ts';

/**
 * Integers that a number cannot hold exactly are bigints. In a binary list one array or dictionary may be part of
 * many others: who walks through the whole of it has to count the steps.
 */
export type PlistValue =
  string | number | bigint | boolean | null | Date | Uint8Array | readonly PlistValue[] | PlistDictionary;

/** A map, because a hostile key may be called "__proto__". Of keys that are there twice, the last one stands. */
export type PlistDictionary = ReadonlyMap<string, PlistValue>;

/** Apple's own files of this kind have at most a few megabytes. */
export const MAX_PLIST_BYTES = 32 << 20;

/** At most one entry: the value at the top. */
export function parsePlist(bytes: Uint8Array): Parsed<PlistValue> {
  try {
    if (bytes.length > MAX_PLIST_BYTES) {
      throw new FormatError('too-large', `property list of ${bytes.length} bytes`);
    }
    if (bytes.length === 0) throw new FormatError('truncated', 'empty file, not a property list');
    return looksLikeBinaryPlist(bytes)
      ? { entries: [readBinaryPlist(bytes)], diagnostics: [] }
      : parseXml(bytes);
  } catch (error) {
    return { entries: [], diagnostics: [toDiagnostic(error)] };
  }
}

function looksLikeBinaryPlist(bytes: Uint8Array): boolean {
  return asBuffer(bytes.subarray(0, 6)).toString('latin1') === 'bplist';
}

/** In text, the line says more than the offset. */
function parseXml(bytes: Uint8Array): Parsed<PlistValue> {
  const text = textOf(bytes);
  try {
    return { entries: [readXmlPlist(text)], diagnostics: [] };
  } catch (error) {
    const { offset = 0, ...diagnostic }: Diagnostic = toDiagnostic(error);
    return { entries: [], diagnostics: [{ ...diagnostic, line: lineAt(text, offset) }] };
  }
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

function textOf(bytes: Uint8Array): string {
  const buffer = asBuffer(bytes);
  if (buffer[0] === 0xff && buffer[1] === 0xfe) return buffer.toString('utf16le', 2);
  if (buffer[0] === 0xfe && buffer[1] === 0xff) {
    return Buffer.from(buffer.subarray(2, buffer.length & ~1))
      .swap16()
      .toString('utf16le');
  }
  return buffer.toString('utf8', buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf ? 3 : 0);
}

export function asDictionary(value: PlistValue | undefined): PlistDictionary | undefined {
  return value instanceof Map ? value : undefined;
}

export function asArray(value: PlistValue | undefined): readonly PlistValue[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

export function asBytes(value: PlistValue | undefined): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined;
}

export function asString(value: PlistValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function asNumber(value: PlistValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
