/**
 * What is there when layers are applied one upon the other, as container runtimes do it: whiteouts hide what lower
 * layers gave, then the layer's own entries come. Nothing is ever placed outside of the root.
 */

import type { Complaint } from './complaints.ts';
import { IMPLIED, KIND, NOTHING, type Entries } from './entries.ts';
import type { LayerIndex } from './layer-index.ts';
import { NONE, ROOT, type Names } from './names.ts';

/** As many as Linux follows. */
const MAX_LINKS = 40;
/** Parts of one path with all its links, and of all paths that merging follows; real images need a thousandth. */
const MAX_PARTS = 10_000;
const MAX_STEPS = 20_000_000;

/** Where a path leads: a node that need not exist, or why there is none. */
type Found = number | 'below-file' | 'below-loop' | 'too-many';

export class MergedTree {
  readonly names: Names;
  readonly entries: Entries;
  /** For each name, the entry that is there; {@link NOTHING} when it is not in the image. */
  #entry: Uint32Array;
  /** What is there in a directory, as a list linked in both directions. */
  #first: Uint32Array;
  #next: Uint32Array;
  #previous: Uint32Array;
  #steps = 0;
  /** What paths are looked up from: in images of Windows a directory below the root of the layers. */
  root = ROOT;

  constructor(names: Names, entries: Entries) {
    this.names = names;
    this.entries = entries;
    const room = names.count + 1024;
    this.#entry = new Uint32Array(room);
    this.#first = new Uint32Array(room);
    this.#next = new Uint32Array(room);
    this.#previous = new Uint32Array(room);
    this.#entry[ROOT] = IMPLIED;
  }

  /** Bytes of memory. */
  get size(): number {
    return this.#entry.byteLength * 4;
  }

  /** The entry that is there; {@link NOTHING} for none. */
  at(node: number): number {
    return this.#entry[node] ?? NOTHING;
  }

  kindAt(node: number): number {
    const entry = this.at(node);
    return entry === NOTHING ? NOTHING : this.entries.kind(entry);
  }

  /** The path as seen from {@link root}, one character per byte. */
  path(node: number): string {
    const below = this.names.path(node);
    return this.root === ROOT ? below : below.slice(this.names.path(this.root).length) || '/';
  }

  /** The layer whose archive has what is there; undefined for a directory that no archive has. */
  layerAt(node: number): number | undefined {
    const entry = this.at(node);
    return entry === NOTHING || entry === IMPLIED ? undefined : this.entries.layer(entry);
  }

  *children(directory: number): Generator<number> {
    for (let node = this.#first[directory] ?? NONE; node !== NONE; node = this.#next[node] ?? NONE)
      yield node;
  }

  /** Applies a layer above those that were applied before. */
  apply(layer: LayerIndex): void {
    this.#hide(layer);
    let lastRaw = NONE;
    let lastReal = NONE;
    const complain = (complaint: Complaint, node: number): void =>
      layer.complaints.add(complaint, this.names.path(node));
    for (const entry of layer.entries()) {
      const kind = this.entries.kind(entry);
      if (kind === KIND.whiteout || kind === KIND.opaque) continue;
      const node = this.entries.node(entry);
      if (node === ROOT) {
        if (kind === KIND.directory) this.#entry[ROOT] = entry;
        else complain('root', node);
        continue;
      }
      const raw = this.names.parent(node);
      // A directory that is there was reached without links.
      const isSame =
        raw === lastRaw && this.kindAt(lastReal) === KIND.directory && this.kindAt(raw) === NOTHING;
      const parent = isSame ? lastReal : this.#makeDirectory(raw);
      if (typeof parent === 'string') {
        complain(parent, node);
        continue;
      }
      lastRaw = raw;
      lastReal = parent;
      const place = parent === raw ? node : this.names.intern(parent, this.names.name(node));
      if (place === NONE) complain('too-many', node);
      else if (kind !== KIND.hardLink) this.#put(place, entry);
      else if (!this.#putHardLink(place, entry)) complain('hard-link', node);
    }
  }

  /** Follows every link of a path from `directory` on. Undefined when nothing is there, `loop` after 40 links. */
  lookUp(path: string, directory = this.root): number | undefined | 'loop' {
    this.#steps = 0;
    const found = this.#follow(path, directory, false);
    if (found === 'below-loop') return 'loop';
    return typeof found === 'number' && this.at(found) !== NOTHING ? found : undefined;
  }

  /** Applies the layer's whiteouts to what lower layers gave. */
  #hide(layer: LayerIndex): void {
    let ownDirectories: ReadonlySet<number> | undefined;
    for (const entry of layer.entries()) {
      const kind = this.entries.kind(entry);
      if (kind !== KIND.whiteout && kind !== KIND.opaque) continue;
      const node = this.entries.node(entry);
      // Where a link of a lower layer gives way to a directory, the whiteouts in it are about that directory.
      const isOwn = (each: number): boolean => {
        ownDirectories ??= this.#directoriesOverLinks(layer);
        return ownDirectories.has(each);
      };
      const directory = this.#existing(kind === KIND.opaque ? node : this.names.parent(node), isOwn);
      if (typeof directory === 'string') {
        layer.complaints.add(directory, this.names.path(node));
        continue;
      }
      if (directory === NONE) continue;
      if (kind === KIND.opaque) {
        this.#removeBelow(directory);
      } else {
        const hidden = this.names.find(directory, this.names.name(node));
        if (hidden !== NONE && this.at(hidden) !== NOTHING) this.#remove(hidden);
      }
    }
  }

  #directoriesOverLinks(layer: LayerIndex): ReadonlySet<number> {
    const found = new Set<number>();
    for (const entry of layer.entries()) {
      const node = this.entries.node(entry);
      if (this.entries.kind(entry) === KIND.directory && this.kindAt(node) === KIND.link) found.add(node);
    }
    return found;
  }

  /** The directory that a name leads to in what is there; {@link NONE} when there is none. */
  #existing(raw: number, isOwn: (node: number) => boolean): number | 'too-many' {
    if (this.kindAt(raw) === KIND.directory) return raw;
    for (let node = raw; node !== ROOT; node = this.names.parent(node)) {
      if (this.kindAt(node) === KIND.link && isOwn(node)) return NONE;
    }
    const found = this.#follow(this.names.path(raw), ROOT, false);
    if (typeof found === 'string') return found === 'too-many' ? found : NONE;
    return this.kindAt(found) === KIND.directory ? found : NONE;
  }

  /** The directory that a name leads to, made where it is missing. */
  #makeDirectory(raw: number): Found {
    if (this.kindAt(raw) === KIND.directory) return raw;
    return this.#follow(this.names.path(raw), ROOT, true);
  }

  /** Follows links inside of the root. With `make`, what is missing on the way becomes a directory. */
  #follow(path: string, from: number, make: boolean): Found {
    let links = 0;
    let steps = 0;
    let node = path.startsWith('/') ? this.root : from;
    const parts = path.split('/').toReversed();
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      if (part === '' || part === '.') continue;
      if (++steps > MAX_PARTS) return 'below-loop';
      if (++this.#steps > MAX_STEPS) return 'too-many';
      const kind = this.kindAt(node);
      if (kind !== KIND.directory) return kind === NOTHING ? NONE : 'below-file';
      if (part === '..') {
        if (node !== this.root) node = this.names.parent(node);
        continue;
      }
      const child = make ? this.names.intern(node, part) : this.names.find(node, part);
      if (child === NONE) return make ? 'too-many' : NONE;
      if (this.kindAt(child) !== KIND.link) {
        if (make && this.at(child) === NOTHING) this.#put(child, IMPLIED);
        node = child;
        continue;
      }
      if (++links > MAX_LINKS) return 'below-loop';
      const target = this.names.texts.get(this.entries.link(this.at(child)));
      if (target.startsWith('/')) node = this.root;
      parts.push(...target.split('/').toReversed());
    }
    return make && this.kindAt(node) !== KIND.directory ? 'below-file' : node;
  }

  /** A hard link is one more name of what its target is at that moment. Its own last part is not followed. */
  #putHardLink(place: number, entry: number): boolean {
    const link = this.names.texts.get(this.entries.link(entry)).replace(/\/+$/, '');
    const slash = link.lastIndexOf('/');
    const directory = this.#follow(`/${link.slice(0, Math.max(slash, 0))}`, ROOT, false);
    if (typeof directory !== 'number' || link.split('/').includes('..')) return false;
    const target = this.names.find(directory, link.slice(slash + 1));
    const kind = this.kindAt(target);
    if (target === NONE || kind === NOTHING || kind === KIND.directory) return false;
    if (target !== place) this.#put(place, this.at(target));
    return true;
  }

  /** A directory over a directory keeps what is in it; everything else replaces what was there. */
  #put(node: number, entry: number): void {
    this.#makeRoom(node);
    if (this.at(node) !== NOTHING) {
      const stays = this.kindAt(node) === KIND.directory && this.entries.kind(entry) === KIND.directory;
      if (!stays) this.#removeBelow(node);
      this.#entry[node] = entry;
      return;
    }
    const parent = this.names.parent(node);
    const first = this.#first[parent] ?? NONE;
    this.#entry[node] = entry;
    this.#next[node] = first;
    this.#previous[node] = NONE;
    if (first !== NONE) this.#previous[first] = node;
    this.#first[parent] = node;
  }

  #remove(node: number): void {
    this.#removeBelow(node);
    const next = this.#next[node] ?? NONE;
    const previous = this.#previous[node] ?? NONE;
    if (next !== NONE) this.#previous[next] = previous;
    if (previous === NONE) this.#first[this.names.parent(node)] = next;
    else this.#next[previous] = next;
    this.#entry[node] = NOTHING;
  }

  #removeBelow(directory: number): void {
    // Not by recursion: a hostile tree is two thousand directories deep.
    const open = [directory];
    for (let each = open.pop(); each !== undefined; each = open.pop()) {
      for (const node of this.children(each)) {
        this.#entry[node] = NOTHING;
        if (this.#first[node] !== NONE) open.push(node);
      }
      this.#first[each] = NONE;
    }
  }

  /** Merging may add names: those that lie behind links. */
  #makeRoom(node: number): void {
    if (node < this.#entry.length) return;
    const room = Math.max(node + 1, this.#entry.length + (this.#entry.length >> 2));
    this.#entry = grown(this.#entry, room);
    this.#first = grown(this.#first, room);
    this.#next = grown(this.#next, room);
    this.#previous = grown(this.#previous, room);
  }
}

function grown(column: Uint32Array, length: number): Uint32Array {
  const larger = new Uint32Array(length);
  larger.set(column);
  return larger;
}
