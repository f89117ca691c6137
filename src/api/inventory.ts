/** Every certificate of a target. */

import { listStores } from '../audit/list.ts';
import type { StoreProgress } from '../audit/read-stores.ts';
import type { Target } from '../core/target.ts';
import type { Inventory } from '../report/report.ts';
import { STORE_TYPES } from '../stores/index.ts';
import { TOOL } from './tool.ts';

export async function inventoryOf(
  target: Target,
  storePasswords: readonly string[],
  progress?: (state: StoreProgress) => void,
): Promise<Inventory> {
  const list = (): Inventory =>
    listStores({
      target,
      stores: STORE_TYPES,
      tool: TOOL,
      read: { storePasswords },
      ...(progress && { progress }),
    });
  let inventory = list();
  // What a stream has let go by is fetched when a store asks for it.
  while (await target.fetchMissing?.()) inventory = list();
  return inventory;
}
