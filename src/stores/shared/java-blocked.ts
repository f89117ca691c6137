/**
 * `blocked.certs` (`blacklisted.certs` up to JDK 15): fingerprints of certificates that a JDK refuses, in
 * java.util.Properties form. Read as sun.security.util.UntrustedCertificates reads it: by exact, upper-case key.
 */

import { hash } from 'node:crypto';
import { asBuffer } from '../../core/bytes.ts';
import type { Target } from '../../core/target.ts';
import { orUndefined } from './java-homes.ts';

/** JDK 25 ships 2 kB. */
const MAX_BYTES = 4 << 20;

const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['MD5', 'md5'],
  ['SHA1', 'sha1'],
  ['SHA-1', 'sha1'],
  ['SHA-224', 'sha224'],
  ['SHA-256', 'sha256'],
  ['SHA-384', 'sha384'],
  ['SHA-512', 'sha512'],
]);

/** Says whether the JDK whose security directory this is refuses a certificate. */
export type Refuses = (der: Uint8Array) => boolean;

const REFUSES_NONE: Refuses = () => false;

export function readBlockedCertificates(target: Target, securityDirectory: string): Refuses {
  for (const name of ['blocked.certs', 'blacklisted.certs']) {
    const bytes = orUndefined(() => target.fs.read(`${securityDirectory}/${name}`, MAX_BYTES));
    if (bytes) return parseBlockedCertificates(asBuffer(bytes).toString('latin1'));
  }
  return REFUSES_NONE;
}

function parseBlockedCertificates(text: string): Refuses {
  const keys = new Set<string>();
  let algorithm: string | undefined;
  for (const line of text.split(/[\r\n]+/)) {
    const [, key = '', value = ''] =
      /^[ \t\f]*([^#!=: \t\f][^=: \t\f]*)[ \t\f]*[=:]?[ \t\f]*(.*)$/.exec(line) ?? [];
    if (key === 'Algorithm') algorithm = ALGORITHMS.get(value.trim().toUpperCase());
    else if (key !== '') keys.add(key);
  }
  if (algorithm === undefined || keys.size === 0) return REFUSES_NONE;
  const name = algorithm;
  return (der) => keys.has(hash(name, der, 'hex').toUpperCase());
}
