/**
 * The entries of one layer as its archive has them: names cleaned, whiteouts (OCI image specification, "Layer
 * Filesystem Changeset") told apart. What lies where in the end is decided when layers are merged.
 */

import type { TarEntry } from '../formats/tar.ts';
import { Complaints, type Complaint } from './complaints.ts';
import { KIND, MAX_OFFSET, NOTHING, type Entries, type Kind } from './entries.ts';
import { toLatin1 } from './latin1.ts';
import { MAX_ENTRIES, NONE, ROOT, type Names } from './names.ts';

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** What aufs keeps for itself: `.wh..wh.plnk`, `.wh..wh.orph`, `.wh..wh.aufs`. */
const AUFS = '.wh..wh.';
/** PATH_MAX and NAME_MAX of Linux. */
const MAX_PATH = 4096;
const MAX_NAME = 255;

const KINDS: Readonly<Record<TarEntry['kind'], Kind>> = {
  file: KIND.file,
  directory: KIND.directory,
  link: KIND.link,
  'hard-link': KIND.hardLink,
  whiteout: KIND.whiteout,
  other: KIND.other,
};

export class LayerIndex {
  readonly number: number;
  readonly complaints = new Complaints();
  /** Its entries are those from the first to before the second number, from the third to before the fourth … */
  readonly #runs: number[] = [];
  readonly #names: Names;
  readonly #entries: Entries;
  readonly #whiteouts: boolean;
  #lastParent = '';
  #lastParentNode = ROOT;

  /** `whiteouts`: names with `.wh.` hide others. On a disk they are names like any other. */
  constructor(number: number, names: Names, entries: Entries, { whiteouts = true } = {}) {
    this.number = number;
    this.#whiteouts = whiteouts;
    this.#names = names;
    this.#entries = entries;
  }

  /** In the order of the archive. */
  *entries(): Generator<number> {
    for (let run = 0; run < this.#runs.length; run += 2) {
      const end = this.#runs[run + 1] ?? 0;
      for (let entry = this.#runs[run] ?? 0; entry < end; entry++) yield entry;
    }
  }

  /** The number that the entry got; {@link NOTHING} for what is no entry of the image's files. */
  add(entry: TarEntry): number {
    const path = toLatin1(entry.path);
    const cut = this.#split(path);
    if (typeof cut === 'string') return this.#refuse(cut, path);
    const { parent, name } = cut;
    if (this.#whiteouts && name.startsWith(WHITEOUT)) {
      this.#addWhiteout(parent, name, path);
      return NOTHING;
    }
    if (name.length > MAX_NAME) return this.#refuse('long', path);
    const node = name === '' ? parent : this.#names.intern(parent, name);
    const kind = KINDS[entry.kind];
    if (entry.opaque && kind === KIND.directory) this.#store(node, KIND.opaque, path);
    const added = this.#store(node, kind, path, entry);
    return kind === KIND.file && !entry.sparse ? added : NOTHING;
  }

  /** Where it lies and what it is called there; the name is empty for the root. */
  #split(path: string): { readonly parent: number; readonly name: string } | Complaint | 'aufs' {
    let end = path.length;
    while (end > 0 && path.charCodeAt(end - 1) === SLASH) end--;
    const slash = path.lastIndexOf('/', end - 1);
    const name = path.slice(slash + 1, end);
    if (end > MAX_PATH) return 'long';
    if (name === '..') return 'parent-parts';
    if (name.includes('\0')) return 'nul';
    const parentPath = slash < 0 || end === 0 ? '' : path.slice(0, slash);
    // Most entries lie beside the one before.
    const parent = parentPath === this.#lastParent ? this.#lastParentNode : this.#directory(parentPath);
    if (typeof parent === 'string') return parent;
    this.#lastParent = parentPath;
    this.#lastParentNode = parent;
    if (name !== '' && name !== '.') return { parent, name };
    // "usr/." is usr itself.
    return parent === ROOT
      ? { parent: ROOT, name: '' }
      : { parent: this.#names.parent(parent), name: this.#names.name(parent) };
  }

  #directory(path: string): number | Complaint | 'aufs' {
    let node = ROOT;
    for (const name of path.split('/')) {
      if (name === '' || name === '.') continue;
      if (name === '..') return 'parent-parts';
      if (name.length > MAX_NAME) return 'long';
      if (name.includes('\0')) return 'nul';
      if (this.#whiteouts && name.startsWith(AUFS)) return 'aufs';
      node = this.#names.intern(node, name);
      if (node === NONE) return 'too-many';
    }
    return node;
  }

  #addWhiteout(parent: number, name: string, path: string): void {
    if (name === OPAQUE) {
      this.#store(parent, KIND.opaque, path);
    } else if (!name.startsWith(AUFS)) {
      const hidden = name.slice(WHITEOUT.length);
      if (hidden === '') this.complaints.add('empty-whiteout', path);
      else if (hidden === '.' || hidden === '..') this.complaints.add('parent-parts', path);
      else if (hidden.length > MAX_NAME) this.complaints.add('long', path);
      else this.#store(this.#names.intern(parent, hidden), KIND.whiteout, path);
    }
  }

  #refuse(complaint: Complaint | 'aufs', path: string): number {
    if (complaint !== 'aufs') this.complaints.add(complaint, path);
    return NOTHING;
  }

  #store(node: number, kind: Kind, path: string, entry?: TarEntry): number {
    const { texts } = this.#names;
    const isLink = kind === KIND.link || kind === KIND.hardLink;
    const link = isLink ? toLatin1(entry?.link ?? '') : '';
    if (link.length > MAX_PATH) return this.#refuse('long', path);
    if (node === NONE || this.#entries.count >= MAX_ENTRIES || (entry?.offset ?? 0) >= MAX_OFFSET) {
      return this.#refuse('too-many', path);
    }
    const added = this.#entries.add({
      node,
      kind: entry?.sparse ? KIND.sparse : kind,
      layer: this.number,
      size: entry?.size ?? 0,
      place: isLink ? texts.add(link) : (entry?.offset ?? 0),
      modified: entry?.modified ?? 0,
      uid: entry?.uid ?? 0,
      mode: entry?.mode ?? 0,
    });
    if (this.#runs.at(-1) === added) this.#runs[this.#runs.length - 1] = added + 1;
    else this.#runs.push(added, added + 1);
    return added;
  }
}

const SLASH = 0x2f;
