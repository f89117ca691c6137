/** Databases as Chrome's certificate manager has them, made by python3. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestCertificate } from './certificates.ts';
import { python } from './nss.ts';
import { makeTemporaryDirectory } from './tree.ts';

export interface ServerCertificateRow {
  readonly certificate: TestCertificate | Uint8Array;
  readonly settings: Uint8Array;
  /** Default: the digest of the certificate. */
  readonly key?: string;
}

export function serverCertificateDatabase(rows: readonly ServerCertificateRow[]): Buffer {
  const directory = makeTemporaryDirectory();
  const list = rows.map(({ certificate, settings, key }) => {
    const der = certificate instanceof Uint8Array ? certificate : certificate.der;
    const digest = certificate instanceof Uint8Array ? '' : certificate.sha256;
    return [key ?? digest, Buffer.from(der).toString('hex'), Buffer.from(settings).toString('hex')];
  });
  python(
    directory,
    `c = sqlite3.connect('ServerCertificate')
c.execute('CREATE TABLE meta(key LONGVARCHAR NOT NULL UNIQUE PRIMARY KEY, value LONGVARCHAR)')
c.execute('CREATE TABLE certificates(sha256hash_hex TEXT PRIMARY KEY,der_cert BLOB NOT NULL,trust_settings BLOB NOT NULL)')
c.execute("INSERT INTO meta VALUES('version', '1')")
for key, der, settings in json.loads(${JSON.stringify(JSON.stringify(list))}):
    c.execute('INSERT INTO certificates VALUES(?, ?, ?)', (key, bytes.fromhex(der), bytes.fromhex(settings)))
c.commit()`,
  );
  return readFileSync(join(directory, 'ServerCertificate'));
}

export function writeDatabase(path: string, rows: readonly ServerCertificateRow[]): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, serverCertificateDatabase(rows));
}
