/** What lies at a path, in a form that two moments can be compared in. */

import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type BigIntStats,
} from 'node:fs';
import { RootauditError } from '../core/errors.ts';
import { decodePath } from '../core/shell.ts';
import { MAX_FILE_BYTES } from '../core/target.ts';
import { codeOf } from './failure.ts';
import { inPlaceOf, Place, type Root } from './place.ts';

interface Owned {
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since 1970, in decimal. */
  readonly modified: string;
}

export type NodeState =
  | { readonly kind: 'none' }
  | ({ readonly kind: 'file'; readonly sha256: string; readonly size: number } & Owned)
  | ({ readonly kind: 'link'; readonly to: string } & Owned)
  | ({ readonly kind: 'directory' } & Owned)
  | ({ readonly kind: 'other' } & Owned);

export const NONE: NodeState = { kind: 'none' };

/** More than this below a directory is no trust store: a command that changes it could not be undone. */
const MAX_NODES = 100_000;
const MAX_TREE_BYTES = 1 << 30;

export function stateOf(root: Root, path: string): NodeState {
  try {
    return inPlaceOf(root, path, stateIn);
  } catch (error) {
    if (isMissing(error)) return NONE;
    throw error;
  }
}

/** Also where a directory above is missing. */
function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || (error instanceof RootauditError && codeOf(error.cause) === 'ENOENT');
}

export function stateIn(place: Place, name: string): NodeState {
  const stat = place.stat(name);
  if (!stat) return NONE;
  const owned = ownedBy(stat);
  if (stat.isSymbolicLink()) {
    const to = decodePath(readlinkSync(place.at(name), { encoding: 'buffer' }));
    return { kind: 'link', to, ...owned };
  }
  if (stat.isDirectory()) return { kind: 'directory', ...owned };
  if (!stat.isFile()) return { kind: 'other', ...owned };
  return fileState(place, name);
}

function ownedBy(stat: BigIntStats): Owned {
  return {
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    modified: String(stat.mtimeNs),
  };
}

/** Opens a regular file without following a link or waiting for a pipe. */
export function openFileIn(place: Place, name: string): number {
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const descriptor = openSync(place.at(name), flags);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw new RootauditError(`${name} is no regular file`);
}

function fileState(place: Place, name: string): NodeState {
  const descriptor = openFileIn(place, name);
  try {
    const stat = fstatSync(descriptor, { bigint: true });
    return { kind: 'file', sha256: hashOf(descriptor), size: Number(stat.size), ...ownedBy(stat) };
  } finally {
    closeSync(descriptor);
  }
}

function hashOf(descriptor: number): string {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(1 << 16);
  for (;;) {
    const length = readSync(descriptor, buffer, 0, buffer.length, null);
    if (length === 0) return hash.digest('hex');
    hash.update(buffer.subarray(0, length));
  }
}

export function readIn(place: Place, name: string): Buffer {
  const descriptor = openFileIn(place, name);
  try {
    const size = fstatSync(descriptor).size;
    if (size > MAX_FILE_BYTES) throw new RootauditError(`${name} is too large to be changed: ${size} bytes`);
    const buffer = Buffer.alloc(size);
    let length = 0;
    while (length < size) {
      const got = readSync(descriptor, buffer, length, size - length, null);
      if (got === 0) break;
      length += got;
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

export interface Listed {
  readonly path: string;
  readonly state: NodeState;
}

/** A path and, where it is a directory, everything below it; parents first. Nothing for a path that is not there. */
export function treeOf(root: Root, path: string): readonly Listed[] {
  const found: Listed[] = [];
  let bytes = 0;
  const visit = (path: string): void => {
    const state = stateOf(root, path);
    if (state.kind === 'none') return;
    found.push({ path, state });
    bytes += state.kind === 'file' ? state.size : 0;
    if (found.length > MAX_NODES || bytes > MAX_TREE_BYTES) {
      throw new RootauditError(
        `${path} is part of a directory that is too large to be kept for an undo`,
        'Run the commands that `rootaudit scan` prints by hand.',
      );
    }
    if (state.kind === 'directory') for (const name of namesIn(root, path)) visit(`${path}/${name}`);
  };
  visit(path);
  return found;
}

function namesIn(root: Root, directory: string): readonly string[] {
  const place = Place.open(root, directory);
  try {
    const names = readdirSync(place.at(''), { encoding: 'buffer' });
    return names.map(decodePath).toSorted();
  } finally {
    place.close();
  }
}

/** The same kind with the same content, whatever its owner and times. */
export function holdsTheSame(a: NodeState, b: NodeState): boolean {
  if (a.kind === 'file' && b.kind === 'file') return a.sha256 === b.sha256;
  if (a.kind === 'link' && b.kind === 'link') return a.to === b.to;
  return a.kind === b.kind;
}

/** The same in everything that is known of it. */
export function isSame(a: NodeState, b: NodeState): boolean {
  if (!holdsTheSame(a, b)) return false;
  if (a.kind === 'none' || b.kind === 'none') return true;
  const sameMode = a.kind === 'link' || a.mode === b.mode;
  return sameMode && a.uid === b.uid && a.gid === b.gid && a.modified === b.modified;
}
