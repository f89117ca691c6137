/** Copies of everything that a removal may touch. */

import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { groupBy } from '../core/collections.ts';
import { RootauditError } from '../core/errors.ts';
import { copyAttributes, copyInto, descriptorPath, copyTimes, syncCopies } from './copy.ts';
import { explained } from './failure.ts';
import {
  holdsTheSame,
  NONE,
  openFileIn,
  stateOf,
  treeOf,
  type Listed,
  type NodeState,
} from './node-state.ts';
import { bytesOf, inPlaceOf, Place, type Root } from './place.ts';

/** What lay at a path before the removal. */
export interface Saved {
  readonly path: string;
  readonly state: NodeState;
  /** Its copy, below the directory of copies; of a directory, something that has its times. */
  readonly copy?: string;
}

export type Fault = (point: string) => void;

export const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

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
