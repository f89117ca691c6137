/**
 * A CA bundle at one of the places that programs try (the lists compiled into Go, curl and others), on a system
 * whose own layout no other store type knows: distroless images, Photon, Clear Linux, Guix, NixOS, the BSDs.
 */

import { posix } from 'node:path';
import type { StoreType } from '../core/store.ts';
import { trustedForAll } from '../core/trust.ts';
import { exists, readPemFile, realPathOr, withAux } from './shared/content.ts';
import { removeFromPemFiles } from './shared/pem-removal.ts';

const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/ssl/certs/ca-bundle.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/pki/tls/cacert.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
  '/usr/local/share/certs/ca-root-nss.crt',
  '/etc/openssl/certs/ca-certificates.crt',
];

export const stores: readonly StoreType[] = [
  {
    id: 'system-bundle',
    title: 'CA bundle at a well-known place, where no distribution layout is known',
    platforms: ['linux', 'darwin', 'freebsd', 'openbsd', 'netbsd', 'sunos'],
    locate: (target) =>
      BUNDLES.filter((path) => exists(target, path, 'file')).map((path) => ({
        path,
        application: 'CA bundle',
        scope: 'system',
        format: 'PEM',
      })),
    read: (target, { path }) => [
      readPemFile(target, path, posix.basename(path), (entry) => withAux(entry, trustedForAll('listed'))),
    ],
    planRemoval(target, location, anchors) {
      if (realPathOr(target, location.path).startsWith('/nix/store/')) {
        return {
          disposition: 'manual',
          shell: 'sh',
          commands: [],
          undo: [],
          elevated: true,
          note: 'Nix owns this file. Name the certificate in security.pki.caCertificateBlacklist of configuration.nix and run nixos-rebuild switch.',
        };
      }
      return removeFromPemFiles(target, location, anchors, {
        disposition: 'unsafe',
        note: 'The next update of the package or image that brought this bundle restores it.',
      });
    },
  },
];
