/** What would bring a removed certificate back, as files, stores and the plan itself tell before anything is changed. */

import { groupBy } from '../core/collections.ts';
import type { Target } from '../core/target.ts';
import { whatBringsBack } from '../provenance/comes-back.ts';
import type { Return, StoreRemoval } from '../report/removal-plan.ts';
import { fileOf } from './embedded.ts';
import { filesOf } from './order-steps.ts';
import { realPath } from './read-stores.ts';
import type { Held, Sources } from './sources.ts';

/** `trusted` is everything that has sources, be it none: copies are made anew from theirs and bring nothing back. */
export function returnsOf(
  trusted: readonly Held[],
  sources: Sources,
  removals: readonly StoreRemoval[],
  target: Target,
): readonly Return[] {
  const own = trusted.filter((held) => sources.get(held)?.length === 0);
  return [
    ...byStores(trusted, target),
    ...bySources(trusted, sources, removals),
    ...byFiles(own, removals, target),
  ];
}

function byStores(trusted: readonly Held[], target: Target): readonly Return[] {
  const found = trusted.flatMap(({ store, anchor }): Return[] => {
    const cause = store.type.broughtBackBy?.(target, anchor);
    if (!cause) return [];
    return [
      { ...cause, certificates: [anchor.certificate.sha256], path: anchor.path, source: store.location.path },
    ];
  });
  return together(found, ({ kind, source, detail }) => `${kind}\0${source}\0${detail}`);
}

/** A copy stays as long as the store that it is made from, which nobody but a person can change. */
function bySources(
  trusted: readonly Held[],
  sources: Sources,
  removals: readonly StoreRemoval[],
): readonly Return[] {
  const byHand = removals.filter(({ method }) => method === 'hand');
  const found = trusted.flatMap((held): Return[] => {
    const { sha256 } = held.anchor.certificate;
    const from = byHand.filter(
      ({ store, certificates }) =>
        sources.get(held)?.includes(store) === true && certificates.includes(sha256),
    );
    return from.map(({ application, path: source }) => ({
      kind: 'source',
      certificates: [sha256],
      path: held.anchor.path,
      source,
      detail: `It is made from ${application} (${source}), which only a person can change: it comes back until then.`,
    }));
  });
  return together(found, ({ path, source }) => `${path}\0${source}`);
}

/** Of files that stay as they are, because their certificates are refused elsewhere, nothing comes back. */
function byFiles(own: readonly Held[], removals: readonly StoreRemoval[], target: Target): readonly Return[] {
  const byFile = new Map<string, Set<string>>();
  for (const { store, anchor } of own) {
    const { sha256 } = anchor.certificate;
    const removal = removals.find((each) => each.store === store.id && each.certificates.includes(sha256));
    const path = fileOf(anchor.path);
    if (!removal || !path.startsWith('/')) continue;
    const real = realPath(target, path);
    const isChanged = removal.actions.flatMap(filesOf).some((file) => file === real);
    if (removal.method !== 'hand' && !isChanged) continue;
    byFile.set(path, (byFile.get(path) ?? new Set()).add(sha256));
  }
  return whatBringsBack(target, [...byFile.keys()]).map((each) => ({
    ...each,
    certificates: [...(byFile.get(each.path) ?? [])],
  }));
}

/** One for several certificates. */
function together(found: readonly Return[], keyOf: (each: Return) => string): readonly Return[] {
  return [...groupBy(found, keyOf).values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    return [{ ...first, certificates: [...new Set(group.flatMap(({ certificates }) => certificates))] }];
  });
}
