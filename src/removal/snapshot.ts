/** Copies of everything that a removal may touch, and putting it back exactly. */

import {
  chmodSync,
  chownSync,
  closeSync,
  lchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { groupBy } from '../core/collections.ts';
import { RootauditError } from '../core/errors.ts';
import { removeLeftovers } from './leftovers.ts';
import { copyAttributes, copyInto, descriptorPath, copyTimes, syncCopies, syncFile } from './copy.ts';
import { explained } from './failure.ts';
import {
  holdsTheSame,
  isSame,
  NONE,
  openFileIn,
  stateIn,
  stateOf,
  treeOf,
  type Listed,
  type NodeState,
} from './node-state.ts';
import { bytesOf, inPlaceOf, Place, syncDirectory, type Root } from './place.ts';

/** What lay at a path before the removal. */
export interface Saved {
  readonly path: string;
  readonly state: NodeState;
  /** Its copy, below the directory of copies; of a directory, something that has its times. */
  readonly copy?: string;
}

export type Fault = (point: string) => void;

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Keeps what lies at paths, each of them at its first time only. */
export class Snapshot {
  readonly #root: Root;
  /** Host path of the directory of copies. */
  readonly #directory: string;
  readonly #saved = new Map<string, Saved>();
  readonly #trees: string[] = [];

  constructor(root: Root, directory: string) {
    this.#root = root;
    this.#directory = directory;
  }

  /** Keeps files by themselves and directories with all that is in them. Returns what was not kept before. */
  save(paths: readonly string[]): readonly Saved[] {
    const before = new Set(this.#saved.keys());
    for (const [parent, group] of groupBy(new Set(paths), parentOf)) this.#saveIn(parent, group);
    return [...this.#saved.values()].filter(({ path }) => !before.has(path));
  }

  get saved(): ReadonlyMap<string, Saved> {
    return this.#saved;
  }

  /** Directories that are kept with all that is in them. */
  get trees(): readonly string[] {
    return this.#trees;
  }

  #saveIn(parent: string, paths: readonly string[]): void {
    const states = new Map(paths.map((path) => [path, stateOf(this.#root, path)]));
    const isDirectory = (path: string): boolean => states.get(path)?.kind === 'directory';
    const files = paths.filter((path) => !isDirectory(path) && !this.#isKnown(path));
    const slot = this.#newSlot();
    this.#saveFiles(parent, slot, files, states);
    this.#saveTimes(parent, slot);
    // What is known of a directory may be its times alone.
    for (const path of paths) if (isDirectory(path) && !this.#isInTree(path)) this.#saveTree(path);
  }

  #isKnown(path: string): boolean {
    return this.#saved.has(path) || this.#isInTree(path);
  }

  #isInTree(path: string): boolean {
    return this.#trees.some((tree) => path === tree || path.startsWith(`${tree}/`));
  }

  #newSlot(): string {
    const slot = String(readdirSync(this.#directory).length);
    mkdirSync(join(this.#directory, slot), { mode: 0o700 });
    return slot;
  }

  #saveFiles(
    parent: string,
    slot: string,
    paths: readonly string[],
    states: ReadonlyMap<string, NodeState>,
  ): void {
    const here = paths.filter((path) => states.get(path)?.kind !== 'none');
    const to = join(this.#directory, slot);
    const names = new Map(here.map((path, index) => [path, plainName(nameOf(path), index)]));
    if (here.length > 0) {
      inPlaceOf(this.#root, `${parent}/.`, (place) => copyFrom(place, names, to));
      syncCopies(to);
    }
    for (const path of paths) {
      const state = states.get(path) ?? NONE;
      if (state.kind === 'none') this.#saved.set(path, { path, state });
      else this.#keep(path, state, `${slot}/${names.get(path)}`);
    }
  }

  #keep(path: string, state: NodeState, copy: string): void {
    if (this.#saved.has(path)) return;
    const copied = stateOf({ host: this.#directory, drives: false }, `/${copy}`);
    if (!holdsTheSame(state, copied) || state.kind === 'other') {
      throw new RootauditError(`${path} changed while it was copied`, 'Run the same command again.');
    }
    this.#saved.set(path, { path, state, copy });
  }

  /** Of the top, and of each directory in whose copy a name was changed. */
  #copyTimesOf(top: string, nodes: readonly Listed[], copies: ReadonlyMap<string, string>): void {
    const renamed = nodes.filter(({ path }) => !isText(nameOf(path))).map(({ path }) => parentOf(path));
    for (const path of new Set([top, ...renamed])) {
      const state = nodes.find((each) => each.path === path)?.state;
      if (state?.kind !== 'directory') continue;
      const place = Place.open(this.#root, path);
      try {
        copyTimes(place.path(''), join(this.#directory, copies.get(path) ?? ''), state.modified);
      } finally {
        place.close();
      }
    }
  }

  /** The nearest directory that there is; those that are missing below it are kept as missing. */
  #saveTimes(directory: string, slot: string): void {
    if (this.#isKnown(directory)) return;
    const state = stateOf(this.#root, directory);
    if (state.kind === 'none') {
      this.#saved.set(directory, { path: directory, state });
      const parent = parentOf(directory);
      if (!this.#isKnown(parent)) this.#saveTimes(parent, this.#newSlot());
      return;
    }
    if (state.kind !== 'directory')
      throw new RootauditError(`${directory} is no directory now`, 'Scan again.');
    const copy = join(this.#directory, slot);
    const place = Place.open(this.#root, directory);
    try {
      copyTimes(place.path(''), copy, state.modified);
    } finally {
      place.close();
    }
    this.#saved.set(directory, { path: directory, state, copy: slot });
  }

  #saveTree(path: string): void {
    const nodes = treeOf(this.#root, path);
    const slot = this.#newSlot();
    const copy = join(this.#directory, slot);
    const place = Place.open(this.#root, path);
    try {
      explained(path, () => copyInto([place.path('')], copy));
    } finally {
      place.close();
    }
    const copies = renameOdd(this.#directory, slot, path, nodes);
    this.#copyTimesOf(path, nodes, copies);
    syncCopies(copy);
    // A pipe or a socket is nothing that an update command makes or changes.
    for (const { path: each, state } of nodes.filter(({ state }) => state.kind !== 'other')) {
      this.#keep(each, state, copies.get(each) ?? '');
    }
    this.#trees.push(path);
  }
}

/** `cp` can be given names that are text only: a copy of another gets a name of ours. */
function plainName(name: string, index: number): string {
  return isText(name) ? name : `name-${index}`;
}

const isText = (name: string): boolean => !/[\udc80-\udcff]/.test(name);

/** `names` are those of the copies, by the path that is copied. */
export function copyFrom(place: Place, names: ReadonlyMap<string, string>, to: string): void {
  const texts = [...names.keys()].map(nameOf).filter(isText);
  if (texts.length > 0) copyInto(texts.map((name) => place.path(name)), to); // prettier-ignore
  for (const [path, name] of names) if (!isText(nameOf(path))) copyFile(place, nameOf(path), join(to, name));
}

/** With open files, whose names do not matter. */
function copyFile(place: Place, name: string, to: string): void {
  const from = openFileIn(place, name);
  const descriptor = openSync(to, 'wx', 0o600);
  try {
    writeFileSync(descriptor, readFileSync(from));
    copyAttributes(
      { descriptor: from, path: descriptorPath(from) },
      { descriptor, path: descriptorPath(descriptor) },
    );
  } finally {
    closeSync(from);
    closeSync(descriptor);
  }
}

/** Where the copies of a tree lie, once every name in it is text. Parents come first in `nodes`. */
function renameOdd(
  directory: string,
  slot: string,
  top: string,
  nodes: readonly { readonly path: string }[],
): ReadonlyMap<string, string> {
  const copies = new Map([[top, slot]]);
  for (const [index, { path }] of nodes.slice(1).entries()) {
    const parent = copies.get(parentOf(path)) ?? slot;
    const name = nameOf(path);
    const plain = plainName(name, index);
    if (plain !== name) renameSync(bytesOf(join(directory, parent, name)), join(directory, parent, plain));
    copies.set(path, `${parent}/${plain}`);
  }
  return copies;
}

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
