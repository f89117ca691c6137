/** What OpenSSL makes of bundles and hashed directories, as the judge of what is trusted. */

import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTemporaryDirectory } from '../../support/tree.ts';
import { inside, succeedsInside } from './chroot.ts';
import { succeeds } from './tools.ts';

/** SHA-256 of every certificate in a PEM text, as OpenSSL reads them. */
export function fingerprintsIn(pem: string): string[] {
  const block = /-----BEGIN (TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/g;
  return Array.from(pem.matchAll(block), ([text]) => fingerprintOf(text));
}

function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
}

/** Lines "file: SHA-256" of the certificates that OpenSSL loads from a bundle. */
export function trustedByBundle(bundle: string): string[] {
  return fingerprintsIn(readFileSync(bundle, 'utf8')).map((sha256) => `file: ${sha256}`);
}

/** Lines "directory: SHA-256" of those it loads from a hashed directory in a root. Links may lead nowhere. */
export function trustedByDirectory(root: string, directory: string): string[] {
  const text = inside(root, 'sh', '-c', `cat ${directory}/*.[0-9] 2> /dev/null; true`);
  return fingerprintsIn(text).map((sha256) => `directory: ${sha256}`);
}

const ONLY_FILE = ['-no-CApath', '-no-CAstore', '-CAfile'];
const ONLY_DIRECTORY = ['-no-CAfile', '-no-CAstore', '-CApath'];

/** Whether `openssl verify` takes the self-signed certificate with this bundle, and with nothing else. */
export function isAcceptedWith(pem: string, bundle: string): boolean {
  const file = join(makeTemporaryDirectory(), 'verified.pem');
  writeFileSync(file, pem);
  return succeeds('openssl', ['verify', ...ONLY_FILE, bundle, file]);
}

/** The same inside a root: with which of its bundle and its directory. */
export function acceptedInside(root: string, pem: string, bundle: string, directory: string): string[] {
  const file = '/tmp/verified.pem';
  writeFileSync(join(root, file), pem);
  const verifies = (...options: readonly string[]): boolean =>
    succeedsInside(root, 'openssl', 'verify', ...options, file);
  return [
    ...(verifies(...ONLY_FILE, bundle) ? ['CAfile'] : []),
    ...(verifies(...ONLY_DIRECTORY, directory) ? ['CApath'] : []),
  ];
}
