/**
 * Every path that any layer of an image speaks of, each once: a name below a parent. What is there in the image as it
 * runs is told elsewhere (merged-tree.ts). In columns, because there may be two million of them.
 */

import { randomInt } from 'node:crypto';
import { Texts } from './texts.ts';

/** No name at all. */
export const NONE = 0;
/** `/` */
export const ROOT = 1;

const PAGE_BITS = 12;
const PAGE = 1 << PAGE_BITS;

interface NamePage {
  readonly parent: Uint32Array;
  readonly text: Uint32Array;
}

/** Names and entries of an image, at most; real images have a tenth of it. */
export const MAX_ENTRIES = 2_000_000;
/** Bytes of all names and link targets. */
const MAX_TEXT_BYTES = 96 << 20;

export class Names {
  readonly texts = new Texts();
  readonly #pages: NamePage[] = [];
  /** Open addressing; a power of two in size, at most three quarters full. */
  #table = new Uint32Array(1 << 12);
  /** So that nobody can make names that all fall into one place. */
  readonly #seed = randomInt(1, 0x7fff_ffff);
  /** How many there are; the next one gets this number. */
  count = 0;

  constructor() {
    this.#add(NONE, '');
    this.#add(ROOT, '');
  }

  /** Bytes of memory, about. */
  get size(): number {
    return this.texts.size + this.count * 8 + this.#table.byteLength;
  }

  parent(node: number): number {
    return this.#pages[node >>> PAGE_BITS]?.parent[node & (PAGE - 1)] ?? NONE;
  }

  /** One character per byte. */
  name(node: number): string {
    return this.texts.get(this.#text(node));
  }

  /** The path in one character per byte, `/` first. */
  path(node: number): string {
    const parts: string[] = [];
    for (let at = node; at > ROOT; at = this.parent(at)) parts.push(this.name(at));
    return `/${parts.toReversed().join('/')}`;
  }

  /** {@link NONE} when nobody ever spoke of it. */
  find(parent: number, name: string): number {
    const mask = this.#table.length - 1;
    for (let slot = this.#hash(parent, name) & mask; ; slot = (slot + 1) & mask) {
      const node = this.#table[slot] ?? NONE;
      if (node === NONE) return NONE;
      if (this.parent(node) === parent && this.texts.equals(this.#text(node), name)) return node;
    }
  }

  /** Finds or adds it; {@link NONE} when there are too many. */
  intern(parent: number, name: string): number {
    const found = this.find(parent, name);
    if (found !== NONE) return found;
    if (this.count >= MAX_ENTRIES || this.texts.size > MAX_TEXT_BYTES) return NONE;
    if (this.count * 4 > this.#table.length * 3) this.#grow();
    const node = this.#add(parent, name);
    this.#insert(node, this.#hash(parent, name));
    return node;
  }

  #add(parent: number, name: string): number {
    const node = this.count++;
    const at = node & (PAGE - 1);
    if (at === 0) this.#pages.push({ parent: new Uint32Array(PAGE), text: new Uint32Array(PAGE) });
    const page = this.#pages[node >>> PAGE_BITS];
    if (page) {
      page.parent[at] = parent;
      page.text[at] = this.texts.add(name);
    }
    return node;
  }

  #text(node: number): number {
    return this.#pages[node >>> PAGE_BITS]?.text[node & (PAGE - 1)] ?? 0;
  }

  #grow(): void {
    this.#table = new Uint32Array(this.#table.length * 2);
    for (let node = ROOT + 1; node < this.count; node++) {
      this.#insert(node, this.#hash(this.parent(node), this.name(node)));
    }
  }

  #insert(node: number, hash: number): void {
    const mask = this.#table.length - 1;
    let slot = hash & mask;
    while (this.#table[slot] !== NONE) slot = (slot + 1) & mask;
    this.#table[slot] = node;
  }

  #hash(parent: number, name: string): number {
    let hash = Math.imul(parent ^ this.#seed, 0x9e37_79b1);
    for (let i = 0; i < name.length; i++) {
      hash = Math.imul(hash ^ name.charCodeAt(i), 0x0100_0193);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash ^ (hash >>> 13), 0x85eb_ca6b);
    return (hash ^ (hash >>> 16)) >>> 0;
  }
}
