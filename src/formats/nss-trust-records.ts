/**
 * From the trust records of an NSS database to the trust of one certificate: which of them count, and what they say
 * together. Source: nss/lib/softoken/pkcs11.c and nss/lib/dev/devtoken.c.
 */

import { hash } from 'node:crypto';
import { asBuffer, equalBytes } from '../core/bytes.ts';
import { heldOnly, type Trust } from '../core/trust.ts';
import type { KeyDatabase } from './nss-key4.ts';
import {
  attributeBytes,
  attributeNumber,
  combineTrust,
  decidingAttributes,
  grantsTrust,
  readLevels,
  trustString,
  withoutDistrust,
  type Levels,
  type TrustKind,
} from './nss-trust.ts';
import type { SqliteRow } from './sqlite.ts';

export interface TrustRecord {
  readonly kind: TrustKind;
  readonly id: number;
  readonly levels: Levels;
  readonly wrong: readonly string[];
  readonly hash: Uint8Array;
  readonly algorithm: string | undefined;
  readonly issuer: Uint8Array;
  readonly serial: Uint8Array;
}

const TRUST_KINDS: ReadonlyMap<number, TrustKind> = new Map([
  [0x0000000b, 'CKO_TRUST'],
  [0xce534353, 'CKO_NSS_TRUST'],
]);
/** CKA_NAME_HASH_ALGORITHM: PKCS #11 mechanisms. */
const ALGORITHMS: ReadonlyMap<number, string> = new Map([
  [0x220, 'sha1'],
  [0x250, 'sha256'],
  [0x260, 'sha384'],
  [0x270, 'sha512'],
]);

/** Those of the rows that are trust records. */
export function trustRecords(rows: readonly SqliteRow[]): TrustRecord[] {
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

/** What the records of one certificate say about it; notes tell what is odd about them. */
export function trustOf(
  der: Uint8Array,
  records: readonly TrustRecord[],
  keys: KeyDatabase | undefined,
  keyId: Uint8Array,
  notes: string[],
): Trust {
  const hasPrivateKey = keyId.length > 0 && keys?.privateKeyIds.has(asBuffer(keyId).toString('hex')) === true;
  const digest = digestsOf(der);
  const valid = records.filter((record) => isValid(record, digest, notes));
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

/** Each hash is made once, however many records ask for it. */
function digestsOf(der: Uint8Array): (algorithm: string) => Buffer {
  const known = new Map<string, Buffer>();
  return (algorithm) => {
    const digest = known.get(algorithm) ?? hash(algorithm, der, 'buffer');
    known.set(algorithm, digest);
    return digest;
  };
}

/** A record counts only for the certificate whose hash it holds; one without a hash can take trust, not give it. */
function isValid(record: TrustRecord, digest: (algorithm: string) => Buffer, notes: string[]): boolean {
  if (record.hash.length === 0) {
    if (!grantsTrust(record.levels)) return true;
    notes.push(`trust record without a hash ignored, as NSS does: ${trustString(record.levels, false)}`);
    return false;
  }
  if (record.algorithm === undefined) {
    notes.push('trust record with a hash of an unknown algorithm');
    return grantsTrust(record.levels);
  }
  if (equalBytes(digest(record.algorithm), record.hash)) return true;
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
