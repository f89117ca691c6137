/**
 * cert9.db, the certificate database of NSS (Firefox, Thunderbird, Chromium on Linux, many servers): a SQLite
 * file with one row per PKCS #11 object. Certificates and their trust are separate objects, linked by issuer,
 * serial number and hash. Source: nss/lib/softoken/sdb.c, sftkdb.c and nss/lib/dev/devtoken.c.
 */

import { hash } from 'node:crypto';
import { asBuffer, equalBytes } from '../core/bytes.ts';
import { certificateFrom } from '../core/certificate.ts';
import { groupBy } from '../core/collections.ts';
import { element, readTlv } from '../core/der.ts';
import { FormatError, type Diagnostic, type Parsed } from '../core/errors.ts';
import { formatName, parseName } from '../core/name.ts';
import { heldOnly, type Trust } from '../core/trust.ts';
import { readKeyDatabase, type KeyDatabase } from './nss-key4.ts';
import {
  attributeBytes,
  attributeNumber,
  combineTrust,
  decidingAttributes,
  grantsTrust,
  readLevels,
  TRUST_COLUMNS,
  trustString,
  withoutDistrust,
  type Levels,
  type TrustKind,
} from './nss-trust.ts';
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

interface TrustRecord {
  readonly kind: TrustKind;
  readonly id: number;
  readonly levels: Levels;
  readonly wrong: readonly string[];
  readonly hash: Uint8Array;
  readonly algorithm: string | undefined;
  readonly issuer: Uint8Array;
  readonly serial: Uint8Array;
}

const TABLE = 'nssPublic';
const MAX_ROWS = 200_000;
const MAX_DER = 1 << 20;
const MAX_ORPHAN_NOTES = 100;

const OBJECT_COLUMNS = ['id', 'a0', 'a3', 'a11', 'a80', 'a81', 'a82', 'a102', 'a635', 'a8c', 'ace5363b4'];
const COLUMNS = [...OBJECT_COLUMNS, ...TRUST_COLUMNS];

const CKO_CERTIFICATE = 1;
const TRUST_KINDS: ReadonlyMap<number, TrustKind> = new Map([
  [0x0000000b, 'CKO_TRUST'],
  [0xce534353, 'CKO_NSS_TRUST'],
]);
/** CKA_NAME_HASH_ALGORITHM: PKCS #11 mechanisms. */
const ALGORITHMS: ReadonlyMap<number, string> = new Map([
  [0x210, 'md5'],
  [0x220, 'sha1'],
  [0x250, 'sha256'],
  [0x260, 'sha384'],
  [0x270, 'sha512'],
]);

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
  const entries: Cert9Entry[] = [];
  const linked = new Set<string>();
  for (const row of rows) {
    if (attributeNumber(row['a0']) !== CKO_CERTIFICATE || (attributeNumber(row['a80']) ?? 0) !== 0) continue;
    const der = attributeBytes(row['a11']);
    const label = `object ${String(row['id'])}`;
    if (!der || der.length === 0) {
      diagnostics.push({
        level: 'error',
        code: 'malformed',
        message: `${label}: certificate without content`,
      });
    } else if (der.length > MAX_DER) {
      diagnostics.push({
        level: 'error',
        code: 'too-large',
        message: `${label}: certificate of ${der.length} bytes`,
      });
    } else {
      const key = linkKey(nameOf(row, der));
      linked.add(key);
      entries.push(toEntry(row, der, key, records.get(key) ?? [], keys));
    }
  }
  const orphans = [...records].filter(([key]) => !linked.has(key)).flatMap(([, found]) => found);
  return { entries, diagnostics: [...diagnostics, ...orphanNotes(orphans)] };
}

function trustRecords(rows: readonly SqliteRow[]): TrustRecord[] {
  return rows.flatMap((row) => {
    const kind = TRUST_KINDS.get(attributeNumber(row['a0']) ?? -1);
    return kind ? [trustRecord(kind, row)] : [];
  });
}

function trustRecord(kind: TrustKind, row: SqliteRow): TrustRecord {
  const isNew = kind === 'CKO_TRUST';
  return {
    kind,
    id: Number(row['id'] ?? 0),
    ...readLevels(kind, row),
    hash: attributeBytes(row[isNew ? 'a635' : 'ace5363b4']) ?? new Uint8Array(),
    algorithm: isNew ? ALGORITHMS.get(attributeNumber(row['a8c']) ?? 0x250) : 'sha1',
    issuer: attributeBytes(row['a81']) ?? new Uint8Array(),
    serial: attributeBytes(row['a82']) ?? new Uint8Array(),
  };
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

function trustOf(
  der: Uint8Array,
  records: readonly TrustRecord[],
  keys: KeyDatabase | undefined,
  keyId: Uint8Array,
  notes: string[],
): Trust {
  const hasPrivateKey = keyId.length > 0 && keys?.privateKeyIds.has(asBuffer(keyId).toString('hex')) === true;
  const valid = records.filter((record) => isValid(record, der, notes));
  const newer = valid.filter(({ kind }) => kind === 'CKO_TRUST');
  const older = valid.filter(({ kind }) => kind === 'CKO_NSS_TRUST');
  const used = newer.length > 0 ? newer : older;
  if (used.length === 0) return heldOnly(hasPrivateKey ? 'no trust (its private key is here)' : 'no trust');
  for (const { wrong } of used) {
    if (wrong.length > 0) notes.push(`trust record with unknown values for ${wrong.join(', ')}`);
  }
  const unsigned = keys?.signatures !== undefined && used.some((record) => lacksSignature(record, keys));
  const trust = combineTrust(
    used.map(({ levels }) => levels),
    hasPrivateKey,
    unsigned ? ' (signature missing)' : '',
  );
  if (newer.length > 0 && older.length > 0) noteOlder(trust, older, hasPrivateKey, notes);
  if (!unsigned) return trust;
  notes.push(
    'trusted or distrusted by a record whose signature is missing in key4.db: NSS itself ignores it',
  );
  return withoutDistrust(trust);
}

/** NSS before 3.114 sees only the older records. */
function noteOlder(
  trust: Trust,
  older: readonly TrustRecord[],
  hasPrivateKey: boolean,
  notes: string[],
): void {
  const before = combineTrust(
    older.map(({ levels }) => levels),
    hasPrivateKey,
  );
  if (before.expressed === trust.expressed) return;
  notes.push(`NSS before 3.114 reads another trust record here: ${before.expressed}`);
}

/** A record counts only for the certificate whose hash it holds; one without a hash can take trust, not give it. */
function isValid(record: TrustRecord, der: Uint8Array, notes: string[]): boolean {
  if (record.hash.length === 0) {
    if (!grantsTrust(record.levels)) return true;
    notes.push(`trust record without a hash ignored, as NSS does: ${trustString(record.levels, false)}`);
    return false;
  }
  if (record.algorithm === undefined) {
    notes.push('trust record with a hash of an unknown algorithm');
    return grantsTrust(record.levels);
  }
  const digest = hash(record.algorithm, der, 'buffer');
  if (digest.equals(record.hash)) return true;
  notes.push(
    `trust record with the hash of another certificate ignored: ${trustString(record.levels, false)}`,
  );
  return false;
}

function lacksSignature({ kind, id, levels }: TrustRecord, { signatures }: KeyDatabase): boolean {
  return decidingAttributes(kind, levels).some(
    (attribute) => !signatures?.has(`${hex8(id)}_${hex8(attribute)}`),
  );
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, '0');
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
