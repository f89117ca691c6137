/** Where a certificate has to be taken away: the stores that have it of themselves, and those that copy it. */

import { groupBy } from '../core/collections.ts';
import { manual, type Remediation } from '../core/remediation.ts';
import type { TrustAnchor } from '../core/store.ts';
import { FsError, type Target } from '../core/target.ts';
import { trustStatus } from '../core/trust.ts';
import { realPath, type FoundStore } from './read-stores.ts';

/** An anchor together with the store that holds it. */
export interface Held {
  readonly store: FoundStore;
  readonly anchor: TrustAnchor;
}

/** Ids of the stores that a trusted copy comes from; none when removal has to happen where it is. */
export type Sources<Each extends Held = Held> = ReadonlyMap<Each, readonly string[]>;

/**
 * `group` is everything that holds one certificate. A copy comes from elsewhere when its store is generated from
 * another that trusts the certificate too, or when its file is (through links) one that an earlier store owns and
 * trusts.
 */
export function sourcesOf<Each extends Held>(group: readonly Each[], target: Target): Sources<Each> {
  const trusted = group.filter(({ anchor }) => trustStatus(anchor.trust) === 'trusted');
  const idsByType = groupBy(trusted, ({ store }) => store.type.id);
  const ownerByFile = new Map<string, string>();
  const sources = new Map<Each, readonly string[]>();
  for (const held of trusted) {
    const { id } = held.store;
    const file = realPath(target, held.anchor.path);
    const owner = ownerByFile.get(file) ?? id;
    ownerByFile.set(file, owner);
    const generators = (held.store.location.generatedFrom ?? []).flatMap(
      (type) => idsByType.get(type)?.map(({ store }) => store.id) ?? [],
    );
    const others = [owner, ...generators].filter((source) => source !== id);
    sources.set(held, [...new Set(others)]);
  }
  return sources;
}

/** How `anchors` leave the store, or, where it can and `distrust` is asked for, how it refuses them. */
export function remediationFor(
  { type, location }: FoundStore,
  target: Target,
  anchors: readonly TrustAnchor[],
  distrust = false,
): Remediation {
  try {
    return (
      (distrust && type.planDistrust?.(target, location, anchors)) ||
      type.planRemoval(target, location, anchors)
    );
  } catch (error) {
    // The file went away or may no longer be read since the scan began.
    if (!(error instanceof FsError)) throw error;
    return manual(`No command can be given: ${error.path}: ${error.message}.`, false);
  }
}
