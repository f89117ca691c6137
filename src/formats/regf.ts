/**
 * Registry hives (SOFTWARE, NTUSER.DAT), read from their bytes: the public "Windows registry file format
 * specification" (M. Suhanov). Keys are read when they are asked for; free cells are never looked at.
 */

import { asBuffer } from '../core/bytes.ts';
import { FormatError, toDiagnostic, type Diagnostic, type ProblemCode } from '../core/errors.ts';
import type { RegistryKey, RegistryTree, RegistryValue } from './registry.ts';
import { BASE_BLOCK_BYTES, replayLogs } from './regf-log.ts';

/** The bytes of a hive and of the logs beside it, in any order. */
export interface HiveFiles {
  readonly hive: Uint8Array;
  readonly logs: readonly Uint8Array[];
}

/** Never throws; a hive that cannot be read has no root. Its diagnostics grow while keys are read. */
export function openHive({ hive, logs }: HiveFiles): RegistryTree {
  if (hive.length < BASE_BLOCK_BYTES || asBuffer(hive).toString('latin1', 0, 4) !== 'regf') {
    const [code, message]: [ProblemCode, string] =
      hive.length < BASE_BLOCK_BYTES
        ? ['truncated', 'no header of a hive']
        : ['malformed', 'no registry hive'];
    return { root: undefined, diagnostics: [{ level: 'error', code, message }] };
  }
  const { bytes, diagnostics } = replayLogs(hive, logs);
  const reader = new HiveReader(bytes, diagnostics);
  return { root: reader.root(), diagnostics: reader.diagnostics };
}

const NONE = 0xffffffff;
const MAX_DEPTH = 512;
/** Bounds for what a walk through the whole hive may touch: lists can name one key again and again. */
const MAX_KEYS = 1_000_000;
const MAX_VALUES = 1_000_000;
const MAX_VALUE_BYTES = 16 << 20;
const MAX_TOTAL_VALUE_BYTES = 256 << 20;
const MAX_DIAGNOSTICS = 100;
const MAX_NAME_BYTES = 64 << 10;
const MAX_SEGMENTS = 2048;
const SEGMENT_BYTES = 16344;
const INLINE = 0x80000000;
const NAME_IS_LATIN1_KEY = 0x20;
const NAME_IS_LATIN1_VALUE = 1;
const TOMBSTONE = 2;
const PREDEFINED_HANDLE = 0x40;

/** An allocated cell, without its size word. */
interface Cell {
  readonly start: number;
  readonly end: number;
}

interface KeyNode {
  readonly name: string;
  readonly offset: number;
  readonly flags: number;
  readonly subkeyCount: number;
  readonly subkeyList: number;
  readonly valueCount: number;
  readonly valueList: number;
  /** Offsets of the keys above: a list that leads back to one of them is a loop. */
  readonly above: readonly number[];
}

class HiveReader {
  readonly diagnostics: Diagnostic[];
  readonly #data: Buffer;
  readonly #end: number;
  #keys = 0;
  #values = 0;
  #valueBytes = 0;

  constructor(bytes: Uint8Array, diagnostics: readonly Diagnostic[]) {
    this.#data = asBuffer(bytes);
    this.diagnostics = [...diagnostics];
    const end = BASE_BLOCK_BYTES + this.#data.readUInt32LE(40);
    this.#end = Math.min(end, bytes.length);
    if (end > bytes.length) {
      this.#problem(new FormatError('truncated', `the hive ends ${end - bytes.length} bytes too early`));
    }
  }

  root(): RegistryKey | undefined {
    const found = this.#attempt(() => this.#readKey(this.#data.readUInt32LE(36), []));
    return found && this.#keyOf(found);
  }

  #keyOf(node: KeyNode): RegistryKey {
    return {
      name: node.name,
      subkeys: () => this.#subkeys(node),
      values: () => this.#valuesOf(node),
    };
  }

  *#subkeys(node: KeyNode): Generator<RegistryKey> {
    if (node.subkeyCount === 0 || node.subkeyList === NONE) return;
    const above = [...node.above, node.offset];
    for (const offset of this.#attempt(() => this.#subkeyOffsets(node.subkeyList)) ?? []) {
      if (!this.#within(++this.#keys, MAX_KEYS, 'keys')) return;
      const child = this.#attempt(() => this.#readKey(offset, above));
      if (child) yield this.#keyOf(child);
    }
  }

  /** Offsets of keys, through one level of lists of lists. A list that is damaged does not hide the others. */
  #subkeyOffsets(list: number): number[] {
    const { start, signature, entries } = this.#list(list);
    if (signature !== 'ri') return entries;
    const offsets: number[] = [];
    for (const leaf of entries) {
      this.#attempt(() => {
        const inner = this.#list(leaf);
        if (inner.signature === 'ri') throw new FormatError('malformed', 'nested list of keys', start);
        if (offsets.length + inner.entries.length > MAX_KEYS) {
          throw new FormatError('limit', `more than ${MAX_KEYS} keys in a list`, start);
        }
        for (const offset of inner.entries) offsets.push(offset);
      });
    }
    return offsets;
  }

  #list(offset: number): {
    readonly start: number;
    readonly signature: string;
    readonly entries: number[];
  } {
    const { start, end } = this.#cell(offset, 4);
    const signature = this.#data.toString('latin1', start, start + 2);
    const width = signature === 'lf' || signature === 'lh' ? 8 : 4;
    if (width === 4 && signature !== 'li' && signature !== 'ri') {
      throw new FormatError('malformed', 'list of keys with an unknown signature', start);
    }
    const count = this.#data.readUInt16LE(start + 2);
    if (start + 4 + count * width > end) {
      throw new FormatError('malformed', `list of ${count} keys does not fit its cell`, start);
    }
    const entries = Array.from({ length: count }, (_, i) => this.#data.readUInt32LE(start + 4 + i * width));
    return { start, signature, entries };
  }

  #readKey(offset: number, above: readonly number[]): KeyNode {
    const { start, end } = this.#cell(offset, 76);
    const data = this.#data;
    if (data.toString('latin1', start, start + 2) !== 'nk') {
      throw new FormatError('malformed', 'key without its signature', start);
    }
    if (above.includes(offset)) throw new FormatError('malformed', 'a key that contains itself', start);
    if (above.length >= MAX_DEPTH) throw new FormatError('limit', `keys nested ${MAX_DEPTH} deep`, start);
    const flags = data.readUInt16LE(start + 2);
    const name = this.#name(
      start + 76,
      data.readUInt16LE(start + 72),
      end,
      (flags & NAME_IS_LATIN1_KEY) !== 0,
    );
    return {
      name,
      offset,
      flags,
      subkeyCount: data.readUInt32LE(start + 20),
      subkeyList: data.readUInt32LE(start + 28),
      valueCount: data.readUInt32LE(start + 36),
      valueList: data.readUInt32LE(start + 40),
      above,
    };
  }

  *#valuesOf({ flags, valueCount, valueList }: KeyNode): Generator<RegistryValue> {
    if (valueCount === 0 || valueList === NONE || (flags & PREDEFINED_HANDLE) !== 0) return;
    const list = this.#attempt(() => {
      const cell = this.#cell(valueList, 4);
      const room = Math.floor((cell.end - cell.start) / 4);
      if (valueCount > room) {
        throw new FormatError('malformed', `list of ${valueCount} values does not fit its cell`, cell.start);
      }
      return cell;
    });
    if (!list) return;
    for (let i = 0; i < valueCount; i++) {
      if (!this.#within(++this.#values, MAX_VALUES, 'values')) return;
      const value = this.#attempt(() => this.#readValue(this.#data.readUInt32LE(list.start + i * 4)));
      if (value) yield value;
    }
  }

  #readValue(offset: number): RegistryValue | undefined {
    const { start, end } = this.#cell(offset, 20);
    const data = this.#data;
    if (data.toString('latin1', start, start + 2) !== 'vk') {
      throw new FormatError('malformed', 'value without its signature', start);
    }
    const flags = data.readUInt16LE(start + 16);
    if ((flags & TOMBSTONE) !== 0) return undefined;
    const name = this.#name(
      start + 20,
      data.readUInt16LE(start + 2),
      end,
      (flags & NAME_IS_LATIN1_VALUE) !== 0,
    );
    return { name, type: data.readUInt32LE(start + 12), data: this.#valueData(start) };
  }

  #valueData(start: number): Uint8Array {
    const stored = this.#data.readUInt32LE(start + 4);
    if (stored >= INLINE) {
      const size = Math.min(stored - INLINE, 4);
      return this.#data.subarray(start + 8, start + 8 + size);
    }
    if (stored === 0) return new Uint8Array();
    this.#valueBytes += stored;
    if (stored > MAX_VALUE_BYTES || this.#valueBytes > MAX_TOTAL_VALUE_BYTES) {
      throw new FormatError('limit', `value of ${stored} bytes`, start);
    }
    const cell = this.#cell(this.#data.readUInt32LE(start + 8), 4);
    // The signature decides, not the size: old hives keep large values in one cell.
    const isBig =
      stored > SEGMENT_BYTES && this.#data.toString('latin1', cell.start, cell.start + 2) === 'db';
    if (isBig && cell.end - cell.start < stored) return this.#bigData(cell, stored);
    if (cell.start + stored > cell.end) {
      throw new FormatError('truncated', `value of ${stored} bytes does not fit its cell`, cell.start);
    }
    return this.#data.subarray(cell.start, cell.start + stored);
  }

  #bigData({ start, end }: Cell, size: number): Uint8Array {
    if (end - start < 8) throw new FormatError('truncated', 'big data cut off', start);
    const count = this.#data.readUInt16LE(start + 2);
    const list = this.#cell(this.#data.readUInt32LE(start + 4), 4);
    if (count > MAX_SEGMENTS || list.start + count * 4 > list.end) {
      throw new FormatError('malformed', `${count} segments do not fit their list`, start);
    }
    const parts: Buffer[] = [];
    let left = size;
    for (let i = 0; i < count && left > 0; i++) {
      const segment = this.#cell(this.#data.readUInt32LE(list.start + i * 4), 1);
      const length = Math.min(left, SEGMENT_BYTES, segment.end - segment.start);
      parts.push(this.#data.subarray(segment.start, segment.start + length));
      left -= length;
    }
    if (left > 0) throw new FormatError('truncated', `${left} bytes of a value are missing`, start);
    return Buffer.concat(parts);
  }

  #name(start: number, length: number, end: number, latin1: boolean): string {
    if (length > MAX_NAME_BYTES || start + length > end) {
      throw new FormatError('truncated', 'name does not fit its cell', start);
    }
    return this.#data.toString(latin1 ? 'latin1' : 'utf16le', start, start + length);
  }

  /** Checks all that a cell must be before anything in it is believed. */
  #cell(offset: number, minimum: number): Cell {
    const at = BASE_BLOCK_BYTES + offset;
    if (offset === NONE || offset % 8 !== 0 || at + 8 > this.#end) {
      throw new FormatError(
        'malformed',
        `reference ${offset.toString(16)} leads nowhere`,
        Math.min(at, this.#end),
      );
    }
    const size = -this.#data.readInt32LE(at);
    if (size <= 0) throw new FormatError('malformed', 'reference to a free cell', at);
    if (size < 8 || at + size > this.#end)
      throw new FormatError('truncated', 'cell does not fit the hive', at);
    if (size - 4 < minimum) throw new FormatError('truncated', 'cell is too short for its record', at);
    return { start: at + 4, end: at + size };
  }

  /** False when the bound is passed; said once. */
  #within(count: number, bound: number, what: string): boolean {
    if (count === bound + 1) {
      this.diagnostics.push({ level: 'error', code: 'limit', message: `more than ${bound} ${what}` });
    }
    return count <= bound;
  }

  #attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.#problem(error);
      return undefined;
    }
  }

  #problem(error: unknown): void {
    const diagnostic = toDiagnostic(error);
    if (this.diagnostics.length < MAX_DIAGNOSTICS) this.diagnostics.push(diagnostic);
  }
}
