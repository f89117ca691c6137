/**
 * Certificates of the people on a ChromeOS device: the database of Chrome's certificate manager, and the NSS database
 * that it replaces, both in their (decrypted and mounted) homes. What the device's policy brings is signed and sealed.
 */

import { posix } from 'node:path';
import type { StoreLocation, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import {
  planServerCertificateRemoval,
  readServerCertificates,
  SERVER_CERTIFICATE,
} from './shared/chrome-certificates.ts';
import { exists } from './shared/content.ts';
import { manualRemediation } from './shared/cut-bytes.ts';
import { expandDirectories, uniqueDirectories } from './shared/directories.ts';
import { nssLocation, readNss } from './shared/nss.ts';

const PARENTS = ['/home/chronos', '/home/user'];
const DATABASE = 'Chrome certificate database';

export const store: StoreType = {
  id: 'chromeos',
  title: 'Certificates of the people on a ChromeOS device',
  platforms: ['linux'],
  locate: (target) =>
    uniqueDirectories(
      target,
      PARENTS.flatMap((parent) => inParent(target, parent)),
    ),
  read: (target, location) => [
    location.format === DATABASE ? readServerCertificates(target, location.path) : readNss(target, location),
  ],
  planRemoval: (target, location, anchors) =>
    location.format === DATABASE
      ? planServerCertificateRemoval(target, location, anchors, 'Chrome')
      : manualRemediation(
          location,
          'In Chrome, open Settings > Security > Manage certificates and delete it. What a policy added: in the admin console.',
        ),
};

function inParent(target: Target, parent: string): StoreLocation[] {
  if (!exists(target, parent)) return [];
  return expandDirectories(target, `${parent}/*`).flatMap((home): StoreLocation[] => {
    const user = posix.basename(home);
    const about = { application: `ChromeOS (${user})`, scope: 'user', user } as const;
    const path = `${home}/${SERVER_CERTIFICATE}`;
    const database = exists(target, path) ? [{ ...about, path, format: DATABASE }] : [];
    return [
      ...database,
      ...[nssLocation(target, `${home}/.pki/nssdb`, about)].filter((each) => each !== undefined),
    ];
  });
}
