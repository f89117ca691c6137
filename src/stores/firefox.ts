/** Profiles of Firefox and of the browsers made from it. */

import type { StoreType } from '../core/store.ts';
import { mozillaProcesses } from './shared/browser-processes.ts';
import { firefoxProfiles } from './shared/firefox-programs.ts';
import { afterPolicy } from './shared/mozilla-policies.ts';
import { readProfile } from './shared/mozilla-profiles.ts';
import { nssPlans } from './shared/nss-removal.ts';

export const store: StoreType = {
  id: 'firefox',
  title: 'Profiles of Firefox and its relatives: LibreWolf, Tor Browser, Waterfox, Floorp, Zen …',
  platforms: ['linux', 'darwin', 'win32', 'freebsd', 'openbsd', 'netbsd', 'sunos'],
  locate: firefoxProfiles,
  read: (target, location) => [readProfile(target, location)],
  ...nssPlans(
    (location) => ({
      advice:
        'Close Firefox first. A root that Firefox itself ships has to be distrusted in its settings as well.',
      programs: mozillaProcesses(location),
    }),
    afterPolicy,
  ),
};
