/** A certificate that really is on the blocklist: for tests of what takes no other list. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from './rootaudit.ts';

/** Superfish, of severity critical. */
const SHA256 = 'b6fe9151402bad1c06d7e66db67a26aa7356f2e6c644dbcf9f98968ff632e1b7';

export function listedCertificate(): { readonly sha256: string; readonly pem: string; readonly der: Buffer } {
  const pem = readFileSync(join(PROJECT, `blocklists/certificates/${SHA256}.pem`), 'utf8');
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  return { sha256: SHA256, pem, der };
}
