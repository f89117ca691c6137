/** From target to anchors: every registered type is asked where it lives, and each place is read once. */

import type { Problem } from '../core/errors.ts';
import type { ReadOptions, StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import { FsError, unlessRefused, type Target } from '../core/target.ts';
import { trustStatus } from '../core/trust.ts';
import type { StoreSummary } from '../report/report.ts';

/** A store that was found, before it is read. */
export interface FoundStore {
  /** Unique on the target: type and path. */
  readonly id: string;
  readonly type: StoreType;
  readonly location: StoreLocation;
  /** Other paths that lead to the same place; they are the same store. */
  readonly aliases: readonly string[];
}

export interface ReadResult {
  readonly stores: readonly StoreSummary[];
  readonly problems: readonly Problem[];
}

/** Told before each store (and each file of one that has many) is read. */
export interface StoreProgress {
  readonly path: string;
  readonly done: number;
  readonly total: number;
}

/**
 * Reads every store and hands each anchor to `visit` as it comes. Nothing else of a store is kept, so memory does not
 * grow with what the stores hold.
 */
export function readStores(
  target: Target,
  types: readonly StoreType[],
  options: ReadOptions,
  visit: (anchor: TrustAnchor, store: FoundStore) => void,
  progress?: (state: StoreProgress) => void,
): ReadResult {
  const stores: StoreSummary[] = [];
  const problems: Problem[] = [];
  const found = findStores(target, types);
  for (const store of found.values()) {
    const tally = new Tally();
    const state = { path: store.location.path, done: stores.length, total: found.size };
    progress?.(state);
    for (const part of readParts(store, target, options)) {
      progress?.(state);
      tally.add(part);
      for (const anchor of part.anchors) visit(anchor, store);
    }
    stores.push(tally.summary(store));
    for (const problem of tally.problems) problems.push({ ...problem, store: store.id });
  }
  return { stores, problems };
}

function findStores(target: Target, types: readonly StoreType[]): ReadonlyMap<string, FoundStore> {
  const byRealPath = new Map<string, FoundStore & { readonly aliases: string[] }>();
  for (const type of types) {
    if (!type.platforms.includes(target.platform)) continue;
    for (const location of type.locate(target)) {
      const real = realPath(target, location.path);
      const known = byRealPath.get(real);
      const id = `${type.id}:${location.path}`;
      if (!known) byRealPath.set(real, { id, type, location, aliases: [] });
      else if (known.location.path !== location.path) known.aliases.push(location.path);
    }
  }
  return byRealPath;
}

/** The path without links, or the path itself where that cannot be told. */
export function realPath(target: Target, path: string): string {
  // A place in the registry of a running Windows is no path.
  if (!path.startsWith('/')) return path;
  return unlessRefused(() => target.fs.realPath(path)) ?? path;
}

/** A refusal in the middle of a store ends it with a problem. */
function* readParts(
  { type, location }: FoundStore,
  target: Target,
  options: ReadOptions,
): Generator<StoreContent> {
  try {
    yield* type.read(target, location, options);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    const problem: Problem = { code: 'unreadable', path: error.path, message: error.message };
    yield { anchors: [], problems: [problem], notes: [] };
  }
}

/** What is remembered of a store while its parts go by. */
class Tally {
  readonly problems: Problem[] = [];
  readonly #notes: string[] = [];
  #anchors = 0;
  #trusted = 0;

  add({ anchors, problems, notes }: StoreContent): void {
    this.problems.push(...problems);
    this.#notes.push(...notes);
    this.#anchors += anchors.length;
    for (const { trust } of anchors) if (trustStatus(trust) === 'trusted') this.#trusted++;
  }

  summary({ id, type, location, aliases }: FoundStore): StoreSummary {
    const unreadable = this.#anchors === 0 && this.problems.some(({ code }) => code === 'unreadable');
    return {
      id,
      type: type.id,
      application: location.application,
      scope: location.scope,
      ...(location.user !== undefined && { user: location.user }),
      format: location.format,
      path: location.path,
      aliases,
      status: unreadable ? 'unreadable' : this.problems.length > 0 ? 'malformed' : 'read',
      anchors: this.#anchors,
      trusted: this.#trusted,
      notes: this.#notes,
    };
  }
}
