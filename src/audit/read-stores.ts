/** From target to stores: every registered type is asked where it lives, and each place is read once. */

import type { Problem } from '../core/errors.ts';
import type { ReadOptions, StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import { FsError, type Target } from '../core/target.ts';
import { trustStatus } from '../core/trust.ts';
import type { StoreSummary } from '../report/report.ts';

export interface ReadStore {
  readonly type: StoreType;
  readonly location: StoreLocation;
  readonly summary: StoreSummary;
  readonly anchors: readonly TrustAnchor[];
  readonly problems: readonly Problem[];
}

/** Reads one store after the other, so that only one store's certificates are in memory at a time. */
export function* readStores(
  target: Target,
  types: readonly StoreType[],
  options: ReadOptions,
): Generator<ReadStore> {
  for (const { type, location, aliases } of locateStores(target, types)) {
    const content = readContent(type, target, location, options);
    const id = `${type.id}:${location.path}`;
    yield {
      type,
      location,
      summary: summarise(id, type, location, aliases, content),
      anchors: content.anchors,
      problems: content.problems.map((problem) => ({ ...problem, store: id })),
    };
  }
}

interface LocatedStore {
  readonly type: StoreType;
  readonly location: StoreLocation;
  /** Other paths that lead to the same place; they are the same store. */
  readonly aliases: string[];
}

function locateStores(target: Target, types: readonly StoreType[]): readonly LocatedStore[] {
  const byRealPath = new Map<string, LocatedStore>();
  for (const type of types) {
    if (!type.platforms.includes(target.platform)) continue;
    for (const location of type.locate(target)) {
      const real = realPath(target, location.path);
      const known = byRealPath.get(real);
      if (!known) byRealPath.set(real, { type, location, aliases: [] });
      else if (known.location.path !== location.path) known.aliases.push(location.path);
    }
  }
  return [...byRealPath.values()];
}

/** The path without links, or the path itself where that cannot be told. */
export function realPath(target: Target, path: string): string {
  try {
    return target.fs.realPath(path) ?? path;
  } catch (error) {
    if (error instanceof FsError) return path;
    throw error;
  }
}

function readContent(
  type: StoreType,
  target: Target,
  location: StoreLocation,
  options: ReadOptions,
): StoreContent {
  try {
    return type.read(target, location, options);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    const problem: Problem = { code: 'unreadable', path: error.path, message: error.message };
    return { anchors: [], problems: [problem], notes: [] };
  }
}

function summarise(
  id: string,
  type: StoreType,
  location: StoreLocation,
  aliases: readonly string[],
  { anchors, problems, notes }: StoreContent,
): StoreSummary {
  const unreadable = anchors.length === 0 && problems.some(({ code }) => code === 'unreadable');
  const status = unreadable ? 'unreadable' : problems.length > 0 ? 'malformed' : 'read';
  return {
    id,
    type: type.id,
    application: location.application,
    scope: location.scope,
    ...(location.user !== undefined && { user: location.user }),
    format: location.format,
    path: location.path,
    aliases,
    status,
    anchors: anchors.length,
    trusted: anchors.filter(({ trust }) => trustStatus(trust) === 'trusted').length,
    notes,
  };
}
