/** The entries of all layers, in the order in which they were read, in columns: 29 bytes for each. */

/** What an entry is. `implied` directories are those that no archive has, but a path leads through. */
export const KIND = {
  file: 1,
  sparse: 2,
  directory: 3,
  link: 4,
  hardLink: 5,
  other: 6,
  whiteout: 7,
  opaque: 8,
} as const;

export type Kind = (typeof KIND)[keyof typeof KIND];

/** No entry. */
export const NOTHING = 0;
/** A directory that no archive has, but a path leads through. */
export const IMPLIED = 1;

const PAGE_BITS = 12;
const PAGE = 1 << PAGE_BITS;
const BLOCK = 512;
/** An archive may be as long as this: 2 TiB. */
export const MAX_OFFSET = 2 ** 32 * BLOCK;

class EntryPage {
  readonly node = new Uint32Array(PAGE);
  readonly size = new Float64Array(PAGE);
  readonly place = new Uint32Array(PAGE);
  readonly modified = new Uint32Array(PAGE);
  readonly uid = new Uint32Array(PAGE);
  readonly mode = new Uint16Array(PAGE);
  readonly layer = new Uint16Array(PAGE);
  readonly kind = new Uint8Array(PAGE);
}

export interface EntryFields {
  readonly node: number;
  readonly kind: Kind;
  readonly layer: number;
  readonly size: number;
  /** Of a file: where its content begins in the archive. Of a link: the place of its target in the texts. */
  readonly place: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  readonly uid: number;
  readonly mode: number;
}

export class Entries {
  readonly #pages: EntryPage[] = [];
  /** How many there are; the next one gets this number. */
  count = 0;

  constructor() {
    const nothing = { node: 0, layer: 0xffff, size: 0, place: 0, modified: 0, uid: 0, mode: 0o755 };
    this.add({ ...nothing, kind: KIND.other });
    this.add({ ...nothing, kind: KIND.directory });
  }

  /** Bytes of memory, about. */
  get size(): number {
    return this.count * 29;
  }

  add(fields: EntryFields): number {
    const entry = this.count++;
    const at = entry & (PAGE - 1);
    const page = at === 0 ? new EntryPage() : this.#pages[entry >>> PAGE_BITS];
    if (!page) return NOTHING;
    if (at === 0) this.#pages.push(page);
    const { kind } = fields;
    page.node[at] = fields.node;
    page.kind[at] = kind;
    page.layer[at] = fields.layer;
    page.size[at] = fields.size;
    page.place[at] = kind === KIND.file ? fields.place / BLOCK : fields.place;
    page.modified[at] = Math.min(Math.max(fields.modified / 1000, 0), 0xffff_ffff);
    page.uid[at] = fields.uid;
    page.mode[at] = fields.mode;
    return entry;
  }

  node(entry: number): number {
    return this.#page(entry).node[entry & (PAGE - 1)] ?? 0;
  }

  kind(entry: number): number {
    return this.#page(entry).kind[entry & (PAGE - 1)] ?? KIND.other;
  }

  layer(entry: number): number {
    return this.#page(entry).layer[entry & (PAGE - 1)] ?? 0;
  }

  sizeOf(entry: number): number {
    return this.#page(entry).size[entry & (PAGE - 1)] ?? 0;
  }

  /** Where a file's content begins in the archive of its layer. */
  offset(entry: number): number {
    return this.link(entry) * BLOCK;
  }

  /** The place of a link's target in the texts. */
  link(entry: number): number {
    return this.#page(entry).place[entry & (PAGE - 1)] ?? 0;
  }

  /** Milliseconds since 1970. */
  modified(entry: number): number {
    return (this.#page(entry).modified[entry & (PAGE - 1)] ?? 0) * 1000;
  }

  uid(entry: number): number {
    return this.#page(entry).uid[entry & (PAGE - 1)] ?? 0;
  }

  mode(entry: number): number {
    return this.#page(entry).mode[entry & (PAGE - 1)] ?? 0;
  }

  #page(entry: number): EntryPage {
    const page = this.#pages[entry >>> PAGE_BITS];
    if (!page) throw new RangeError(`no entry ${entry}`);
    return page;
  }
}
