/** What every store of a target does with every certificate at one moment, and what is known of those certificates. */

import { readStores } from '../audit/read-stores.ts';
import { targetOf } from '../audit/scan.ts';
import { certificateByHash, parseSha256, type Certificate } from '../core/certificate.ts';
import type { Problem } from '../core/errors.ts';
import type { ReadOptions, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { purposesWith, trustStatus } from '../core/trust.ts';
import type { Match, Matcher } from '../match/matcher.ts';
import type { Programs } from '../match/programs.ts';
import { summariseCertificate } from '../report/certificate-summary.ts';
import type { SavedInventory } from '../report/saved.ts';
import type { Root, RootFinding, WatchedStore } from './event.ts';

export interface State {
  readonly inventory: SavedInventory;
  readonly stores: ReadonlyMap<string, WatchedStore>;
  /** By fingerprint. */
  readonly roots: ReadonlyMap<string, Root>;
  readonly problems: readonly Problem[];
  /** "fingerprint store" of what could not be read, and is taken to be as it was before. */
  readonly assumed: ReadonlySet<string>;
}

export interface Rules {
  readonly stores: readonly StoreType[];
  readonly read: ReadOptions;
  readonly matcher: Matcher;
  readonly programs: Programs;
}

/** `known`: roots that were judged before and need not be judged again. */
export function readState(target: Target, rules: Rules, known: State['roots'] = new Map()): State {
  const roots = new Map<string, Root>();
  const entries: SavedInventory['entries'][number][] = [];
  const { stores, problems } = readStores(target, rules.stores, rules.read, (anchor, { id }) => {
    const { certificate, path, trust } = anchor;
    const { sha256 } = certificate;
    let root = roots.get(sha256) ?? known.get(sha256);
    // What a store knows by its hash alone has a name where another holds it.
    if (!root || (root.certificate.subject === '' && certificate.layout)) root = judge(certificate, rules);
    roots.set(sha256, root);
    entries.push({
      store: id,
      path,
      trust: trustStatus(trust),
      purposes: purposesWith(trust, 'trusted'),
      certificate: root.certificate,
    });
  });
  const all = [...(target.problems ?? []), ...problems];
  const { kind, reference } = targetOf(target);
  return {
    inventory: { kind, reference, complete: all.length === 0, stores, entries },
    stores: new Map(
      stores.map(({ id, type, application, scope, user, format, path }) => [
        id,
        { id, type, application, scope, ...(user !== undefined && { user }), format, path },
      ]),
    ),
    roots,
    problems: all,
    assumed: new Set(),
  };
}

/** As it was when the snapshot was taken. */
export function stateOfSnapshot(inventory: SavedInventory, rules: Rules): State {
  const roots = new Map<string, Root>();
  for (const { certificate } of inventory.entries) {
    const sha256 = parseSha256(certificate.sha256);
    if (sha256 === undefined || (roots.get(sha256)?.certificate.subject ?? '') !== '') continue;
    roots.set(sha256, { ...judge(certificateByHash(sha256, ''), rules), certificate });
  }
  const stores = inventory.stores.map(({ id, type, application, path }): [string, WatchedStore] => [
    id,
    { id, type, application, path },
  ]);
  return { inventory, stores: new Map(stores), roots, problems: [], assumed: new Set() };
}

function judge(certificate: Certificate, { matcher, programs }: Rules): Root {
  const findings = matcher(certificate).map(findingOf);
  return {
    certificate: summariseCertificate(certificate),
    findings,
    unrecognised: findings.length === 0 && programs(certificate.sha256).length === 0,
  };
}

function findingOf({ advisory, severity, kind, confidence, stillShippedBy }: Match): RootFinding {
  const { id, title } = advisory;
  return {
    advisory: id,
    title,
    severity,
    match: kind,
    ...(confidence && { confidence }),
    stillShippedBy,
  };
}
