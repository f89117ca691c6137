/** NSS databases with one trusted certificate: cert9.db (SQLite) and cert8.db (Berkeley DB), as much as trust needs. */

import { hash } from 'node:crypto';
import { certificateFrom } from '../core/certificate.ts';
import { element } from '../core/der.ts';
import { certificateRecord, hashFile, pairsPage } from './berkeley-hash.ts';
import { sqliteFile } from './sqlite-file.ts';

const PURPOSE_COLUMNS = ['ace536358', 'ace536359', 'ace53635a', 'ace53635b'];
const COLUMNS = ['a0', 'a3', 'a11', 'a80', 'a81', 'a82', 'ace5363b4', ...PURPOSE_COLUMNS];

const CKO_CERTIFICATE = Buffer.from('00000001', 'hex');
const CKC_X_509 = Buffer.from('00000000', 'hex');
const CKO_NSS_TRUST = Buffer.from('ce534353', 'hex');
const CKT_NSS_TRUSTED_DELEGATOR = Buffer.from('ce534352', 'hex');

/** NSS's table of PKCS #11 objects. */
export function nssDatabase(der: Uint8Array, nickname: string): Buffer {
  const { layout } = certificateFrom(der);
  if (!layout) throw new RangeError('no certificate');
  const identity = { a81: element(der, layout.issuer), a82: element(der, layout.serial) };
  const certificate = {
    id: 1,
    a0: CKO_CERTIFICATE,
    a3: Buffer.from(nickname),
    a11: der,
    a80: CKC_X_509,
    ...identity,
  };
  const trust = {
    id: 2,
    a0: CKO_NSS_TRUST,
    ...identity,
    ace5363b4: Buffer.from(hash('sha1', der, 'hex'), 'hex'),
    ...Object.fromEntries(PURPOSE_COLUMNS.map((column) => [column, CKT_NSS_TRUSTED_DELEGATOR])),
  };
  return sqliteFile('nssPublic', ['id INTEGER', ...COLUMNS], [certificate, trust]);
}

const TRUSTED_CA = 0x18;

export function legacyNssDatabase(der: Uint8Array, nickname: string): Buffer {
  const { layout } = certificateFrom(der);
  if (!layout) throw new RangeError('no certificate');
  const serial = der.subarray(layout.serial.contentStart, layout.serial.contentEnd);
  const key = Buffer.concat([Buffer.of(1), serial, element(der, layout.issuer)]);
  const record = certificateRecord(der, nickname, [TRUSTED_CA, TRUSTED_CA, TRUSTED_CA]);
  const size = { pageSize: 4096 };
  return hashFile([pairsPage([[key, record]], size)], size);
}
