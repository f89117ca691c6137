/** Profiles of Firefox and of the browsers made from it. */

import type { StoreType } from '../core/store.ts';
import { firefoxProfiles } from './shared/firefox-programs.ts';
import { afterPolicy } from './shared/mozilla-policies.ts';
import { readProfile } from './shared/mozilla-profiles.ts';
import { planNssRemoval } from './shared/nss-removal.ts';

export const store: StoreType = {
  id: 'firefox',
  title: 'Profiles of Firefox and its relatives: LibreWolf, Tor Browser, Waterfox, Floorp, Zen …',
  platforms: ['linux', 'darwin', 'win32', 'freebsd', 'openbsd', 'netbsd', 'sunos'],
  locate: firefoxProfiles,
  read: (target, location) => [readProfile(target, location)],
  planRemoval: (target, location, anchors) =>
    afterPolicy(
      target,
      anchors,
      planNssRemoval(
        target,
        location,
        anchors,
        'Close Firefox first. A root that Firefox itself ships has to be distrusted in its settings as well.',
      ),
    ),
};
