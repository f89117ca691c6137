/** Where OpenSSL itself looks: its own directory, and what SSL_CERT_FILE and SSL_CERT_DIR name instead. */

import { posix } from 'node:path';
import type { StoreContent, StoreLocation, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { trustedForAll } from '../core/trust.ts';
import { certificateFileStore } from './shared/certificate-files.ts';
import { readCertificateDirectory } from './shared/certificate-directory.ts';
import { exists, readPemFile, withAux } from './shared/content.ts';
import { filesOfVariables } from './shared/named-files.ts';
import { removeFromPemFiles } from './shared/pem-removal.ts';

/** OPENSSLDIR as distributions and Homebrew build it: `openssl version -d`. */
const OPENSSL_DIRECTORIES = [
  '/usr/lib/ssl',
  '/etc/ssl',
  '/etc/pki/tls',
  '/usr/local/ssl',
  '/etc/openssl',
  '/usr/local/etc/openssl@3',
  '/opt/homebrew/etc/openssl@3',
];

const USUAL = "OpenSSL's usual roots";

function* readFileOrDirectory(target: Target, { path }: StoreLocation): Generator<StoreContent> {
  const trust = trustedForAll('listed');
  if (target.fs.kind(path) === 'directory') yield* readCertificateDirectory(target, path);
  else yield readPemFile(target, path, posix.basename(path), (entry) => withAux(entry, trust));
}

const directory: StoreType = {
  id: 'openssl-dir',
  title: "OpenSSL's own cert.pem and certs directory",
  platforms: ['linux', 'darwin', 'freebsd', 'openbsd', 'netbsd', 'sunos'],
  locate: (target) =>
    OPENSSL_DIRECTORIES.flatMap((path) => [
      ...whenThere(target, `${path}/cert.pem`, 'OpenSSL (cert.pem)', 'file'),
      ...whenThere(target, `${path}/certs`, 'OpenSSL (certs)', 'directory'),
    ]),
  read: readFileOrDirectory,
  planRemoval: (target, location, anchors) =>
    removeFromPemFiles(target, location, anchors, {
      disposition: 'unsafe',
      note: 'If a package or a tool made this file, its next update may bring the certificate back.',
    }),
};

const fromEnvironment = certificateFileStore({
  id: 'openssl-env',
  title: 'SSL_CERT_FILE and SSL_CERT_DIR, from the environment and the files that set it',
  scope: 'system',
  find: (target) =>
    filesOfVariables(target, [
      { program: 'OpenSSL', names: ['SSL_CERT_FILE', 'NIX_SSL_CERT_FILE'], replaces: USUAL },
      { program: 'OpenSSL', names: ['SSL_CERT_DIR'], list: true, replaces: USUAL },
    ]),
});

export const stores: readonly StoreType[] = [directory, fromEnvironment];

function whenThere(
  target: Target,
  path: string,
  application: string,
  kind: 'file' | 'directory',
): readonly StoreLocation[] {
  return exists(target, path, kind) ? [{ path, application, scope: 'system', format: 'PEM' }] : [];
}
