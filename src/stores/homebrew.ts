/** Bundles that Homebrew, MacPorts and Fink bring along. */

import { posix } from 'node:path';
import type { StoreType } from '../core/store.ts';
import type { Platform } from '../core/target.ts';
import { trustedForAll } from '../core/trust.ts';
import { exists, readPemFile, withAux } from './shared/content.ts';
import { removeFromPemFiles } from './shared/pem-removal.ts';

interface Bundles {
  readonly id: string;
  readonly title: string;
  readonly platforms: readonly Platform[];
  readonly application: string;
  readonly paths: readonly string[];
  /** What brings a certificate back. */
  readonly note: string;
}

const HOMEBREW: Bundles = {
  id: 'homebrew',
  title: 'CA bundles of Homebrew: ca-certificates, OpenSSL, LibreSSL',
  platforms: ['darwin', 'linux'],
  application: 'Homebrew',
  paths: ['/opt/homebrew', '/usr/local', '/home/linuxbrew/.linuxbrew'].flatMap((prefix) =>
    ['ca-certificates', 'openssl@3', 'openssl@1.1', 'openssl', 'libressl'].map(
      (formula) => `${prefix}/etc/${formula}/cert.pem`,
    ),
  ),
  note: '"brew postinstall ca-certificates" makes this file anew, with the roots that the keychains trust: remove the certificate there first.',
};

const MACPORTS: Bundles = {
  id: 'macports',
  title: 'CA bundles of MacPorts and Fink',
  platforms: ['darwin'],
  application: 'MacPorts',
  paths: [
    '/opt/local/share/curl/curl-ca-bundle.crt',
    '/opt/local/etc/openssl/cert.pem',
    '/opt/local/libexec/openssl3/etc/openssl/cert.pem',
    '/opt/local/libexec/openssl11/etc/openssl/cert.pem',
    '/sw/etc/ssl/certs/ca-bundle.crt',
    '/opt/sw/etc/ssl/certs/ca-bundle.crt',
  ],
  note: 'The next update of the package that brought this file restores it.',
};

export const stores: readonly StoreType[] = [HOMEBREW, MACPORTS].map(bundleStore);

function bundleStore({ id, title, platforms, application, paths, note }: Bundles): StoreType {
  return {
    id,
    title,
    platforms,
    locate: (target) =>
      paths
        .filter((path) => exists(target, path, 'file'))
        .map((path) => ({ path, application, scope: 'application', format: 'PEM' })),
    read: (target, { path }) => [
      readPemFile(target, path, posix.basename(path), (entry) => withAux(entry, trustedForAll('listed'))),
    ],
    planRemoval: (target, location, anchors) =>
      removeFromPemFiles(target, location, anchors, { disposition: 'unsafe', note }),
  };
}
