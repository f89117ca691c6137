/** The merged layers of an image as a file system. */

import {
  FsError,
  MAX_FILE_BYTES,
  type DirectoryEntry,
  type FileStat,
  type OpenFile,
  type ReadFs,
} from '../core/target.ts';
import type { Contents } from './contents.ts';
import { KIND } from './entries.ts';
import { fromLatin1, toLatin1 } from './latin1.ts';
import type { MergedTree } from './merged-tree.ts';

/** PATH_MAX of Linux; a longer path comes from a hostile file. */
const MAX_PATH = 4096;
/** Paths remembered at most; a scan asks for the same few again and again. */
const MAX_KNOWN = 20_000;
/** Names in directories that were listed, remembered at most. */
const MAX_LISTED = 20_000;

type Found = number | undefined | 'loop';

export class ImageFs implements ReadFs {
  readonly #tree: MergedTree;
  readonly #contents: Contents;
  readonly #known = new Map<string, Found>();
  readonly #listings = new Map<number, readonly DirectoryEntry[]>();
  #listed = 0;

  constructor(tree: MergedTree, contents: Contents) {
    this.#tree = tree;
    this.#contents = contents;
  }

  stat(path: string): FileStat | undefined {
    const node = this.#find(path);
    if (node === undefined) return undefined;
    const { entries } = this.#tree;
    const entry = this.#tree.at(node);
    return {
      kind: kindOf(entries.kind(entry)),
      size: entries.sizeOf(entry),
      modified: entries.modified(entry),
      uid: entries.uid(entry),
      mode: entries.mode(entry),
    };
  }

  kind(path: string): FileStat['kind'] | undefined {
    const node = this.#find(path);
    return node === undefined ? undefined : kindOf(this.#tree.kindAt(node));
  }

  realPath(path: string): string | undefined {
    const node = this.#find(path);
    return node === undefined ? undefined : fromLatin1(this.#tree.path(node));
  }

  list(path: string): readonly DirectoryEntry[] {
    const node = this.#find(path);
    if (node === undefined || this.#tree.kindAt(node) !== KIND.directory) return [];
    const known = this.#listings.get(node);
    if (known) return known;
    const entries = Array.from(this.#tree.children(node), (child) => ({
      name: fromLatin1(this.#tree.names.name(child)),
      kind: listedKind(this.#tree.kindAt(child)),
    })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    if (this.#listed + entries.length <= MAX_LISTED) {
      this.#listed += entries.length;
      this.#listings.set(node, entries);
    }
    return entries;
  }

  read(path: string, maxBytes = MAX_FILE_BYTES): Uint8Array | undefined {
    const entry = this.#file(path);
    if (entry === undefined) return undefined;
    const size = this.#tree.entries.sizeOf(entry);
    if (size > maxBytes) {
      throw new FsError('too-large', path, `file of ${size} bytes, more than the limit of ${maxBytes}`);
    }
    return this.#contents.read(entry, path);
  }

  open(path: string): OpenFile | undefined {
    const entry = this.#file(path);
    if (entry === undefined) return undefined;
    const source = this.#contents.open(entry, path);
    return {
      size: source.size,
      read: (into, offset) => {
        const length = source.read(into, offset);
        if (length < Math.min(into.length, source.size - offset)) {
          throw new FsError('io', path, 'its archive is cut off');
        }
        return length;
      },
      close: () => undefined,
    };
  }

  /** The layer whose archive has the bytes of a file. */
  layerOf(path: string): number | undefined {
    const known = path.length > MAX_PATH ? undefined : this.#resolve(path);
    return typeof known === 'number' ? this.#tree.layerAt(known) : undefined;
  }

  /** The entry of a regular file. */
  #file(path: string): number | undefined {
    const node = this.#find(path);
    if (node === undefined) return undefined;
    switch (this.#tree.kindAt(node)) {
      case KIND.file:
      case KIND.sparse:
        return this.#tree.at(node);
      default:
        throw new FsError('not-a-file', path, 'not a regular file');
    }
  }

  #find(path: string): number | undefined {
    if (path.length > MAX_PATH) return undefined;
    const node = this.#resolve(path);
    if (node === 'loop') throw new FsError('link-loop', path, 'too many links');
    return node;
  }

  #resolve(path: string): Found {
    if (this.#known.has(path)) return this.#known.get(path);
    const slash = path.lastIndexOf('/');
    const parent = slash > 0 ? this.#known.get(path.slice(0, slash)) : undefined;
    // Beside what was looked up before, only the last part is new.
    const found =
      typeof parent === 'number'
        ? this.#tree.lookUp(toLatin1(path.slice(slash + 1)), parent)
        : this.#tree.lookUp(toLatin1(path));
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(path, found);
    return found;
  }
}

function kindOf(kind: number): FileStat['kind'] {
  if (kind === KIND.file || kind === KIND.sparse) return 'file';
  return kind === KIND.directory ? 'directory' : 'other';
}

function listedKind(kind: number): DirectoryEntry['kind'] {
  return kind === KIND.link ? 'link' : kindOf(kind);
}
