/** Every certificate of a target that a command names. */

import { listStores } from '../audit/list.ts';
import { RootauditError } from '../core/errors.ts';
import type { Target } from '../core/target.ts';
import type { Inventory } from '../report/report.ts';
import { STORE_TYPES } from '../stores/index.ts';
import { TOOL, type Surroundings } from './options.ts';
import { openTargets, type ImageOptions } from './targets.ts';

export async function inventoryOf(target: Target, storePasswords: readonly string[]): Promise<Inventory> {
  const list = (): Inventory =>
    listStores({ target, stores: STORE_TYPES, tool: TOOL, read: { storePasswords } });
  let inventory = list();
  // What a stream has let go by is fetched when a store asks for it.
  while (await target.fetchMissing?.()) inventory = list();
  return inventory;
}

/** What `use` makes of the one target that is named; this machine (or what the options say) without a reference. */
export async function withTarget<Result>(
  reference: string | undefined,
  options: ImageOptions,
  surroundings: Surroundings,
  use: (target: Target) => Promise<Result>,
): Promise<Result> {
  const results: Result[] = [];
  for await (const opened of openTargets(reference === undefined ? [] : [reference], options, surroundings)) {
    if ('error' in opened) throw opened.error;
    if (results.length > 0) {
      throw new RootauditError(
        `${opened.reference} holds several images`,
        'Choose one with --platform, or unpack it.',
      );
    }
    results.push(await use(opened.target));
  }
  const [result] = results;
  if (result === undefined) throw new RootauditError(`${reference ?? 'the target'} holds no image`);
  return result;
}
