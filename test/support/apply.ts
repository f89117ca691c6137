/** `rootaudit remove --apply --root` without a process of its own: planned, done, and every store read again. */

import { planRemoval } from '../../src/audit/plan-removal.ts';
import { openBlocklist, type Blocklist } from '../../src/blocklist/load.ts';
import { applyPlan, type Planned } from '../../src/cli/apply-plan.ts';
import { createMatcher } from '../../src/match/matcher.ts';
import type { RemovalResult } from '../../src/report/removal-plan.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import { writeBlocklist } from './blocklist.ts';
import { makeTemporaryDirectory } from './tree.ts';

let empty: Blocklist | undefined;

/** For fingerprints of certificates that are on no blocklist. */
export function planFor(root: string, targets: readonly string[], distrust = false): Planned {
  empty ??= openBlocklist(writeBlocklist(makeTemporaryDirectory(), { advisories: [], certificates: [] }));
  const target = openDirectory(root);
  const planned = planRemoval({
    target,
    stores: STORE_TYPES,
    matcher: createMatcher(empty.compiled, { unverifiedNames: false, blockedCertificate: () => undefined }),
    blocklist: { version: '', digest: '' },
    advisoryIds: [],
    tool: { name: 'test', version: '0' },
    read: { storePasswords: [] },
    choice: { targets, severity: 'medium', removeShipped: false, suspected: false },
    distrust,
  });
  return { ...planned, target };
}

export function applyTo(root: string, base: string, planned: Planned): Promise<RemovalResult> {
  return applyPlan(planned, {
    base,
    stores: STORE_TYPES,
    read: { storePasswords: [] },
    tool: 'test',
    now: new Date(),
    open: () => Promise.resolve(openDirectory(root)),
    planFor: (certificates) => Promise.resolve(planFor(root, certificates)),
  });
}
