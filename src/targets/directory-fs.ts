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
import {
  FsError,
  MAX_FILE_BYTES,
  type DirectoryEntry,
  type FileStat,
  type OpenFile,
  type ReadFs,
} from '../core/target.ts';
import { isWindowsName, linkFromWindows, toWindowsPath } from './windows-paths.ts';

/** As many as Linux follows. */
const MAX_LINKS = 40;
/** No directory of certificates comes near; a larger one is an attempt to exhaust memory. */
const MAX_DIRECTORY_ENTRIES = 1_000_000;

interface Resolved {
  /** Path inside the target, without links. */
  readonly path: string;
  /** Undefined when nothing is there. */
  readonly kind: FileStat['kind'] | undefined;
}

/** The names in a directory that was listed: they save asking the system about each of them. */
interface Listing {
  /** Sorted by name. */
  readonly entries: readonly DirectoryEntry[];
  readonly kinds: ReadonlyMap<string, DirectoryEntry['kind']>;
  /** In lower case: on a file system that ignores case, only a name that is not among these is missing. */
  readonly folded: ReadonlySet<string>;
}

/** PATH_MAX of Linux; a longer path comes from a hostile file. */
const MAX_PATH = 4096;
/** Directories whose names are remembered at most. */
const MAX_LISTED = 10_000;
/** Paths remembered at most; a scan asks for the same few again and again. */
const MAX_KNOWN = 200_000;

const ROOT: Resolved = { path: '/', kind: 'directory' };

/** Sees which names are looked up, and which directories are listed: what an audit depends on. Paths have no links. */
export interface LookObserver {
  looked(directory: string, name: string): void;
  listed(directory: string, entries: readonly DirectoryEntry[]): void;
}

/** What a path leads to is asked once: a scan sees one state of the file system. */
export class DirectoryFs implements ReadFs {
  /** Host path of the root, without a final slash: empty for `/`. */
  readonly #root: string;
  readonly #known = new Map<string, Resolved>();
  readonly #listings = new Map<string, Listing>();

  /** Windows runs this: `drives` where the root stands above all drives, as `/C:`. */
  readonly #windows: 'drives' | 'directory' | undefined;
  readonly #observer: LookObserver | undefined;

  constructor(
    root: string,
    { drives = false, observer }: { drives?: boolean; observer?: LookObserver } = {},
  ) {
    this.#observer = observer;
    this.#windows = drives ? 'drives' : process.platform === 'win32' ? 'directory' : undefined;
    this.#root = root.replace(/\/+$/, '');
  }

  stat(path: string): FileStat | undefined {
    const { kind, path: real } = this.resolve(path);
    const stat = kind && this.#lstat(real);
    return stat && toFileStat(stat);
  }

  kind(path: string): FileStat['kind'] | undefined {
    return this.resolve(path).kind;
  }

  realPath(path: string): string | undefined {
    const resolved = this.resolve(path);
    return resolved.kind && resolved.path;
  }

  list(path: string): readonly DirectoryEntry[] {
    const { path: directory, kind } = this.resolve(path);
    if (kind !== 'directory') return [];
    const known = this.#listings.get(directory);
    if (known) return known.entries;
    const found = attempt(path, () => this.#readDirectory(directory)) ?? [];
    if (found.length > MAX_DIRECTORY_ENTRIES) {
      throw new FsError('too-large', path, `directory with ${found.length} entries`);
    }
    const entries = found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    this.#observer?.listed(directory, entries);
    if (this.#listings.size < MAX_LISTED && entries.length < MAX_LISTED) {
      const kinds = new Map(entries.map((entry) => [entry.name, entry.kind]));
      const folded = new Set(entries.map(({ name }) => name.toLowerCase()));
      this.#listings.set(directory, { entries, kinds, folded });
    }
    return entries;
  }

  #readDirectory(directory: string): DirectoryEntry[] {
    if (this.#windows === 'drives' && directory === '/') return this.#drives();
    const host = this.#host(directory);
    const entries = readdirSync(host, { withFileTypes: true });
    if (!entries.some((entry) => entry.name.includes('\ufffd'))) {
      return entries.map((entry) => ({ name: entry.name, kind: this.#listedKind(directory, entry) }));
    }
    // A name that may not be UTF-8: read the names as bytes, so that the file can be opened again.
    return readdirSync(host, { encoding: 'buffer' }).map((bytes) => {
      const name = decodePath(bytes);
      const stat = lstatSync(this.#host(below(directory, name)));
      return { name, kind: entryKind(stat) };
    });
  }

  /** Windows lists everything with a reparse point as a link, also a directory that OneDrive keeps elsewhere. */
  #listedKind(directory: string, entry: Dirent): DirectoryEntry['kind'] {
    const kind = entryKind(entry);
    if (kind !== 'link' || !this.#windows) return kind;
    const path = below(directory, entry.name);
    try {
      const stat = this.#lstat(path);
      return stat ? entryKind(stat) : 'other';
    } catch (error) {
      if (error instanceof FsError) return 'other';
      throw error;
    }
  }

  #drives(): DirectoryEntry[] {
    return Array.from({ length: 26 }, (_, i) => `${String.fromCharCode(0x41 + i)}:`)
      .filter((name) => this.#lstat(`/${name}`) !== undefined)
      .map((name) => ({ name, kind: 'directory' }));
  }

  read(path: string, maxBytes = MAX_FILE_BYTES): Uint8Array | undefined {
    const descriptor = this.#openFile(path);
    if (descriptor === undefined) return undefined;
    return attempt(path, () => {
      try {
        return readDescriptor(descriptor, path, maxBytes);
      } finally {
        closeSync(descriptor);
      }
    });
  }

  open(path: string): OpenFile | undefined {
    const descriptor = this.#openFile(path);
    return descriptor === undefined ? undefined : attempt(path, () => openDescriptor(descriptor, path));
  }

  #openFile(path: string): number | undefined {
    const resolved = this.resolve(path);
    if (!resolved.kind) return undefined;
    if (resolved.kind !== 'file') throw new FsError('not-a-file', path, 'not a regular file');
    // Between resolving and opening, the file may be swapped for a link or a pipe: refuse both.
    const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
    return attempt(path, () => openSync(this.#host(resolved.path), flags));
  }

  /** Follows every link of `path`. Where the end is missing, says where it would lie. */
  resolve(path: string, links = 0): Resolved {
    const known = this.#known.get(path);
    if (known) return known;
    if (path.length > MAX_PATH) return { path, kind: undefined };
    const slash = path.lastIndexOf('/');
    const parent = this.#known.get(path.slice(0, slash));
    if (parent) return this.#remember(path, this.#next(parent, path.slice(slash + 1), links));
    let current: Resolved = ROOT;
    // Not by recursion: a hostile path may have thousands of parts.
    for (const part of path.split('/')) current = this.#next(current, part, links);
    return this.#remember(path, current);
  }

  #next(directory: Resolved, part: string, links: number): Resolved {
    if (part === '' || part === '.') return directory;
    // What does not exist has nothing below it: the rest is only a name for messages and new files.
    if (!directory.kind)
      return part === '..' ? directory : { path: below(directory.path, part), kind: undefined };
    return part === '..'
      ? this.resolve(parentOf(directory.path), links)
      : this.#step(directory.path, part, links);
  }

  /** One part further from a directory that has no links in its path. */
  #step(directory: string, name: string, links: number): Resolved {
    const next = below(directory, name);
    const known = this.#known.get(next);
    if (known) return known;
    this.#observer?.looked(directory, name);
    const kind = this.#kindOf(directory, name);
    if (kind !== 'link') return this.#remember(next, { path: next, kind });
    if (links >= MAX_LINKS) throw new FsError('link-loop', next, `more than ${MAX_LINKS} links`);
    const link = attempt(next, () => this.#readLink(next));
    if (link === undefined) return { path: next, kind: undefined };
    return this.#remember(
      next,
      this.resolve(link.startsWith('/') ? link : below(directory, link), links + 1),
    );
  }

  #readLink(path: string): string {
    const link = readlinkSync(this.#host(path));
    if (this.#windows) return linkFromWindows(link, this.#windows === 'drives');
    // Perhaps not UTF-8: then the bytes count.
    return link.includes('\ufffd')
      ? decodePath(readlinkSync(this.#host(path), { encoding: 'buffer' }))
      : link;
  }

  /** What a name in a directory is, without following it; undefined when there is none. */
  #kindOf(directory: string, name: string): DirectoryEntry['kind'] | undefined {
    if (this.#windows && !isWindowsName(name)) {
      const isDrive =
        this.#windows === 'drives' && directory === '/' && toWindowsPath(`/${name}`) !== undefined;
      if (!isDrive) return undefined;
    }
    const listing = this.#listings.get(directory);
    const listed = listing?.kinds.get(name);
    if (listed) return listed;
    if (listing && !listing.folded.has(name.toLowerCase())) return undefined;
    const stat = this.#lstat(below(directory, name));
    return stat && entryKind(stat);
  }

  #remember(path: string, resolved: Resolved): Resolved {
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(path, resolved);
    return resolved;
  }

  #lstat(path: string): Stats | undefined {
    if (this.#windows === 'drives' && toWindowsPath(path) === undefined) return undefined;
    return attempt(path, () => lstatSync(this.#host(path), { throwIfNoEntry: false }));
  }

  /** A name that is not UTF-8 has to be handed to the system as bytes. */
  #host(path: string): string | Buffer {
    if (this.#windows === 'drives') return toWindowsPath(path) ?? path;
    const full = this.#root + path;
    return /[\udc80-\udcff]/.test(full) ? encodePath(full) : full;
  }
}

function below(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function readDescriptor(descriptor: number, path: string, maxBytes: number): Uint8Array {
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) throw new FsError('not-a-file', path, 'not a regular file');
  if (stat.size > maxBytes) {
    throw new FsError('too-large', path, `file of ${stat.size} bytes, more than the limit of ${maxBytes}`);
  }
  let buffer = Buffer.allocUnsafe(stat.size || 4096);
  let length = 0;
  for (;;) {
    const got = readSync(descriptor, buffer, length, buffer.length - length, null);
    length += got;
    if (got === 0 || (stat.size > 0 && length === stat.size)) return buffer.subarray(0, length);
    if (length > maxBytes) throw new FsError('too-large', path, `more than the limit of ${maxBytes} bytes`);
    if (length === buffer.length) {
      // A virtual file, which says it is empty.
      buffer = Buffer.concat([buffer], Math.min(buffer.length * 2, maxBytes + 1));
    }
  }
}

function openDescriptor(descriptor: number, path: string): OpenFile {
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) {
    closeSync(descriptor);
    throw new FsError('not-a-file', path, 'not a regular file');
  }
  return {
    size: stat.size,
    read: (into, offset) => {
      let length = 0;
      while (length < into.length) {
        const got = attempt(path, () =>
          readSync(descriptor, into, length, into.length - length, offset + length),
        );
        if (!got) break;
        length += got;
      }
      return length;
    },
    close: () => closeSync(descriptor),
  };
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
