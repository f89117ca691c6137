/**
 * `ServerCertificate`, the database of a Chrome profile with the certificates that a person added in Chrome's own
 * certificate manager: SQLite, and a small protobuf message for the trust of each. Source: Chromium,
 * components/server_certificate_database (server_certificate_database.cc and .proto).
 */

import { asBuffer } from '../core/bytes.ts';
import { sha256 } from '../core/certificate.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import { messageBytes, protobufFields, wholeMessage, type Message } from './protobuf.ts';
import { openSqlite, type SqliteFiles, type SqliteRow } from './sqlite.ts';

/** none: Chrome ignores the row; hint: helps to build a chain and is not trusted. */
type ServerCertificateTrust = 'none' | 'hint' | 'distrusted' | 'trusted';

export interface ServerCertificateEntry {
  readonly der: Uint8Array;
  /** The row's key exactly as stored: the digest of the certificate in hex, mostly in lower case. */
  readonly key: string;
  readonly trust: ServerCertificateTrust;
  /** Only for these, where there are any: "example.org", "10.1.0.0/16". */
  readonly names: readonly string[];
}

const TABLE = 'certificates';
const COLUMNS = ['sha256hash_hex', 'der_cert', 'trust_settings'];
const MAX_ROWS = 100_000;
const MAX_DER = 1 << 20;
const MAX_NAMES = 10_000;
const MAX_DIAGNOSTICS = 100;

const TRUST_TYPES: ReadonlyMap<bigint, ServerCertificateTrust> = new Map([
  [0n, 'none'],
  [1n, 'hint'],
  [2n, 'distrusted'],
  [3n, 'trusted'],
]);

export function parseServerCertificates(files: SqliteFiles): Parsed<ServerCertificateEntry> {
  const database = openSqlite(files);
  const { entries: rows, diagnostics: damage } = database.rows(TABLE, COLUMNS);
  const diagnostics: Diagnostic[] = [...database.diagnostics, ...damage];
  const broken = diagnostics.some(({ level }) => level === 'error');
  if (files.main.length > 0 && !broken && !database.tables().some(({ name }) => name === TABLE)) {
    const message = `no certificate database of Chrome: it has no table ${TABLE}`;
    diagnostics.push({ level: 'error', code: 'malformed', message });
  }
  if (rows.length > MAX_ROWS) {
    diagnostics.push({ level: 'error', code: 'limit', message: `more than ${MAX_ROWS} certificates` });
  }
  const entries: ServerCertificateEntry[] = [];
  const found: Diagnostic[] = [];
  for (const row of rows.slice(0, MAX_ROWS)) {
    const entry = readRow(row, found);
    if (entry) entries.push(entry);
  }
  return { entries, diagnostics: [...diagnostics, ...found.slice(0, MAX_DIAGNOSTICS)] };
}

function readRow(row: SqliteRow, diagnostics: Diagnostic[]): ServerCertificateEntry | undefined {
  const { sha256hash_hex: stored, der_cert: der, trust_settings: settings } = row;
  const key = typeof stored === 'string' ? stored : '';
  const about = `row ${key.slice(0, 64)}`;
  if (!(der instanceof Uint8Array) || der.length === 0 || der.length > MAX_DER) {
    diagnostics.push({ level: 'error', code: 'malformed', message: `${about}: no certificate` });
    return undefined;
  }
  if (key.toLowerCase() !== sha256(der)) {
    diagnostics.push({
      level: 'note',
      code: 'note',
      message: `${about}: the digest is of another certificate`,
    });
  }
  try {
    const metadata = settings instanceof Uint8Array ? readMetadata(settings) : NO_METADATA;
    return { der, key, ...metadata };
  } catch (error) {
    const { code, message } = toDiagnostic(error);
    diagnostics.push({ level: 'error', code, message: `${about}: its trust: ${message}` });
    return { der, key, ...NO_METADATA };
  }
}

interface Metadata {
  readonly trust: ServerCertificateTrust;
  readonly names: readonly string[];
}

const NO_METADATA: Metadata = { trust: 'none', names: [] };

/** CertificateMetadata: the trust, and the names it is limited to. */
function readMetadata(settings: Uint8Array): Metadata {
  let trust: ServerCertificateTrust = 'none';
  const names: string[] = [];
  for (const field of protobufFields(wholeMessage(settings))) {
    if (field.kind !== 'bytes') continue;
    if (field.number === 1) trust = readTrust(field.value);
    else if (field.number === 2) readConstraints(field.value, names);
  }
  return { trust, names };
}

function readTrust(message: Message): ServerCertificateTrust {
  let trust: ServerCertificateTrust = 'none';
  for (const field of protobufFields(message)) {
    if (field.kind !== 'number' || field.number !== 1) continue;
    const known = TRUST_TYPES.get(field.value);
    if (!known) throw new FormatError('unsupported', `value ${field.value}`, field.offset);
    trust = known;
  }
  return trust;
}

function readConstraints(message: Message, names: string[]): void {
  for (const field of protobufFields(message)) {
    if (field.kind !== 'bytes') continue;
    if (names.length >= MAX_NAMES)
      throw new FormatError('limit', `more than ${MAX_NAMES} names`, field.offset);
    if (field.number === 1) names.push(asBuffer(messageBytes(field.value)).toString('utf8'));
    else if (field.number === 3) names.push(readCidr(field.value));
  }
}

function readCidr(message: Message): string {
  let address: Uint8Array = new Uint8Array();
  let prefix = 0n;
  for (const field of protobufFields(message)) {
    if (field.kind === 'bytes' && field.number === 1) address = messageBytes(field.value);
    else if (field.kind === 'number' && field.number === 2) prefix = field.value;
  }
  return `${formatAddress(address)}/${prefix}`;
}

function formatAddress(address: Uint8Array): string {
  if (address.length === 4) return address.join('.');
  const groups =
    asBuffer(address)
      .toString('hex')
      .match(/.{1,4}/g) ?? [];
  return groups.map((group) => group.replace(/^0{1,3}/, '')).join(':');
}
