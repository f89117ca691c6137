/**
 * The file system below a directory of this machine, read as if that directory were `/`. Links are followed by
 * us, component by component, so that an absolute link or a `..` in a hostile image never leads outside.
 */

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs';
import type { BigIntStats, Dirent, Stats } from 'node:fs';
import { decodePath, encodePath } from '../core/shell.ts';
import { FsError, MAX_FILE_BYTES, type DirectoryEntry, type FileStat, type ReadFs } from '../core/target.ts';

/** As many as Linux follows. */
const MAX_LINKS = 40;
/** No directory of certificates comes near; a larger one is an attempt to exhaust memory. */
const MAX_DIRECTORY_ENTRIES = 1_000_000;

interface Resolved {
  /** Path inside the target, without links. */
  readonly path: string;
  /** Undefined when nothing is there. */
  readonly stat: Stats | undefined;
}

export class DirectoryFs implements ReadFs {
  /** Host path of the root, without a final slash: empty for `/`. */
  readonly #root: string;
  readonly #directories = new Map<string, Resolved>();

  constructor(root: string) {
    this.#root = root.replace(/\/+$/, '');
  }

  stat(path: string): FileStat | undefined {
    const { stat } = this.resolve(path);
    return stat && toFileStat(stat);
  }

  realPath(path: string): string | undefined {
    const resolved = this.resolve(path);
    return resolved.stat && resolved.path;
  }

  list(path: string): readonly DirectoryEntry[] {
    const { path: directory, stat } = this.resolve(path);
    if (!stat?.isDirectory()) return [];
    const entries = attempt(path, () => this.#readDirectory(directory)) ?? [];
    if (entries.length > MAX_DIRECTORY_ENTRIES) {
      throw new FsError('too-large', path, `directory with ${entries.length} entries`);
    }
    return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  #readDirectory(directory: string): DirectoryEntry[] {
    const host = this.#host(directory === '' ? '/' : directory);
    const entries = readdirSync(host, { withFileTypes: true });
    if (!entries.some((entry) => entry.name.includes('\ufffd'))) {
      return entries.map((entry) => ({ name: entry.name, kind: entryKind(entry) }));
    }
    // A name that may not be UTF-8: read the names as bytes, so that the file can be opened again.
    return readdirSync(host, { encoding: 'buffer' }).map((bytes) => {
      const name = decodePath(bytes);
      const stat = lstatSync(this.#host(`${directory}/${name}`));
      return { name, kind: entryKind(stat) };
    });
  }

  read(path: string, maxBytes = MAX_FILE_BYTES): Uint8Array | undefined {
    const resolved = this.resolve(path);
    if (!resolved.stat) return undefined;
    if (!resolved.stat.isFile()) throw new FsError('not-a-file', path, 'not a regular file');
    return attempt(path, () => {
      // Between resolving and opening, the file may be swapped for a link or a pipe: refuse both.
      const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
      const descriptor = openSync(this.#host(resolved.path), flags);
      try {
        return readDescriptor(descriptor, path, maxBytes);
      } finally {
        closeSync(descriptor);
      }
    });
  }

  /** Follows every link of `path`. Where the end is missing, says where it would lie. */
  resolve(path: string): Resolved {
    const pending = path.split('/').toReversed();
    let current = '';
    let links = 0;
    let stat: Stats | undefined = undefined;
    while (pending.length > 0) {
      const part = pending.pop();
      if (part === undefined || part === '' || part === '.') continue;
      if (part === '..') {
        current = current.slice(0, Math.max(current.lastIndexOf('/'), 0));
        stat = undefined;
        continue;
      }
      const next = `${current}/${part}`;
      const known = this.#directories.get(next);
      if (known) {
        current = known.path;
        stat = known.stat;
        continue;
      }
      stat = attempt(path, () => lstatSync(this.#host(next)));
      if (stat?.isSymbolicLink()) {
        if (++links > MAX_LINKS) throw new FsError('link-loop', path, `more than ${MAX_LINKS} links`);
        const link = attempt(path, () => decodePath(readlinkSync(this.#host(next), { encoding: 'buffer' })));
        if (link === undefined) return { path: next, stat: undefined };
        if (link.startsWith('/')) current = '';
        pending.push(...link.split('/').toReversed());
        stat = undefined;
        continue;
      }
      if (!stat) return { path: joinRest(next, pending), stat: undefined };
      current = next;
      if (stat.isDirectory()) this.#directories.set(next, { path: next, stat });
    }
    stat ??= attempt(path, () => lstatSync(this.#host(current || '/')));
    return { path: current || '/', stat };
  }

  /** A name that is not UTF-8 has to be handed to the system as bytes. */
  #host(path: string): string | Buffer {
    const full = this.#root + path;
    return /[\udc80-\udcff]/.test(full) ? encodePath(full) : full;
  }
}

function joinRest(path: string, pending: readonly string[]): string {
  const rest = pending.filter((part) => part !== '' && part !== '.').toReversed();
  // What does not exist has no parent to climb to: the rest is only a name for messages and new files.
  return [path, ...rest.filter((part) => part !== '..')].join('/');
}

function readDescriptor(descriptor: number, path: string, maxBytes: number): Uint8Array {
  const { size } = fstatSync(descriptor);
  if (!fstatSync(descriptor).isFile()) throw new FsError('not-a-file', path, 'not a regular file');
  if (size > maxBytes) {
    throw new FsError('too-large', path, `file of ${size} bytes, more than the limit of ${maxBytes}`);
  }
  let buffer = Buffer.allocUnsafe(size + 1);
  let length = 0;
  for (;;) {
    const got = readSync(descriptor, buffer, length, buffer.length - length, null);
    length += got;
    if (got === 0) return buffer.subarray(0, length);
    if (length > maxBytes) throw new FsError('too-large', path, `more than the limit of ${maxBytes} bytes`);
    if (length === buffer.length) {
      // Larger than it said (it grew, or it is a virtual file).
      buffer = Buffer.concat([buffer], Math.min(buffer.length * 2 + 4096, maxBytes + 1));
    }
  }
}

function toFileStat(stat: Stats): FileStat {
  return {
    kind: stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'other',
    size: stat.size,
    modified: stat.mtimeMs,
    uid: stat.uid,
    mode: stat.mode & 0o7777,
  };
}

function entryKind(entry: Dirent | Stats | BigIntStats): DirectoryEntry['kind'] {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  return entry.isSymbolicLink() ? 'link' : 'other';
}

/** Runs a system call; "there is nothing" becomes undefined, every other failure an {@link FsError}. */
function attempt<T>(path: string, call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof FsError) throw error;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'EACCES' || code === 'EPERM') throw new FsError('denied', path, 'permission denied');
    if (code === 'ELOOP') throw new FsError('link-loop', path, 'too many links');
    throw new FsError('io', path, `cannot be read (${typeof code === 'string' ? code : String(error)})`);
  }
}
