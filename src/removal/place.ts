/**
 * Directories that are held open while something in them is changed. On Linux each part of the path is opened below
 * the one before it, without following links, and names are reached through the open directory: whoever swaps a
 * directory for a link meanwhile, in a home or a hostile image, leads nobody out of the target. Elsewhere the path is
 * looked at part by part right before it is used.
 */

import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  type BigIntStats,
  type PathLike,
} from 'node:fs';
import { RootauditError } from '../core/errors.ts';
import { encodePath } from '../core/shell.ts';
import { toWindowsPath } from '../targets/windows-paths.ts';
import { codeOf, explained } from './failure.ts';

/** Where the paths of a target lie on this machine. */
export interface Root {
  /** Host path without a final slash: empty for `/`. */
  readonly host: string;
  /** A running Windows: the first part of a path is a drive. */
  readonly drives: boolean;
}

/** Linux lets a program, and those it starts, reach an open file or directory by this path. */
const DESCRIPTORS = `/proc/${process.pid}/fd`;
const HOLDS_OPEN = process.platform === 'linux' && existsSync('/proc/self/fd');

/** O_PATH of Linux, which Node does not name: a directory that may be entered but not listed can be opened so. */
const O_PATH = 0x200000;
const DIRECTORY = (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);

export class Place {
  readonly #descriptor: number | undefined;
  readonly #path: string;

  private constructor(path: string, descriptor: number | undefined) {
    this.#path = path;
    this.#descriptor = descriptor;
  }

  /** Throws RootauditError where a part of the path is a link, or is not there. */
  static open(root: Root, directory: string): Place {
    const parts = partsOf(directory);
    return explained(directory, () =>
      HOLDS_OPEN
        ? new Place(directory, openBelow(root.host || '/', parts))
        : new Place(checkedPath(root, parts), undefined),
    );
  }

  /** The path at which this program, and one that it starts, finds a name in the directory; the directory for ''. */
  path(name: string): string {
    const directory = this.#descriptor === undefined ? this.#path : `${DESCRIPTORS}/${this.#descriptor}`;
    return name === '' ? `${directory}/.` : `${directory}/${name}`;
  }

  /** The same for Node's own functions, with a name that is not UTF-8 as bytes. */
  at(name: string): PathLike {
    return bytesOf(this.path(name));
  }

  /** Without following a link. */
  stat(name: string): BigIntStats | undefined {
    return lstatSync(this.at(name), { bigint: true, throwIfNoEntry: false });
  }

  /** Makes what was renamed, made or deleted here last. */
  sync(): void {
    syncDirectory(this.at(''));
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}

export function bytesOf(path: string): string | Buffer {
  return /[\udc80-\udcff]/.test(path) ? encodePath(path) : path;
}

export function syncDirectory(path: PathLike): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } catch (error) {
    // Some file systems cannot do it for directories, and need not.
    if (codeOf(error) !== 'EINVAL') throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** Opens the directory of `path` for the time of `use`, which gets the last part as its name. */
export function inPlaceOf<T>(root: Root, path: string, use: (place: Place, name: string) => T): T {
  const slash = path.lastIndexOf('/');
  const place = Place.open(root, path.slice(0, slash) || '/');
  try {
    return explained(path, () => use(place, path.slice(slash + 1)));
  } finally {
    place.close();
  }
}

function partsOf(path: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '');
  if (!path.startsWith('/') || parts.some((part) => part === '.' || part === '..' || part.includes('\0'))) {
    throw new RootauditError(`${path} is no path that can be changed`);
  }
  return parts;
}

function openBelow(host: string, parts: readonly string[]): number {
  let current = openSync(bytesOf(host), O_PATH | (constants.O_DIRECTORY ?? 0));
  for (const part of parts) {
    const parent = current;
    try {
      current = openSync(bytesOf(`${DESCRIPTORS}/${parent}/${part}`), O_PATH | DIRECTORY);
    } finally {
      closeSync(parent);
    }
  }
  return current;
}

/** For systems without such paths. */
function checkedPath(root: Root, parts: readonly string[]): string {
  let path = root.host;
  for (const part of parts) {
    path = `${path}/${part}`;
    const host = root.drives ? (toWindowsPath(path) ?? path) : path;
    if (lstatSync(bytesOf(host)).isSymbolicLink()) {
      throw new RootauditError(`${path} is a link now`, 'Scan again, and see who puts links there.');
    }
  }
  return root.drives ? (toWindowsPath(path) ?? path) : path || '/';
}
