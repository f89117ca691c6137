/**
 * Certificates of the people on a ChromeOS device: the database of Chrome's certificate manager, and the NSS database
 * that it replaces, both in their (decrypted and mounted) homes. What policies bring lies in signed blobs, which are
 * named as a gap: https://chromium.googlesource.com/chromiumos/platform2/+/main/login_manager/
 */

import { posix } from 'node:path';
import type { StoreContent, StoreLocation, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import {
  planServerCertificateRemoval,
  readServerCertificates,
  SERVER_CERTIFICATE,
} from './shared/chrome-certificates.ts';
import { exists, problemContent } from './shared/content.ts';
import { manualRemediation } from './shared/cut-bytes.ts';
import { expandDirectories, expandPaths, uniqueDirectories } from './shared/directories.ts';
import { nssLocation, readNss } from './shared/nss.ts';

const PARENTS = ['/home/chronos', '/home/user'];
const DATABASE = 'Chrome certificate database';
const POLICY = 'signed policy';
/** Of the device, of accounts on it, and of people; each a file named policy, with a number for its schema. */
const POLICIES = [
  '/var/lib/devicesettings/policy*',
  '/var/lib/device_local_accounts/*/policy/policy*',
  '/home/root/*/session_manager/policy/policy*',
  '/run/daemon-store/session_manager/*/policy/policy*',
];

export const store: StoreType = {
  id: 'chromeos',
  title: 'Certificates of the people on a ChromeOS device',
  platforms: ['linux'],
  locate: (target) =>
    uniqueDirectories(target, [
      ...PARENTS.flatMap((parent) => inParent(target, parent)),
      ...POLICIES.flatMap((pattern) => policies(target, pattern)),
    ]),
  read: (target, location) => [readLocation(target, location)],
  planRemoval: (target, location, anchors) =>
    location.format === DATABASE
      ? planServerCertificateRemoval(target, location, anchors, 'Chrome')
      : manualRemediation(
          location,
          'In Chrome, open Settings > Security > Manage certificates and delete it. What a policy added: in the admin console.',
        ),
};

function readLocation(target: Target, location: StoreLocation): StoreContent {
  if (location.format === DATABASE) return readServerCertificates(target, location.path);
  if (location.format !== POLICY) return readNss(target, location);
  const message =
    'a signed policy of ChromeOS, which may bring authorities of networks, is not read: look at chrome://policy on the device, or in the admin console';
  return problemContent({ code: 'unsupported', path: location.path, message });
}

function policies(target: Target, pattern: string): StoreLocation[] {
  return expandPaths(target, pattern)
    .filter((path) => /\/policy(?:\.\d+)?$/.test(path))
    .map((path) => ({ path, application: 'ChromeOS policy', scope: 'system', format: POLICY }));
}

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
