/** Plans of removals by a blocklist of a test. */

import { matcherFor } from '../../src/api/blocklist.ts';
import type { RemovalChoice } from '../../src/audit/choose-removals.ts';
import { planRemoval, type PlannedRemoval } from '../../src/audit/plan-removal.ts';
import type { Blocklist } from '../../src/blocklist/load.ts';
import type { Target } from '../../src/core/target.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';

export function planBy(
  list: Blocklist,
  target: Target,
  choice: Partial<RemovalChoice> = {},
  distrust = false,
): PlannedRemoval {
  return planRemoval({
    target,
    stores: STORE_TYPES,
    matcher: matcherFor(list, false),
    blocklist: { version: '', digest: '' },
    advisoryIds: list.advisoryIds(),
    tool: { name: 'test', version: '0' },
    read: { storePasswords: [] },
    choice: { targets: [], severity: 'medium', removeShipped: false, suspected: false, ...choice },
    distrust,
  });
}
