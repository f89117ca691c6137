/**
 * The contents of a file system's files, fetched with 7-Zip when they are asked for. For those who read archives they
 * lie one behind the other in the order of the list, as in an archive that nobody has made.
 */

import { closeSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { FsError } from '../core/target.ts';
import type { Source } from '../formats/archive.ts';
import type { Entries } from './entries.ts';
import { worthOf, type Worth } from './keep-rules.ts';
import { fromLatin1 } from './latin1.ts';
import type { Names } from './names.ts';
import { batchesOf, type Wanted } from './seven-zip-batches.ts';
import type { SevenZip } from './seven-zip.ts';

/** Of contents that are kept in memory. */
const MAX_KEPT = 64 << 20;
/** What is fetched before anybody asks: most likely it will be. */
const MAX_AHEAD = 40 << 20;
const MAX_AHEAD_FILE = 8 << 20;
/** Files beside the one that was asked for. */
const MAX_BESIDE_FILE = 1 << 20;
const MAX_BESIDE = 8 << 20;
/** Larger ones go to a temporary file, and are read from there in pieces. */
const MAX_IN_MEMORY = 64 << 20;
/** More does not fit into most temporary directories. */
const MAX_SIZE = 8 * 2 ** 30;

const BLOCK = 512;

interface LargeFile {
  readonly file: number;
  readonly fd: number;
}

export class MemberContents implements Source {
  readonly size = Number.MAX_SAFE_INTEGER;
  readonly #zip: SevenZip;
  readonly #path: string;
  readonly #directory: string;
  readonly #names: Names;
  readonly #entries: Entries;
  /** Of each file: where it begins, in ascending order, and its entry. */
  readonly #starts: number[] = [];
  readonly #files: number[] = [];
  #end = 0;
  readonly #kept = new Map<number, Buffer>();
  #keptBytes = 0;
  #large: LargeFile | undefined;

  /** `path`: of the file system. `directory`: for temporary files. */
  constructor(zip: SevenZip, path: string, directory: string, names: Names, entries: Entries) {
    this.#zip = zip;
    this.#path = path;
    this.#directory = directory;
    this.#names = names;
    this.#entries = entries;
  }

  /** Where the next file is to begin. */
  get end(): number {
    return this.#end;
  }

  add(entry: number, size: number): void {
    this.#starts.push(this.#end);
    this.#files.push(entry);
    this.#end += Math.max(Math.ceil(size / BLOCK), 1) * BLOCK;
  }

  read(into: Uint8Array, offset: number): number {
    const file = this.#fileAt(offset);
    const start = this.#starts[file];
    if (start === undefined) return 0;
    const size = this.#sizeOf(file);
    if (size > MAX_IN_MEMORY) return readSync(this.#largeFile(file), into, 0, into.length, offset - start);
    const bytes = this.#kept.get(file) ?? this.#fetch(file);
    const part = bytes.subarray(offset - start, offset - start + into.length);
    into.set(part);
    return part.length;
  }

  /** Fetches what stores will most likely ask for, many in one call. */
  fetchAhead(): void {
    let room = MAX_AHEAD;
    for (const worth of ['certificates', 'settings'] as const satisfies readonly Worth[]) {
      const wanted = Array.from(this.#files.keys()).filter((file) => {
        const size = this.#sizeOf(file);
        if (size === 0 || size > Math.min(MAX_AHEAD_FILE, room)) return false;
        if (this.#kept.has(file) || worthOf(this.#nameOf(file), size) !== worth) return false;
        room -= size;
        return true;
      });
      this.#fetchAll(wanted);
    }
  }

  close(): void {
    if (this.#large) closeSync(this.#large.fd);
    this.#large = undefined;
    this.#kept.clear();
  }

  /** The last file that begins at or before `offset`. */
  #fileAt(offset: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #sizeOf(file: number): number {
    return this.#entries.sizeOf(this.#files[file] ?? 0);
  }

  /** As 7-Zip knows it. */
  #nameOf(file: number): string {
    return fromLatin1(this.#names.path(this.#entries.node(this.#files[file] ?? 0)).slice(1));
  }

  #parentOf(file: number): number {
    return this.#names.parent(this.#entries.node(this.#files[file] ?? 0));
  }

  /** With the small files around it: who reads one of a directory reads the others. */
  #fetch(file: number): Buffer {
    const parent = this.#parentOf(file);
    let room = MAX_BESIDE;
    const isWanted = (each: number): boolean => {
      const size = this.#sizeOf(each);
      if (size === 0 || size > Math.min(MAX_BESIDE_FILE, room) || this.#kept.has(each)) return false;
      room -= size;
      return true;
    };
    const around: number[] = [];
    for (let each = file + 1; this.#isIn(parent, each); each++) if (isWanted(each)) around.push(each);
    for (let each = file - 1; this.#isIn(parent, each); each--) if (isWanted(each)) around.push(each);
    if (around.length > 0) this.#fetchAll([file, ...around].toSorted((a, b) => a - b));
    return this.#kept.get(file) ?? this.#fetchOne(file);
  }

  #isIn(parent: number, file: number): boolean {
    return this.#files[file] !== undefined && this.#parentOf(file) === parent;
  }

  /** `files` in the order of the list. What cannot be fetched so is asked for by itself when somebody needs it. */
  #fetchAll(files: readonly number[]): void {
    const wanted = files.map((file) => ({ file, name: this.#nameOf(file), size: this.#sizeOf(file) }));
    for (const batch of batchesOf<Wanted & { file: number }>(wanted)) {
      const names = batch.map(({ name }) => name);
      const bytes = this.#zip.read(this.#path, names, sizeOfAll(batch));
      let at = 0;
      for (const { file, size } of bytes ? batch : []) {
        // Memory of its own: a part would keep the whole.
        this.#keep(file, Buffer.from(bytes?.subarray(at, at + size) ?? []));
        at += size;
      }
    }
  }

  #fetchOne(file: number): Buffer {
    const name = this.#nameOf(file);
    const size = this.#sizeOf(file);
    const bytes = this.#zip.read(this.#path, [name], size) ?? this.#zip.readAltered(this.#path, name, size);
    if (!bytes) throw new FsError('io', `/${name}`, '7-Zip cannot read it');
    this.#keep(file, bytes);
    return bytes;
  }

  #keep(file: number, bytes: Buffer): void {
    for (const [oldest, old] of this.#kept) {
      if (this.#keptBytes + bytes.length <= MAX_KEPT) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= old.length;
    }
    this.#kept.set(file, bytes);
    this.#keptBytes += bytes.length;
  }

  /** One at a time: they are read one after another. */
  #largeFile(file: number): number {
    if (this.#large?.file === file) return this.#large.fd;
    const name = this.#nameOf(file);
    const size = this.#sizeOf(file);
    if (size > MAX_SIZE) throw new FsError('too-large', `/${name}`, `file of ${size} bytes on a disk image`);
    if (this.#large) closeSync(this.#large.fd);
    this.#large = undefined;
    const temporary = join(this.#directory, 'large');
    const fd = openSync(temporary, 'wx+', 0o600);
    unlinkSync(temporary);
    if (!this.#zip.read(this.#path, [name], 0, fd) || fstatSync(fd).size !== size) {
      closeSync(fd);
      throw new FsError('io', `/${name}`, '7-Zip cannot read it');
    }
    this.#large = { file, fd };
    return fd;
  }
}

function sizeOfAll(wanted: readonly Wanted[]): number {
  return wanted.reduce((sum, { size }) => sum + size, 0);
}
