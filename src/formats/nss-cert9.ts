/**
 * cert9.db, the certificate database of NSS (Firefox, Thunderbird, Chromium on Linux, many servers): a SQLite
 * file with one row per PKCS #11 object. Certificates and their trust are separate objects, linked by issuer,
 * serial number and hash. Source: nss/lib/softoken/sdb.c, sftkdb.c and nss/lib/dev/devtoken.c.
 */

import { asBuffer, equalBytes } from '../core/bytes.ts';
import { certificateFrom } from '../core/certificate.ts';
import { groupBy } from '../core/collections.ts';
import { element, readTlv } from '../core/der.ts';
import { FormatError, type Diagnostic, type Parsed, type ProblemCode } from '../core/errors.ts';
import { formatName, parseName } from '../core/name.ts';
import type { Trust } from '../core/trust.ts';
import { readKeyDatabase, type KeyDatabase } from './nss-key4.ts';
import { attributeBytes, attributeNumber, TRUST_COLUMNS, trustString, type TrustKind } from './nss-trust.ts';
import { trustOf, trustRecords, type TrustRecord } from './nss-trust-records.ts';
import { openSqlite, type SqliteFiles, type SqliteRow } from './sqlite.ts';

export interface Cert9Files extends SqliteFiles {
  /** key4.db beside it, which holds signatures over trust records. */
  readonly key4?: SqliteFiles | undefined;
}

export interface Cert9Entry {
  readonly der: Uint8Array;
  /** Empty when there is none. */
  readonly nickname: string;
  /** False when the stored nickname is not UTF-8, so that {@link nickname} cannot name it to a program. */
  readonly nicknameExact: boolean;
  /** CKA_ID, by which a PKCS #11 URI can name it; empty when there is none. */
  readonly keyId: Uint8Array;
  /** Issuer and serial number as the row has them: rows that share them are one certificate to NSS. */
  readonly identity: string;
  readonly trust: Trust;
  /** The kinds of trust object that were found for it, valid or not. */
  readonly trustObjects: readonly TrustKind[];
  readonly notes: readonly string[];
}

const TABLE = 'nssPublic';
const MAX_ROWS = 200_000;
const MAX_DER = 1 << 20;
const MAX_ORPHAN_NOTES = 100;
const MAX_DIAGNOSTICS = 100;
/** Of one certificate; there should be one. */
const MAX_RECORDS = 100;

const OBJECT_COLUMNS = ['id', 'a0', 'a3', 'a11', 'a80', 'a81', 'a82', 'a102', 'a635', 'a8c', 'ace5363b4'];
const COLUMNS = [...OBJECT_COLUMNS, ...TRUST_COLUMNS];

const CKO_CERTIFICATE = 1;
/** Every certificate of the database with the trust that NSS gives it. */
export function parseCert9(files: Cert9Files): Parsed<Cert9Entry> {
  const database = openSqlite(files);
  const { entries: all, diagnostics: damage } = database.rows(TABLE, COLUMNS);
  const diagnostics: Diagnostic[] = [...database.diagnostics, ...damage];
  const broken = diagnostics.some(({ level }) => level === 'error');
  if (files.main.length > 0 && !broken && !database.tables().some(({ name }) => name === TABLE)) {
    diagnostics.push({
      level: 'error',
      code: 'malformed',
      message: `no NSS database: it has no table ${TABLE}`,
    });
  }
  if (all.length > MAX_ROWS) {
    diagnostics.push({ level: 'error', code: 'limit', message: `more than ${MAX_ROWS} objects` });
  }
  const rows = all.slice(0, MAX_ROWS);
  const keys = files.key4 ? readKeyDatabase(files.key4) : undefined;
  if (keys) diagnostics.push(...keys.diagnostics);
  const records = groupBy(trustRecords(rows), linkKey);
  const refused: Diagnostic[] = [];
  const entries: Cert9Entry[] = [];
  for (const row of rows) {
    if (attributeNumber(row['a0']) !== CKO_CERTIFICATE || (attributeNumber(row['a80']) ?? 0) !== 0) continue;
    const entry = readEntry(row, records, keys, refused);
    if (entry) entries.push(entry);
  }
  for (const { identity } of entries) records.delete(identity);
  return {
    entries,
    diagnostics: [
      ...diagnostics,
      ...refused.slice(0, MAX_DIAGNOSTICS),
      ...orphanNotes([...records.values()].flat()),
    ],
  };
}

function readEntry(
  row: SqliteRow,
  records: ReadonlyMap<string, readonly TrustRecord[]>,
  keys: KeyDatabase | undefined,
  refused: Diagnostic[],
): Cert9Entry | undefined {
  const refuse = (code: ProblemCode, what: string): void => {
    refused.push({ level: 'error', code, message: `object ${String(row['id'])}: ${what}` });
  };
  const der = attributeBytes(row['a11']);
  if (!der || der.length === 0) {
    refuse('malformed', 'certificate without content');
  } else if (der.length > MAX_DER) {
    refuse('too-large', `certificate of ${der.length} bytes`);
  } else {
    const identity = linkKey(nameOf(row, der));
    const found = records.get(identity) ?? [];
    if (found.length > MAX_RECORDS)
      refuse('limit', `certificate with more than ${MAX_RECORDS} trust records`);
    return toEntry(row, der, identity, found.slice(0, MAX_RECORDS), keys);
  }
  return undefined;
}

interface IssuerAndSerial {
  readonly issuer: Uint8Array;
  readonly serial: Uint8Array;
}

function linkKey({ issuer, serial }: IssuerAndSerial): string {
  return `${asBuffer(issuer).toString('latin1')}\n${asBuffer(serial).toString('latin1')}`;
}

/** Issuer and serial number as the row has them, which is what NSS compares; else as the certificate has them. */
function nameOf(row: SqliteRow, der: Uint8Array): IssuerAndSerial {
  const issuer = attributeBytes(row['a81']);
  const serial = attributeBytes(row['a82']);
  if (issuer && serial) return { issuer, serial };
  const { layout } = certificateFrom(der);
  return {
    issuer: issuer ?? (layout ? element(der, layout.issuer) : new Uint8Array()),
    serial: serial ?? (layout ? element(der, layout.serial) : new Uint8Array()),
  };
}

function toEntry(
  row: SqliteRow,
  der: Uint8Array,
  identity: string,
  records: readonly TrustRecord[],
  keys: KeyDatabase | undefined,
): Cert9Entry {
  const label = asBuffer(attributeBytes(row['a3']) ?? new Uint8Array());
  const nickname = label.toString('utf8');
  const keyId = attributeBytes(row['a102']) ?? new Uint8Array();
  const notes: string[] = [];
  const trust = trustOf(der, records, keys, keyId, notes);
  return {
    der,
    nickname,
    nicknameExact: equalBytes(Buffer.from(nickname), label),
    keyId,
    identity,
    trust,
    trustObjects: [...new Set(records.map(({ kind }) => kind))],
    notes,
  };
}

/** Trust or distrust of a certificate that the database does not hold: nothing to match, but worth knowing. */
function orphanNotes(records: readonly TrustRecord[]): Diagnostic[] {
  const notes = records.slice(0, MAX_ORPHAN_NOTES).map((record) => {
    const serial = asBuffer(record.serial).toString('hex');
    const trust = trustString(record.levels, false);
    return `trust record "${trust}" for a certificate that is not stored: issuer ${issuerName(record)}, serial ${serial}`;
  });
  if (records.length > notes.length) notes.push(`and ${records.length - notes.length} more such records`);
  return notes.map((message) => ({ level: 'note', code: 'note', message }));
}

function issuerName({ issuer }: TrustRecord): string {
  try {
    return formatName(parseName(issuer, readTlv(issuer, 0)));
  } catch (error) {
    if (error instanceof FormatError) return asBuffer(issuer).toString('hex');
    throw error;
  }
}
