/** The registry of Windows as a hive (regf), written cell by cell. */

import { u32 } from './windows-forms.ts';

const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
};
/** Keys by name: values (bytes, or a number for a REG_DWORD) and further keys. */
export interface HiveKey {
  readonly values?: Readonly<Record<string, Uint8Array | number>>;
  readonly keys?: Readonly<Record<string, HiveKey>>;
}

/** `a\b\c` to the key there, as a tree. */
export function tree(paths: Readonly<Record<string, HiveKey['values']>>): HiveKey {
  interface Made {
    values: NonNullable<HiveKey['values']>;
    readonly keys: Record<string, Made>;
  }
  const root: Made = { values: {}, keys: {} };
  for (const [path, values = {}] of Object.entries(paths)) {
    let key = root;
    for (const part of path.split('\\')) key = key.keys[part] ??= { values: {}, keys: {} };
    key.values = values;
  }
  return root;
}

export interface HiveOptions {
  /** 3 to 6; big data from 4 on. */
  readonly minor?: number;
  /** Signature of the lists of keys. */
  readonly list?: 'lf' | 'lh' | 'li' | 'ri';
  readonly sequences?: readonly [number, number];
}

const NONE = 0xffffffff;
const SEGMENT = 16344;

/** A hive with one bin, in the form of Windows. */
export function makeHive(root: HiveKey, options: HiveOptions = {}): Buffer {
  const { minor = 5, sequences = [1, 1] } = options;
  const writer = new CellWriter(options);
  const offset = writer.key('ROOT', root, NONE, true);
  const bins = writer.bins();
  const base = Buffer.alloc(4096);
  base.write('regf', 0, 'latin1');
  base.writeUInt32LE(sequences[0], 4);
  base.writeUInt32LE(sequences[1], 8);
  base.writeUInt32LE(1, 20);
  base.writeUInt32LE(minor, 24);
  base.writeUInt32LE(1, 32);
  base.writeUInt32LE(offset, 36);
  base.writeUInt32LE(bins.length, 40);
  base.writeUInt32LE(1, 44);
  let sum = 0;
  for (let at = 0; at < 508; at += 4) sum ^= base.readInt32LE(at);
  base.writeUInt32LE(sum >>> 0, 508);
  return Buffer.concat([base, bins]);
}

class CellWriter {
  readonly #cells: Buffer[] = [];
  readonly #options: HiveOptions;
  #next = 32;

  constructor(options: HiveOptions) {
    this.#options = options;
  }

  cell(...parts: readonly Uint8Array[]): number {
    const body = Buffer.concat(parts);
    const size = Math.ceil((body.length + 4) / 8) * 8;
    const bytes = Buffer.alloc(size);
    bytes.writeInt32LE(-size);
    body.copy(bytes, 4);
    this.#cells.push(bytes);
    const offset = this.#next;
    this.#next += size;
    return offset;
  }

  /** Keys come before what they hold, so that the root lies in the same place in every hive. */
  key(name: string, { values = {}, keys = {} }: HiveKey, parent: number, isRoot = false): number {
    const isLatin1 = /^[\0-\xff]*$/.test(name);
    const encoded = Buffer.from(name, isLatin1 ? 'latin1' : 'utf16le');
    const offset = this.cell(Buffer.alloc(76), encoded);
    const record = this.#cells.at(-1)?.subarray(4) ?? Buffer.alloc(76);
    const children = Object.entries(keys).map(([child, key]) => this.key(child, key, offset));
    const valueOffsets = Object.entries(values).map(([value, data]) => this.value(value, data));
    record.write('nk', 0, 'latin1');
    record.writeUInt16LE((isLatin1 ? 0x20 : 0) | (isRoot ? 4 : 0), 2);
    record.writeUInt32LE(parent, 16);
    record.writeUInt32LE(children.length, 20);
    record.writeUInt32LE(children.length === 0 ? NONE : this.#list(children), 28);
    record.writeUInt32LE(NONE, 32);
    record.writeUInt32LE(valueOffsets.length, 36);
    record.writeUInt32LE(valueOffsets.length === 0 ? NONE : this.cell(...valueOffsets.map(u32)), 40);
    record.writeUInt16LE(encoded.length, 72);
    return offset;
  }

  #list(children: readonly number[]): number {
    const { list = 'lh' } = this.#options;
    if (list === 'ri') {
      const half = Math.ceil(children.length / 2);
      const leaves = [children.slice(0, half), children.slice(half)].filter((leaf) => leaf.length > 0);
      const offsets = leaves.map((leaf) => this.cell(Buffer.from('li'), u16(leaf.length), ...leaf.map(u32)));
      return this.cell(Buffer.from('ri'), u16(offsets.length), ...offsets.map(u32));
    }
    const entries = children.map((child) =>
      list === 'li' ? u32(child) : Buffer.concat([u32(child), u32(0)]),
    );
    return this.cell(Buffer.from(list), u16(children.length), ...entries);
  }

  value(name: string, data: Uint8Array | number): number {
    const isNumber = typeof data === 'number';
    const bytes = isNumber ? u32(data) : data;
    const isInline = bytes.length <= 4;
    const record = Buffer.alloc(20);
    record.write('vk', 0, 'latin1');
    const encoded = Buffer.from(name, 'latin1');
    record.writeUInt16LE(encoded.length, 2);
    record.writeUInt32LE((bytes.length | (isInline ? 0x80000000 : 0)) >>> 0, 4);
    if (isInline) record.set(bytes, 8);
    else record.writeUInt32LE(this.#data(bytes), 8);
    record.writeUInt32LE(isNumber ? 4 : 3, 12);
    record.writeUInt16LE(1, 16);
    return this.cell(record, encoded);
  }

  #data(bytes: Uint8Array): number {
    if (bytes.length <= SEGMENT || (this.#options.minor ?? 5) < 4) return this.cell(bytes);
    const segments: number[] = [];
    for (let at = 0; at < bytes.length; at += SEGMENT)
      segments.push(this.cell(bytes.subarray(at, at + SEGMENT)));
    const list = this.cell(...segments.map(u32));
    return this.cell(Buffer.from('db'), u16(segments.length), u32(list));
  }

  bins(): Buffer {
    const used = Buffer.concat(this.#cells);
    const size = Math.ceil((used.length + 40) / 4096) * 4096;
    const bins = Buffer.alloc(size);
    bins.write('hbin', 0, 'latin1');
    bins.writeUInt32LE(size, 8);
    used.copy(bins, 32);
    // What is left is one free cell.
    bins.writeInt32LE(size - 32 - used.length, 32 + used.length);
    return bins;
  }
}
