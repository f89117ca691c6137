/** What happened between two looks at a target. Pure. */

import type { Severity } from '../blocklist/advisory.ts';
import { groupBy } from '../core/collections.ts';
import type { Problem } from '../core/errors.ts';
import { severityRank } from '../match/matcher.ts';
import { isEffective } from '../report/acceptance.ts';
import { compareAudits, type DriftChange, type DriftPlace, type DriftStore } from '../report/drift.ts';
import type { Report } from '../report/report.ts';
import type { SavedInventory } from '../report/saved.ts';
import type { Change, Root, RootChange, WatchedStore } from './event.ts';
import type { State } from './state.ts';

type Entry = SavedInventory['entries'][number];

interface Comparison {
  readonly changes: readonly Change[];
  /** What the next look is compared with. */
  readonly state: State;
}

/**
 * `settled`: nothing was being written while we looked. Else a file may have been half there: what came is told, what
 * seems to be gone or broken waits for the next look.
 */
export function compareStates(
  tool: Report['tool'],
  before: State,
  now: State,
  { settled = true } = {},
): Comparison {
  const after = settled ? withUnread(before, now) : withEverything(before, now);
  const drift = compareAudits(
    tool,
    { name: 'before', saved: before.inventory },
    { name: 'after', saved: after.inventory },
  );
  const tell = new Teller(before, after);
  const changes = [
    ...drift.appearedStores.map((store) => tell.store('store-appeared', store)),
    ...tell.roots('root-trusted', [
      ...drift.becameTrusted,
      ...remarkable(after, drift.appearedStores, drift.becameTrusted, true),
    ]),
    ...tell.roots('trust-changed', drift.changedTrust),
    ...tell.roots('root-removed', [
      ...drift.stoppedBeingTrusted,
      ...remarkable(before, drift.vanishedStores, drift.stoppedBeingTrusted, false),
    ]),
    ...drift.vanishedStores.map((store) => tell.store('store-vanished', store)),
    ...newProblems(before.problems, after.problems).map((problem): Change => ({ type: 'problem', problem })),
  ];
  return { changes, state: after };
}

/** What is there when the watch begins, of the things that are worth a word. */
export function initialChanges(tool: Report['tool'], state: State): readonly Change[] {
  const nothing: State = {
    inventory: { ...state.inventory, stores: [], entries: [] },
    stores: new Map(),
    roots: new Map(),
    problems: [],
    assumed: new Set(),
  };
  return compareStates(tool, nothing, state).changes.filter(
    (change) => !('certificate' in change) || change.severity !== undefined,
  );
}

/**
 * That something could not be read does not mean that it is gone: what a store lacks since it has a new problem is
 * assumed to be there, until it can be read again. With a problem as old as the watch the rest is what counts.
 */
function withUnread(before: State, now: State): State {
  if (now.problems.length === 0) return now;
  const unread = new Set(now.problems.map(({ store }) => store));
  const newlyUnread = new Set(newProblems(before.problems, now.problems).map(({ store }) => store));
  const there = new Set(now.inventory.entries.map(keyOf));
  const assumed = before.inventory.entries.filter(
    (entry) =>
      !there.has(keyOf(entry)) &&
      (newlyUnread.has(entry.store) || (unread.has(entry.store) && before.assumed.has(keyOf(entry)))),
  );
  return { ...withEntries(before, now, assumed), assumed: new Set(assumed.map(keyOf)) };
}

function keyOf({ store, certificate }: Entry): string {
  return `${certificate.sha256} ${store}`;
}

function withEverything(before: State, now: State): State {
  const gone = before.inventory.stores.filter(({ id }) => !now.stores.has(id));
  const all = withEntries(before, now, before.inventory.entries);
  return {
    ...all,
    inventory: { ...all.inventory, stores: [...now.inventory.stores, ...gone] },
    stores: new Map([...before.stores, ...now.stores]),
    problems: before.problems,
    assumed: before.assumed,
  };
}

/** Of a certificate that is in a store twice the stronger trust counts. */
function withEntries(before: State, now: State, kept: readonly Entry[]): State {
  const unique = new Map<string, Entry>();
  const roots = new Map(now.roots);
  for (const entry of [...kept, ...now.inventory.entries]) {
    const { store, path, trust, purposes, certificate } = entry;
    unique.set([store, path, trust, purposes.join(), certificate.sha256].join('\0'), entry);
    const root = roots.get(certificate.sha256) ?? before.roots.get(certificate.sha256);
    if (root) roots.set(certificate.sha256, root);
  }
  return { ...now, inventory: { ...now.inventory, entries: [...unique.values()] }, roots };
}

function newProblems(before: readonly Problem[], after: readonly Problem[]): readonly Problem[] {
  const key = ({ code, path, store }: Problem): string => JSON.stringify([code, path, store]);
  const known = new Set(before.map(key));
  return after.filter((problem) => !known.has(key(problem)));
}

const ABSENT: DriftPlace['before'] = { trust: 'absent', purposes: [] };

/**
 * A store that comes or goes with roots that others trust anyway is no news of those roots, but for those that are on
 * the blocklist or that somebody added.
 */
function remarkable(
  { inventory, roots }: State,
  stores: readonly DriftStore[],
  told: readonly DriftChange[],
  isNow: boolean,
): readonly DriftChange[] {
  const applications = new Map(stores.map(({ id, application }) => [id, application]));
  const places = new Set(
    told.flatMap(({ certificate, places: all }) => all.map(({ store }) => `${certificate.sha256} ${store}`)),
  );
  const entries = inventory.entries.filter((entry) => {
    if (!applications.has(entry.store) || !isEffective(entry.trust) || places.has(keyOf(entry))) return false;
    return severityOf(roots.get(entry.certificate.sha256)) !== undefined;
  });
  const perPlace = groupBy(entries, keyOf);
  return Array.from(perPlace.values(), ([first]) => first).flatMap((entry) => {
    if (!entry) return [];
    const { store, path, trust, purposes, certificate } = entry;
    const held = { trust, purposes };
    const application = applications.get(store) ?? '';
    const [was, is] = isNow ? [ABSENT, held] : [held, ABSENT];
    const place: DriftPlace = { store, application, path, before: was, after: is };
    return { certificate, advisories: [], everywhere: false, places: [place] };
  });
}

function severityOf(root: Root | undefined): Severity | undefined {
  if (!root) return undefined;
  const [first, ...others] = root.findings.map(({ severity }) => severity);
  if (!first) return root.unrecognised ? 'info' : undefined;
  return others.reduce((worst, each) => (severityRank(each) > severityRank(worst) ? each : worst), first);
}

/** Fills in what is known of roots and stores, on the later side or the earlier one. */
class Teller {
  readonly #before: State;
  readonly #after: State;

  constructor(before: State, after: State) {
    this.#before = before;
    this.#after = after;
  }

  store(type: 'store-appeared' | 'store-vanished', { id, trusted }: DriftStore): Change {
    return { type, store: this.#store(id), trusted };
  }

  roots(type: RootChange['type'], changes: readonly DriftChange[]): readonly RootChange[] {
    return changes.flatMap(({ certificate: { sha256, subject }, everywhere, places }) => {
      const root = this.#after.roots.get(sha256) ?? this.#before.roots.get(sha256);
      const severity = severityOf(root);
      return places.map(({ store, path, before, after }) => ({
        type,
        certificate: root?.certificate ?? { sha256, subject },
        ...(severity && { severity }),
        findings: root?.findings ?? [],
        ...(root?.unrecognised === true && { unrecognised: true }),
        store: this.#store(store),
        path,
        before,
        after,
        everywhere,
      }));
    });
  }

  #store(id: string): WatchedStore {
    const store = this.#after.stores.get(id) ?? this.#before.stores.get(id);
    if (!store) throw new RangeError('a change in a store that nobody knows');
    return store;
  }
}
