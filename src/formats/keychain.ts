/**
 * Apple's keychain files (`kych`): *.keychain and *.keychain-db. Certificates lie there in the clear; keys and
 * passwords have tables of their own, which are not looked at. Source: libsecurity_filedb of Apple's Security.
 */

import { asBuffer } from '../core/bytes.ts';
import { readTlv, Tag } from '../core/der.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';

export interface KeychainEntry {
  /** A view of the bytes as stored. */
  readonly der: Uint8Array;
  /** The name that Keychain Access shows; empty when there is none. */
  readonly label: string;
  /** Offset of the record. */
  readonly offset: number;
}

/** A larger file is none that anyone uses. */
export const MAX_KEYCHAIN_BYTES = 256 << 20;

const VERSION = 0x00010000;
const CERTIFICATES = 0x80001000;
const MAX_TABLES = 1000;
const MAX_RECORDS = 200_000;
/** Real certificates have at most a few tens of kilobytes. */
const MAX_CERTIFICATE_BYTES = 4 << 20;
const MAX_DIAGNOSTICS = 100;
const MAX_LABEL_BYTES = 1024;

/** Size, number, two versions, data size, semantic information, and nine attribute offsets. */
const RECORD_HEAD = 60;
const TABLE_HEAD = 28;
const PRINT_NAME = 24 + 2 * 4;

/** Every certificate of the file. A damaged record is an error, and the others still count. */
export function parseKeychain(bytes: Uint8Array): Parsed<KeychainEntry> {
  const entries: KeychainEntry[] = [];
  const diagnostics: Diagnostic[] = [];
  const report = (error: unknown): void => {
    const diagnostic = toDiagnostic(error);
    if (diagnostics.length < MAX_DIAGNOSTICS) diagnostics.push(diagnostic);
  };
  try {
    if (bytes.length > MAX_KEYCHAIN_BYTES) {
      throw new FormatError('too-large', `keychain of ${bytes.length} bytes`);
    }
    const file = asBuffer(bytes);
    for (const table of tablesOf(file, report)) {
      if (file.readUInt32BE(table.start + 4) === CERTIFICATES) readTable(file, table, entries, report);
    }
  } catch (error) {
    report(error);
  }
  return { entries, diagnostics };
}

function looksLikeKeychain(bytes: Uint8Array): boolean {
  return asBuffer(bytes.subarray(0, 4)).toString('latin1') === 'kych';
}

interface Range {
  readonly start: number;
  readonly end: number;
}

type Report = (error: unknown) => void;

/** Tables whose head and length lie inside the file. */
function tablesOf(file: Buffer, report: Report): Range[] {
  if (!looksLikeKeychain(file)) throw new FormatError('malformed', 'not a keychain file', 0);
  const version = u32(file, 4);
  if (version !== VERSION) {
    throw new FormatError('unsupported', `keychain version ${version.toString(16)}`, 4);
  }
  const schema = u32(file, 12);
  const count = u32(file, schema + 4);
  if (count > MAX_TABLES) throw new FormatError('malformed', `keychain with ${count} tables`, schema + 4);
  const tables = new Map<number, Range>();
  for (let i = 0; i < count; i++) {
    try {
      const start = schema + u32(file, schema + 8 + 4 * i);
      const size = u32(file, start);
      if (size < TABLE_HEAD || start + size > file.length) {
        throw new FormatError('malformed', `table of ${size} bytes does not fit the file`, start);
      }
      checkCounts(file, start, size);
      tables.set(start, { start, end: start + size });
    } catch (error) {
      report(error);
    }
  }
  return [...tables.values()];
}

/** Also in tables that are not read: damage there may have hidden a table of certificates. */
function checkCounts(file: Buffer, start: number, size: number): void {
  const places = u32(file, start + 24);
  const records = u32(file, start + 8);
  if (places > (size - TABLE_HEAD) / 4) {
    throw new FormatError(
      'malformed',
      `table with ${places} places for records does not fit its size`,
      start,
    );
  }
  if (records > places) {
    throw new FormatError('malformed', `table with ${records} records and ${places} places for them`, start);
  }
}

function readTable(file: Buffer, table: Range, entries: KeychainEntry[], report: Report): void {
  const count = u32(file, table.start + 24);
  const seen = new Set<number>();
  let total = 0;
  for (let i = 0; i < count; i++) {
    const offset = u32(file, table.start + TABLE_HEAD + 4 * i);
    // Zero and odd numbers are free places.
    if (offset === 0 || offset % 2 === 1 || seen.has(offset)) continue;
    seen.add(offset);
    if (seen.size > MAX_RECORDS) {
      report(new FormatError('limit', `more than ${MAX_RECORDS} certificates`, table.start));
      return;
    }
    try {
      const entry = readRecord(file, table, table.start + offset);
      total += entry.der.length;
      if (total > file.length) {
        report(new FormatError('malformed', 'records that lie over one another', entry.offset));
        return;
      }
      entries.push(entry);
    } catch (error) {
      report(error);
    }
  }
}

function readRecord(file: Buffer, table: Range, start: number): KeychainEntry {
  if (start + RECORD_HEAD > table.end) {
    throw new FormatError('malformed', 'record lies outside its table', start);
  }
  const size = u32(file, start);
  if (size < RECORD_HEAD || start + size > table.end) {
    throw new FormatError('malformed', `record of ${size} bytes does not fit its table`, start);
  }
  const record = { start, end: start + size };
  const length = u32(file, start + 16);
  const from = start + RECORD_HEAD;
  if (length > size - RECORD_HEAD) {
    throw new FormatError('malformed', `certificate of ${length} bytes does not fit its record`, start + 16);
  }
  if (length > MAX_CERTIFICATE_BYTES) {
    throw new FormatError('too-large', `certificate of ${length} bytes`, start + 16);
  }
  const der = file.subarray(from, from + length);
  if (readTlv(der, 0).tag !== Tag.sequence) {
    throw new FormatError('malformed', 'record without a certificate', from);
  }
  return { der, label: labelOf(file, record), offset: start };
}

/** Only a name: when it cannot be read the certificate counts all the same. */
function labelOf(file: Buffer, record: Range): string {
  const offset = u32(file, record.start + PRINT_NAME);
  if (offset === 0) return '';
  // The lowest bit says that there is exactly one value; else a count and values stand there.
  const at = record.start + (offset % 2 === 1 ? offset - 1 : offset + 4);
  if (at + 4 > record.end) return '';
  const length = u32(file, at);
  if (length > MAX_LABEL_BYTES || at + 4 + length > record.end) return '';
  return file.toString('utf8', at + 4, at + 4 + length);
}

function u32(file: Buffer, at: number): number {
  if (at + 4 > file.length) throw new FormatError('truncated', 'keychain cut off', at);
  return file.readUInt32BE(at);
}
