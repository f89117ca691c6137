/**
 * A CA bundle at one of the places that programs try (the lists compiled into Go, curl and others), on a system
 * whose own layout no other store type knows: distroless images, Photon, Clear Linux, Guix, the BSDs.
 */

import { posix } from 'node:path';
import type { StoreType } from '../core/store.ts';
import { trustedForAll } from '../core/trust.ts';
import { exists, readPemFile, withAux } from './shared/content.ts';
import { removeFromPemFiles } from './shared/pem-removal.ts';
import { WELL_KNOWN_BUNDLES } from './shared/well-known-bundles.ts';

export const stores: readonly StoreType[] = [
  {
    id: 'system-bundle',
    title: 'CA bundle at a well-known place, where no distribution layout is known',
    platforms: ['linux', 'darwin', 'freebsd', 'openbsd', 'netbsd', 'sunos'],
    locate: (target) =>
      WELL_KNOWN_BUNDLES.filter((path) => exists(target, path, 'file')).map((path) => ({
        path,
        application: 'CA bundle',
        scope: 'system',
        format: 'PEM',
      })),
    read: (target, { path }) => [
      readPemFile(target, path, posix.basename(path), (entry) => withAux(entry, trustedForAll('listed'))),
    ],
    planRemoval: (target, location, anchors) =>
      removeFromPemFiles(target, location, anchors, {
        disposition: 'unsafe',
        note: 'The next update of the package or image that brought this bundle restores it.',
      }),
  },
];
