/** One step on the real files: a new file takes the place of the old one in a single rename, or nothing happens. */

import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lchownSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { RootauditError } from '../core/errors.ts';
import { copyAttributes, descriptorPath } from './copy.ts';
import { openFileIn, stateIn, stateOf } from './node-state.ts';
import { inPlaceOf, type Place, type Root } from './place.ts';
import type { Replacement } from './rehearse.ts';
import type { Fault } from './snapshot.ts';

const DIRECTORY_MODE = 0o755;

/** `temporary` names what is put beside the file for a moment. */
export function replace(root: Root, step: Replacement, temporary: string, fault: Fault): void {
  if (step.content !== null) makeParents(root, step.path);
  inPlaceOf(root, step.path, (place, name) => {
    expectUnchanged(place, name, step);
    if (step.content === null) unlinkSync(place.at(name));
    else writeThrough(place, name, step, step.content, temporary, fault);
    fault('replaced');
    place.sync();
  });
}

function expectUnchanged(place: Place, name: string, { path, before }: Replacement): void {
  const state = stateIn(place, name);
  const found = state.kind === 'file' ? state.sha256 : state.kind === 'none' ? null : undefined;
  if (found === before) return;
  throw new RootauditError(
    `${path} changed since it was looked at`,
    'Somebody else works on it. See what was done, then run the same command again.',
  );
}

function writeThrough(
  place: Place,
  name: string,
  step: Replacement,
  content: Uint8Array,
  temporary: string,
  fault: Fault,
): void {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
  const descriptor = openSync(place.at(temporary), flags, 0o600);
  try {
    fault('temporary made');
    if (step.before === null) giveToParent(place, descriptor, step.mode);
    else copyFrom(place, name, temporary, descriptor, step.path);
    for (let at = 0; at < content.length;) at += writeSync(descriptor, content, at);
    fsyncSync(descriptor);
    fault('temporary written');
    expectUnchanged(place, name, step);
    renameSync(place.at(temporary), place.at(name));
  } catch (error) {
    removeQuietly(place, temporary);
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

function copyFrom(place: Place, name: string, temporary: string, descriptor: number, path: string): void {
  const old = openFileIn(place, name);
  try {
    copyAttributes(
      { descriptor: old, path: openPath(place, name, old) },
      { descriptor, path: openPath(place, temporary, descriptor) },
    );
    const [before, after] = [fstatSync(old), fstatSync(descriptor)];
    if (before.uid === after.uid && before.gid === after.gid && before.mode === after.mode) return;
    throw new RootauditError(`${path} would lose its owner or its permissions`, 'Run it with sudo.');
  } finally {
    closeSync(old);
  }
}

/** An open file by its number, so that its name does not matter to a tool; by its name where that cannot be. */
function openPath(place: Place, name: string, descriptor: number): string {
  return process.platform === 'linux' ? descriptorPath(descriptor) : place.path(name);
}

/** What root makes in a home belongs to whom the home belongs. */
function giveToParent(place: Place, descriptor: number, mode: number): void {
  const parent = place.stat('');
  if (process.getuid?.() === 0 && parent) fchownSync(descriptor, Number(parent.uid), Number(parent.gid));
  fchmodSync(descriptor, mode & 0o777);
}

function makeParents(root: Root, path: string): void {
  const parent = path.slice(0, path.lastIndexOf('/'));
  if (parent === '' || stateOf(root, parent).kind !== 'none') return;
  makeParents(root, parent);
  inPlaceOf(root, parent, (place, name) => {
    mkdirSync(place.at(name), { mode: DIRECTORY_MODE });
    const owner = place.stat('');
    if (process.getuid?.() === 0 && owner) lchownSync(place.at(name), Number(owner.uid), Number(owner.gid));
    place.sync();
  });
}

function removeQuietly(place: Place, name: string): void {
  try {
    unlinkSync(place.at(name));
  } catch {
    // The first error is the one that matters; what is left is found by its name.
  }
}
