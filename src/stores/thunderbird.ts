/** Profiles of Thunderbird and Betterbird. */

import type { StoreType } from '../core/store.ts';
import { locateProfiles, readProfile, type MozillaProgram } from './shared/mozilla-profiles.ts';
import { afterPolicy } from './shared/mozilla-policies.ts';
import { planNssRemoval } from './shared/nss-removal.ts';

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
  planRemoval: (target, location, anchors) =>
    afterPolicy(target, anchors, planNssRemoval(target, location, anchors, 'Close the mail program first.')),
};
