/** Profiles of Thunderbird and Betterbird. */

import type { StoreType } from '../core/store.ts';
import { mozillaProcesses } from './shared/browser-processes.ts';
import { locateProfiles, readProfile, type MozillaProgram } from './shared/mozilla-profiles.ts';
import { afterPolicy } from './shared/mozilla-policies.ts';
import { nssPlans } from './shared/nss-removal.ts';

const MAC = 'Library';
const WINDOWS = 'AppData/Roaming';

const PROGRAMS: readonly MozillaProgram[] = [
  {
    name: 'Thunderbird',
    bases: [
      '.thunderbird',
      '.mozilla-thunderbird',
      '.icedove',
      '.config/thunderbird',
      'snap/thunderbird/common/.thunderbird',
      'snap/thunderbird/current/.thunderbird',
      '.var/app/org.mozilla.Thunderbird/.thunderbird',
      '.var/app/org.mozilla.thunderbird/.thunderbird',
      '.var/app/net.thunderbird.Thunderbird/.thunderbird',
      `${MAC}/Thunderbird`,
      `${MAC}/Application Support/Thunderbird`,
      `${WINDOWS}/Thunderbird`,
      'AppData/Local/Packages/MozillaThunderbird*/LocalCache/Roaming/Thunderbird',
      'ThunderbirdPortable*/Data/profile',
    ],
  },
  {
    name: 'Betterbird',
    bases: [
      '.betterbird',
      '.var/app/eu.betterbird.Betterbird/.thunderbird',
      '.var/app/eu.betterbird.Betterbird/.betterbird',
      `${MAC}/Betterbird`,
      `${MAC}/Application Support/Betterbird`,
      `${WINDOWS}/Betterbird`,
    ],
  },
];

export const store: StoreType = {
  id: 'thunderbird',
  title: 'Profiles of Thunderbird and Betterbird',
  platforms: ['linux', 'darwin', 'win32', 'freebsd', 'openbsd', 'netbsd', 'sunos'],
  locate: (target) => locateProfiles(target, PROGRAMS),
  read: (target, location) => [readProfile(target, location)],
  ...nssPlans(
    (location) => ({ advice: 'Close the mail program first.', programs: mozillaProcesses(location) }),
    afterPolicy,
  ),
};
