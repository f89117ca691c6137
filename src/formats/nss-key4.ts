/**
 * What a reader of trust needs from key4.db, NSS's database of keys: which private keys it has, and which trust
 * attributes of cert9.db it holds signatures for. No key is read, and no signature is checked: that would take the
 * password. Source: nss/lib/softoken/sftkdb.c and sftkpwd.c.
 */

import { asBuffer } from '../core/bytes.ts';
import type { Diagnostic } from '../core/errors.ts';
import { attributeBytes, attributeNumber } from './nss-trust.ts';
import { openSqlite, type SqliteFiles } from './sqlite.ts';

export interface KeyDatabase {
  /** CKA_ID of each private key in hex. */
  readonly privateKeyIds: ReadonlySet<string>;
  /** "object id_attribute", both as eight hex digits; undefined when they cannot be read whole. */
  readonly signatures: ReadonlySet<string> | undefined;
  /** Notes only: the trust store is complete without key4.db. */
  readonly diagnostics: readonly Diagnostic[];
}

const CKO_PRIVATE_KEY = 3;
const PREFIX = 'sig_cert_';

export function readKeyDatabase(files: SqliteFiles): KeyDatabase {
  const database = openSqlite(files);
  const meta = database.rows('metaData', ['id']);
  const objects = database.rows('nssPrivate', ['a0', 'a102']);
  const damage = [...database.diagnostics, ...meta.diagnostics, ...objects.diagnostics].filter(
    ({ level }) => level === 'error',
  );
  const signatures = new Set<string>();
  for (const { id } of meta.entries) {
    if (typeof id === 'string' && id.startsWith(PREFIX)) signatures.add(id.slice(PREFIX.length));
  }
  const privateKeyIds = new Set<string>();
  for (const row of objects.entries) {
    const id = attributeBytes(row['a102']);
    if (attributeNumber(row['a0']) === CKO_PRIVATE_KEY && id) privateKeyIds.add(asBuffer(id).toString('hex'));
  }
  const complete = damage.length === 0 && database.tables().some(({ name }) => name === 'metaData');
  const [first] = damage;
  const message = `key4.db cannot be read whole, so signatures over trust were not looked at: ${first?.message ?? ''}`;
  return {
    privateKeyIds,
    signatures: complete ? signatures : undefined,
    diagnostics: first ? [{ level: 'note', code: 'note', message }] : [],
  };
}
