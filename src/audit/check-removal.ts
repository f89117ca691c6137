/** Whether a removal does what it says: asked of the contents that files would get, and of the target afterwards. */

import { groupBy } from '../core/collections.ts';
import type { Problem } from '../core/errors.ts';
import type { ReadOptions, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { trustStatus } from '../core/trust.ts';
import type { LeftPlace, RemovalPlan, StoreRemoval } from '../report/removal-plan.ts';
import { OverlayFs } from './overlay-fs.ts';
import { trustKey, type PlannedRemoval } from './plan-removal.ts';
import { readStores, type FoundStore } from './read-stores.ts';
import { filesOf } from './order-steps.ts';

type Contents = ReadonlyMap<string, Uint8Array | null>;

export interface Objection {
  /** Ids of the plans of one store. */
  readonly removals: readonly string[];
  readonly message: string;
}

/**
 * Tells what would be wrong with the stores of a plan if these were the contents of their files: a certificate that is
 * to go would still be trusted, another would be lost, or something could no longer be read. Undefined when nothing.
 */
export function objectionTo(
  { plan, found }: PlannedRemoval,
  contents: Contents,
  target: Target,
  read: ReadOptions,
): Objection | undefined {
  for (const [id, removals] of groupBy(plan.stores, ({ store }) => store)) {
    const store = found.get(id);
    const isTouched = ({ actions }: StoreRemoval): boolean =>
      actions.flatMap(filesOf).some((file) => contents.has(file));
    const judged = removals.filter((removal) => isTouched(removal) && isByFilesAlone(removal));
    if (!store || judged.length === 0) continue;
    const message = objectionToStore(store, judged, contents, target, read);
    if (message !== undefined) return { removals: judged.map((removal) => removal.id), message };
  }
  return undefined;
}

/** A command that works on the system itself may be what ends the trust: the files do not tell. */
function isByFilesAlone({ method, actions }: StoreRemoval): boolean {
  const last = actions.findLastIndex(({ kind }) => kind !== 'run');
  const isPerformed = method === 'remove' || method === 'distrust';
  return isPerformed && actions.slice(0, last + 1).every(({ kind }) => kind !== 'run');
}

interface StoreState {
  /** How often each certificate is trusted. */
  readonly trusted: ReadonlyMap<string, number>;
  readonly problems: number;
}

const NO_STORE: StoreState = { trusted: new Map(), problems: 0 };

/** By the same setting: another that names the same file is planned for when this one is gone. */
function isThere({ type, location: { path, application } }: FoundStore, target: Target): boolean {
  return type.locate(target).some((each) => each.path === path && each.application === application);
}

function objectionToStore(
  store: FoundStore,
  removals: readonly StoreRemoval[],
  contents: Contents,
  target: Target,
  read: ReadOptions,
): string | undefined {
  const before = stateOf(store, target, read);
  const changed: Target = { ...target, fs: new OverlayFs(target.fs, contents) };
  const { application, path } = store.location;
  // A file that a setting named is no store any more when the setting is gone.
  const after = isThere(store, changed) ? stateOf(store, changed, read) : NO_STORE;
  const name = `${application} (${path})`;
  const going = new Set<string>(removals.flatMap(({ certificates }) => certificates));
  const kept = [...going].find((each) => after.trusted.has(each));
  if (kept !== undefined) return `${name} would still trust ${kept}`;
  if (after.problems > before.problems) return `${name} could no longer be read whole`;
  if (removals.some(mayLoseOthers)) return undefined;
  for (const [sha256, times] of before.trusted) {
    if (!going.has(sha256) && (after.trusted.get(sha256) ?? 0) < times) {
      return `${name} would lose ${sha256} too, which was not asked for`;
    }
  }
  return undefined;
}

/** A tool, or a selection, can take others along, as the note of the store says; bytes that are cut out cannot. */
function mayLoseOthers({ disposition, actions }: StoreRemoval): boolean {
  return disposition === 'unsafe' && actions.some(({ kind }) => kind === 'write' || kind === 'edit');
}

function stateOf({ type, location }: FoundStore, target: Target, read: ReadOptions): StoreState {
  const trusted = new Map<string, number>();
  let problems = 0;
  for (const part of type.read(target, location, read)) {
    problems += part.problems.length;
    for (const { certificate, trust } of part.anchors) {
      if (trustStatus(trust) !== 'trusted') continue;
      trusted.set(certificate.sha256, (trusted.get(certificate.sha256) ?? 0) + 1);
    }
  }
  return { trusted, problems };
}

export interface Verification {
  /** Places that still trust one of the certificates. */
  readonly left: readonly LeftPlace[];
  /** "application (path)" of stores that no longer trust something else, which they did before. */
  readonly alsoLost: readonly { readonly store: string; readonly sha256: string }[];
  readonly problems: readonly Problem[];
}

/** Reads every store of the target, opened anew. */
export function verifyRemoval(
  target: Target,
  stores: readonly StoreType[],
  read: ReadOptions,
  certificates: RemovalPlan['certificates'],
  trustedBefore: ReadonlySet<string>,
): Verification {
  const going = new Set<string>(certificates.map(({ certificate }) => certificate.sha256));
  const left: LeftPlace[] = [];
  const missing = new Set(trustedBefore);
  const { problems } = readStores(target, stores, read, ({ certificate, trust, path, entry }, store) => {
    if (trustStatus(trust) !== 'trusted') return;
    const { sha256 } = certificate;
    missing.delete(trustKey(store.id, sha256));
    const { application } = store.location;
    if (going.has(sha256)) left.push({ sha256, store: store.id, application, path, entry });
  });
  const alsoLost = Array.from(missing, splitKey).filter(({ sha256 }) => !going.has(sha256));
  return { left, alsoLost, problems: [...(target.problems ?? []), ...problems] };
}

/** The reverse of {@link trustKey}. */
function splitKey(key: string): { readonly store: string; readonly sha256: string } {
  const space = key.lastIndexOf(' ');
  return { store: key.slice(0, space), sha256: key.slice(space + 1) };
}
