/** Profiles of Firefox and of the browsers made from it. */

import type { Remediation } from '../core/remediation.ts';
import type { StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { firefoxProfiles } from './shared/firefox-programs.ts';
import { installedByPolicy } from './shared/mozilla-policies.ts';
import { readProfile } from './shared/mozilla-profiles.ts';
import { planNssRemoval } from './shared/nss-removal.ts';

export const store: StoreType = {
  id: 'firefox',
  title: 'Profiles of Firefox and its relatives: LibreWolf, Tor Browser, Waterfox, Floorp, Zen …',
  platforms: ['linux', 'darwin', 'win32', 'freebsd', 'openbsd', 'netbsd', 'sunos'],
  locate: firefoxProfiles,
  read: (target, location) => [readProfile(target, location)],
  planRemoval,
};

/** A policy installs its certificates anew at each start: there the removal has to begin. */
function planRemoval(target: Target, location: StoreLocation, anchors: readonly TrustAnchor[]): Remediation {
  const plan = planNssRemoval(
    target,
    location,
    anchors,
    'Close Firefox first. A root that Firefox itself ships has to be distrusted in its settings as well.',
  );
  const installed = installedByPolicy(target);
  const [policy] = anchors.flatMap(({ certificate }) => installed.get(certificate.sha256) ?? []);
  if (policy === undefined) return plan;
  const note = `The policy in ${policy} installs it again at each start: take it out there first. ${plan.note ?? ''}`;
  return { ...plan, disposition: plan.disposition === 'safe' ? 'unsafe' : plan.disposition, note };
}
