/** Every certificate of a target. */

import { listStores } from '../audit/list.ts';
import { untilFetched } from '../audit/until-fetched.ts';
import type { StoreProgress } from '../audit/read-stores.ts';
import type { Blocklist } from '../blocklist/load.ts';
import type { Target } from '../core/target.ts';
import { createPrograms } from '../match/programs.ts';
import type { Inventory } from '../report/report.ts';
import { STORE_TYPES } from '../stores/index.ts';
import { TOOL } from './tool.ts';

export function inventoryOf(
  target: Target,
  storePasswords: readonly string[],
  { compiled }: Blocklist,
  progress?: (state: StoreProgress) => void,
): Promise<Inventory> {
  const programs = createPrograms(compiled);
  return untilFetched(target, () =>
    listStores({
      target,
      stores: STORE_TYPES,
      tool: TOOL,
      read: { storePasswords },
      programs,
      ...(progress && { progress }),
    }),
  );
}
