/** A file system as it would be with other contents in some of its files. */

import {
  FsError,
  MAX_FILE_BYTES,
  type DirectoryEntry,
  type FileStat,
  type OpenFile,
  type ReadFs,
} from '../core/target.ts';

export class OverlayFs implements ReadFs {
  readonly #base: ReadFs;
  /** By path without links; null for a file that is gone. */
  readonly #contents: ReadonlyMap<string, Uint8Array | null>;
  /** Directories that only exist for a new file. */
  readonly #made: ReadonlySet<string>;

  constructor(base: ReadFs, contents: ReadonlyMap<string, Uint8Array | null>) {
    this.#base = base;
    this.#contents = contents;
    const made = new Set<string>();
    for (const [path, content] of contents) {
      if (content === null) continue;
      for (let at = parentOf(path); base.kind(at) === undefined; at = parentOf(at)) made.add(at);
    }
    this.#made = made;
  }

  /** The path without links, as far as it exists, and what lies there. */
  #find(path: string): { readonly path: string; readonly content?: Uint8Array | null } {
    const real = this.#base.realPath(path) ?? this.#realParent(path);
    const content = this.#contents.get(real);
    return content === undefined ? { path: real } : { path: real, content };
  }

  #realParent(path: string): string {
    const parent = parentOf(path);
    const real = this.#base.realPath(parent) ?? (parent === path ? '/' : this.#realParent(parent));
    return joined(real, path.slice(path.lastIndexOf('/') + 1));
  }

  stat(path: string): FileStat | undefined {
    const found = this.#find(path);
    const base = this.#base.stat(path);
    if (found.content === null) return undefined;
    if (found.content) return { kind: 'file', modified: 0, ...base, size: found.content.length };
    return base ?? (this.#made.has(found.path) ? { kind: 'directory', size: 0, modified: 0 } : undefined);
  }

  kind(path: string): FileStat['kind'] | undefined {
    return this.stat(path)?.kind;
  }

  realPath(path: string): string | undefined {
    return this.kind(path) === undefined ? undefined : this.#find(path).path;
  }

  list(path: string): readonly DirectoryEntry[] {
    const directory = this.#find(path).path;
    const entries = new Map(this.#base.list(path).map((entry) => [entry.name, entry]));
    const below = (each: string): string | undefined =>
      parentOf(each) === directory ? each.slice(each.lastIndexOf('/') + 1) : undefined;
    for (const [file, content] of this.#contents) {
      const name = below(file);
      if (name === undefined) continue;
      if (content === null) entries.delete(name);
      else entries.set(name, { name, kind: 'file' });
    }
    for (const made of this.#made) {
      const name = below(made);
      if (name !== undefined) entries.set(name, { name, kind: 'directory' });
    }
    return [...entries.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  read(path: string, maxBytes = MAX_FILE_BYTES): Uint8Array | undefined {
    const { content } = this.#find(path);
    if (content === undefined) return this.#base.read(path, maxBytes);
    if (content === null) return undefined;
    if (content.length > maxBytes) throw new FsError('too-large', path, `file of ${content.length} bytes`);
    return content;
  }

  open(path: string): OpenFile | undefined {
    const { content } = this.#find(path);
    if (content === undefined) return this.#base.open(path);
    if (content === null) return undefined;
    return {
      size: content.length,
      read: (into, offset) => {
        const part = content.subarray(offset, offset + into.length);
        into.set(part);
        return part.length;
      },
      close: () => undefined,
    };
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function joined(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}
