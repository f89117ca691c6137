/**
 * What is known of a layer, as a file: the entries of its archive, and those contents that may matter. Every part has
 * its SHA-256 in a table at the end, and the table its own: what is damaged or cut off is never taken for whole.
 *
 *     mark, pages of entries and contents in any order, table, length of the table, SHA-256 of the table, mark
 */

import { createHash } from 'node:crypto';
import { FormatError } from '../core/errors.ts';
import { readExact, type Source } from '../formats/archive.ts';
import type { TarEntry } from '../formats/tar.ts';
import { EntryPageWriter, readEntryPage } from './entry-pages.ts';

/** To be counted up with every change of the format. */
const MARK = Buffer.from('RAlayer1', 'latin1');
const HASH = 32;
const TRAILER = 4 + HASH + MARK.length;
/** Of the table: what it is for, how many pages, how many contents. */
const TABLE_HEAD = HASH + 4 + 4;
const PART = 6 + 4 + HASH;
const CONTENT = 6 + PART;
const MAX_PARTS = 1 << 17;
const MAX_TABLE = TABLE_HEAD + MAX_PARTS * (PART + CONTENT);

/** Where the bytes of a record go, one after another. After a failure it takes them and does nothing. */
export interface RecordSink {
  write(bytes: Uint8Array): void;
  /** The record is whole. */
  commit(): void;
  /** Nothing of it is to be kept; says nothing after {@link commit}. */
  discard(): void;
}

/** A record, open until `close`. */
export interface RecordFile {
  readonly source: Source;
  close(): void;
}

/** Bytes of the record, and what they should be. */
interface Part {
  readonly position: number;
  readonly length: number;
  readonly hash: Buffer;
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Records a layer as it goes by. Nothing is kept of it without {@link commit}. */
export class LayerRecorder {
  readonly #sink: RecordSink;
  readonly #key: string;
  readonly #page = new EntryPageWriter();
  readonly #pages: Part[] = [];
  readonly #contents = new Map<number, Part>();
  #length = 0;

  constructor(sink: RecordSink, key: string) {
    this.#sink = sink;
    this.#key = key;
    this.#write(MARK);
  }

  entry(entry: TarEntry): void {
    this.page(this.#page.add(entry));
  }

  /** The content of the file whose content begins at `offset` of the archive. */
  content(offset: number, bytes: Uint8Array): void {
    if (this.#contents.size < MAX_PARTS) this.#contents.set(offset, this.#write(bytes));
  }

  /** Entries as they are in another record. */
  page(page: Uint8Array | undefined): void {
    if (page) this.#pages.push(this.#write(page));
  }

  commit(): void {
    this.page(this.#page.take());
    if (this.#pages.length > MAX_PARTS) {
      this.discard();
      return;
    }
    const head = Buffer.alloc(TABLE_HEAD);
    sha256(Buffer.from(this.#key)).copy(head);
    head.writeUInt32LE(this.#pages.length, HASH);
    head.writeUInt32LE(this.#contents.size, HASH + 4);
    const pages = this.#pages.map(partBytes);
    const contents = Array.from(this.#contents, ([offset, part]) => [numberBytes(offset), partBytes(part)]);
    const table = Buffer.concat([head, ...pages, ...contents.flat()]);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(table.length);
    for (const bytes of [table, length, sha256(table), MARK]) this.#sink.write(bytes);
    this.#sink.commit();
  }

  discard(): void {
    this.#sink.discard();
  }

  #write(bytes: Uint8Array): Part {
    const position = this.#length;
    this.#sink.write(bytes);
    this.#length += bytes.length;
    return { position, length: bytes.length, hash: sha256(bytes) };
  }
}

function numberBytes(number: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntLE(number, 0, 6);
  return bytes;
}

function partBytes({ position, length, hash }: Part): Buffer {
  const bytes = Buffer.alloc(PART);
  bytes.writeUIntLE(position, 0, 6);
  bytes.writeUInt32LE(length, 6);
  hash.copy(bytes, 10);
  return bytes;
}

function partAt(table: Buffer, at: number): Part {
  return {
    position: table.readUIntLE(at, 6),
    length: table.readUInt32LE(at + 6),
    hash: table.subarray(at + 10, at + PART),
  };
}

export class RecordedLayer {
  readonly #file: RecordFile;
  readonly #pages: readonly Part[];
  readonly #contents: ReadonlyMap<number, Part>;

  private constructor(file: RecordFile, pages: readonly Part[], contents: ReadonlyMap<number, Part>) {
    this.#file = file;
    this.#pages = pages;
    this.#contents = contents;
  }

  /** Undefined for what is damaged, cut off, or about something else. All but the contents is looked at. */
  static read(file: RecordFile, key: string): RecordedLayer | undefined {
    const table = readTable(file.source, key);
    if (!table) return undefined;
    const pageCount = table.readUInt32LE(HASH);
    const count = table.readUInt32LE(HASH + 4);
    if (table.length !== TABLE_HEAD + pageCount * PART + count * CONTENT) return undefined;
    const pages = Array.from({ length: pageCount }, (_, index) => partAt(table, TABLE_HEAD + index * PART));
    const contents = new Map<number, Part>();
    for (let at = TABLE_HEAD + pageCount * PART; at < table.length; at += CONTENT) {
      contents.set(table.readUIntLE(at, 6), partAt(table, at + 6));
    }
    const layer = new RecordedLayer(file, pages, contents);
    return pages.every((page) => layer.#bytes(page)) ? layer : undefined;
  }

  /** In the order of the archive. Throws {@link FormatError} when it was damaged since it was opened. */
  *entries(): Generator<TarEntry> {
    for (const part of this.#pages) {
      const page = this.#bytes(part);
      if (!page) throw new FormatError('malformed', 'a damaged list of entries', part.position);
      yield* readEntryPage(page);
    }
  }

  /** The content that begins at `offset` of the archive; undefined when it is not there, or damaged. */
  content(offset: number): Buffer | undefined {
    const part = this.#contents.get(offset);
    return part && this.#bytes(part);
  }

  /** All that it has, but for contents that are damaged. False when entries are. */
  copyTo(recorder: LayerRecorder): boolean {
    for (const part of this.#pages) {
      const page = this.#bytes(part);
      if (!page) return false;
      recorder.page(page);
    }
    for (const [offset, part] of this.#contents) {
      const bytes = this.#bytes(part);
      if (bytes) recorder.content(offset, bytes);
    }
    return true;
  }

  close(): void {
    this.#file.close();
  }

  #bytes({ position, length, hash }: Part): Buffer | undefined {
    const bytes = readExact(this.#file.source, position, length);
    return bytes && sha256(bytes).equals(hash) ? bytes : undefined;
  }
}

function readTable(source: Source, key: string): Buffer | undefined {
  const head = readExact(source, 0, MARK.length);
  const trailer = readExact(source, source.size - TRAILER, TRAILER);
  if (!head?.equals(MARK) || !trailer?.subarray(-MARK.length).equals(MARK)) return undefined;
  const length = trailer.readUInt32LE(0);
  if (length < TABLE_HEAD || length > MAX_TABLE) return undefined;
  const table = readExact(source, source.size - TRAILER - length, length);
  if (!table || !sha256(table).equals(trailer.subarray(4, 4 + HASH))) return undefined;
  return table.subarray(0, HASH).equals(sha256(Buffer.from(key))) ? table : undefined;
}
