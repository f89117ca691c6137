/** Putting back exactly what a snapshot has kept. */

import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { groupBy } from '../core/collections.ts';
import { RootauditError } from '../core/errors.ts';
import { copyInto, copyTimes, syncFile } from './copy.ts';
import { explained } from './failure.ts';
import { removeLeftovers } from './leftovers.ts';
import { holdsTheSame, isSame, stateIn, stateOf, type NodeState } from './node-state.ts';
import { inPlaceOf, Place, syncDirectory, type Root } from './place.ts';
import { nameOf, parentOf, type Fault, type Saved } from './snapshot.ts';

export interface RestoreOptions {
  readonly root: Root;
  /** Host path of the directory of copies. */
  readonly copies: string;
  /** Begins the names of all that is put beside the files for a moment. */
  readonly prefix: string;
  readonly fault: Fault;
}

/** Puts back what is not as it was; how many paths that were. Directories above files have to be among `saved`. */
export function restore(saved: readonly Saved[], options: RestoreOptions): number {
  const { root, fault } = options;
  const changed = saved.filter(({ path, state }) => !isSame(state, stateOf(root, path)));
  const byDepth = changed.toSorted((a, b) => a.path.split('/').length - b.path.split('/').length);
  for (const each of byDepth.toReversed()) {
    if (each.state.kind === 'none') {
      removeNode(root, each.path);
      fault('undo removed');
    }
  }
  for (const { path, state } of byDepth) if (state.kind === 'directory') makeDirectory(root, path, state);
  const nodes = changed.filter(({ state }) => state.kind === 'file' || state.kind === 'link');
  for (const [parent, group] of groupBy(nodes, ({ path }) => parentOf(path))) {
    restoreIn(parent, group, options);
  }
  const directories = saved.filter(({ state }) => state.kind === 'directory');
  // A directory's times are set after everything in it has been.
  for (const each of directories.toSorted((a, b) => b.path.length - a.path.length)) {
    restoreDirectory(each, options);
  }
  return changed.length;
}

/** A directory goes when nothing is left in it. */
function removeNode(root: Root, path: string): void {
  const state = stateOf(root, path);
  if (state.kind === 'none') return;
  inPlaceOf(root, path, (place, name) => {
    if (state.kind !== 'directory') unlinkSync(place.at(name));
    else if (readdirSync(place.at(name)).length === 0) rmdirSync(place.at(name));
    place.sync();
  });
}

function makeDirectory(root: Root, path: string, { mode }: { readonly mode: number }): void {
  const { kind } = stateOf(root, path);
  if (kind === 'directory') return;
  if (kind !== 'none')
    throw new RootauditError(`${path} is no directory now`, 'Move it away, then run it again.');
  inPlaceOf(root, path, (place, name) => {
    mkdirSync(place.at(name), { mode });
    place.sync();
  });
}

function restoreIn(
  parent: string,
  group: readonly Saved[],
  { root, copies, prefix, fault }: RestoreOptions,
): void {
  const place = Place.open(root, parent);
  try {
    explained(parent, () => {
      removeLeftovers(place, prefix);
      const staging = `${prefix}.d`;
      mkdirSync(place.at(staging), { mode: 0o700 });
      copyInto(
        group.map(({ copy = '' }) => join(copies, copy)),
        place.path(staging),
      );
      fault('undo staged');
      for (const { path, state, copy = '' } of group) {
        const staged = `${staging}/${nameOf(copy)}`;
        if (!isSame(state, stateIn(place, staged))) correct(place, staged, path, state);
        if (state.kind === 'file') syncFile(place.path(staged));
        fault('undo renaming');
        renameSync(place.at(staged), place.at(nameOf(path)));
        fault('undo renamed');
      }
      rmdirSync(place.at(staging));
      place.sync();
    });
  } finally {
    place.close();
  }
}

/** What the copy lost: an owner that only root may give. Bytes that differ are never put back. */
function correct(place: Place, staged: string, path: string, state: NodeState): void {
  const got = stateIn(place, staged);
  if (!holdsTheSame(got, state)) {
    throw new RootauditError(`the copy of ${path} is damaged`, 'Nothing was put in its place.');
  }
  if (got.kind === 'none' || state.kind === 'none') return;
  if (got.uid !== state.uid || got.gid !== state.gid) lchownSync(place.at(staged), state.uid, state.gid);
  if (state.kind === 'file' && got.mode !== state.mode) chmodSync(place.at(staged), state.mode);
}

function restoreDirectory({ path, state, copy = '' }: Saved, { root, copies }: RestoreOptions): void {
  const now = stateOf(root, path);
  if (state.kind !== 'directory' || now.kind !== 'directory' || isSame(state, now)) return;
  const place = Place.open(root, path);
  try {
    explained(path, () => {
      if (now.uid !== state.uid || now.gid !== state.gid) chownSync(place.at(''), state.uid, state.gid);
      if (now.mode !== state.mode) chmodSync(place.at(''), state.mode);
      copyTimes(join(copies, copy), place.path(''), state.modified);
      syncDirectory(place.at(''));
    });
  } finally {
    place.close();
  }
}
