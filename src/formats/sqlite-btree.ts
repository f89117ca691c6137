/**
 * Walking a table b-tree of SQLite and decoding its records.
 * Specification: https://www.sqlite.org/fileformat2.html, sections 1.6 (b-tree pages) and 2.1 (records).
 */

import { asBuffer, ByteReader } from '../core/bytes.ts';
import { FormatError, toDiagnostic, type Diagnostic } from '../core/errors.ts';
import type { Page, PageSource, TextEncoding } from './sqlite-pages.ts';

export type SqliteValue = null | number | bigint | string | Uint8Array;

export interface Cell {
  readonly rowid: number | bigint;
  readonly payload: Uint8Array;
}

const LEAF = 0x0d;
const INTERIOR = 0x05;
const MAX_DEPTH = 20;
const MAX_ROWS = 1_000_000;
const MAX_DIAGNOSTICS = 50;
const MAX_COLUMNS = 2000;
const MAX_RECORD_HEADER = 64 << 10;

export interface TableWalk {
  readonly cells: Iterable<Cell>;
  readonly report: (diagnostic: Diagnostic) => void;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Every record below `root` in key order. A damaged page or cell becomes a diagnostic, and the walk goes on with
 * what lies beside it. Nothing but the tree is walked: deleted rows linger in free pages and do not count.
 */
export function walkTable(pages: PageSource, root: number): TableWalk {
  const diagnostics: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => {
    if (diagnostics.length < MAX_DIAGNOSTICS) diagnostics.push(diagnostic);
  };
  return { cells: walk(pages, root, report), report, diagnostics };
}

interface PendingPage {
  readonly number: number;
  readonly depth: number;
  /** The page that links to it. */
  readonly from: Page | undefined;
}

function* walk(pages: PageSource, root: number, report: (diagnostic: Diagnostic) => void): Generator<Cell> {
  const budget = new Budget(pages.totalBytes * 4 + pages.pageSize);
  const visited = new Set<number>();
  const pending: PendingPage[] = [{ number: root, depth: 0, from: undefined }];
  let rows = 0;
  for (let next = pending.pop(); next; next = pending.pop()) {
    try {
      const { number, depth, from } = next;
      if (visited.has(number))
        throw new FormatError('malformed', `page ${number} is linked twice`, from?.offset);
      if (depth > MAX_DEPTH) throw new FormatError('limit', `tree deeper than ${MAX_DEPTH}`, from?.offset);
      visited.add(number);
      budget.spend(pages.pageSize);
      const page = pages.page(number, from);
      const type = page.bytes[headerStart(page)];
      if (type === INTERIOR) {
        const children = attempt(page, () => interiorChildren(page));
        pending.push(
          ...children.toReversed().map((child) => ({ number: child, depth: depth + 1, from: page })),
        );
      } else if (type === LEAF) {
        const pointers = attempt(page, () => cellPointers(page, 8));
        rows += pointers.length;
        if (rows > MAX_ROWS) throw new FormatError('limit', `more than ${MAX_ROWS} rows`, page.offset);
        yield* leafCells(pages, page, pointers, budget, report);
      } else {
        const message = `page ${number} is no part of a table (type ${type ?? 'missing'})${page.origin}`;
        throw new FormatError('malformed', message, page.offset + headerStart(page));
      }
    } catch (error) {
      report(toDiagnostic(error));
      if (error instanceof FormatError && error.code === 'limit') return;
    }
  }
}

/** What one walk may read in all: pages that point at the same bytes again and again would go on for ever. */
class Budget {
  #left: number;
  constructor(bytes: number) {
    this.#left = bytes;
  }
  spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0)
      throw new FormatError('limit', 'the table refers to more bytes than the file can hold');
  }
}

/** Page 1 starts with the database header. */
function headerStart(page: Page): number {
  return page.number === 1 ? 100 : 0;
}

/** Errors inside a page, with the offset in the file instead of in the page. */
function attempt<T>(page: Page, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormatError) || error.offset === undefined) throw error;
    throw new FormatError(
      error.code,
      `page ${page.number}: ${error.message}${page.origin}`,
      page.offset + error.offset,
    );
  }
}

function cellPointers(page: Page, headerBytes: number): number[] {
  const start = headerStart(page);
  const count = new ByteReader(page.bytes, start + 3).u16();
  const reader = new ByteReader(page.bytes, start + headerBytes);
  if (count * 2 > reader.remaining) throw new FormatError('malformed', `${count} cells cannot be`, start + 3);
  return Array.from({ length: count }, () => reader.u16());
}

function interiorChildren(page: Page): number[] {
  const last = new ByteReader(page.bytes, headerStart(page) + 8).u32();
  const children = cellPointers(page, 12).map((pointer) => {
    const reader = new ByteReader(page.bytes);
    reader.seek(pointer);
    return reader.u32();
  });
  return [...children, last];
}

function* leafCells(
  pages: PageSource,
  page: Page,
  pointers: readonly number[],
  budget: Budget,
  report: (diagnostic: Diagnostic) => void,
): Generator<Cell> {
  for (const pointer of pointers) {
    try {
      yield readCell(pages, page, pointer, budget);
    } catch (error) {
      if (error instanceof FormatError && error.code === 'limit') throw error;
      report(toDiagnostic(error));
    }
  }
}

function readCell(pages: PageSource, page: Page, pointer: number, budget: Budget): Cell {
  const { rowid, length, inPage, next } = attempt(page, () => cellHead(pages, page, pointer));
  budget.spend(length);
  if (next === undefined) return { rowid, payload: inPage };
  return { rowid, payload: withOverflow(pages, page, inPage, length, next) };
}

interface CellHead {
  readonly rowid: number | bigint;
  /** Of the whole record. */
  readonly length: number;
  readonly inPage: Uint8Array;
  /** The first overflow page, when the record does not fit its leaf. */
  readonly next: number | undefined;
}

function cellHead(pages: PageSource, page: Page, pointer: number): CellHead {
  const reader = new ByteReader(page.bytes, 0, pages.usable);
  reader.seek(pointer);
  const length = Number(varint(reader));
  const rowid = shrink(BigInt.asIntN(64, BigInt(varint(reader))));
  if (length > pages.totalBytes) {
    throw new FormatError('malformed', `record of ${length} bytes, more than the file has`, pointer);
  }
  const local = localBytes(length, pages.usable);
  const inPage = reader.take(local);
  return { rowid, length, inPage, next: local === length ? undefined : reader.u32() };
}

function withOverflow(
  pages: PageSource,
  leaf: Page,
  inPage: Uint8Array,
  length: number,
  first: number,
): Uint8Array {
  const parts = [inPage];
  const visited = new Set<number>();
  let from = leaf;
  let next = first;
  for (let left = length - inPage.length; left > 0; left -= pages.usable - 4) {
    if (visited.has(next))
      throw new FormatError('malformed', `overflow page ${next} is linked twice`, from.offset);
    visited.add(next);
    from = pages.page(next, from);
    parts.push(from.bytes.subarray(4, 4 + Math.min(left, pages.usable - 4)));
    next = new ByteReader(from.bytes).u32();
  }
  return Buffer.concat(parts, length);
}

/** How much of a record of `length` bytes lies in its leaf; the rest is in overflow pages (section 1.6). */
function localBytes(length: number, usable: number): number {
  const max = usable - 35;
  if (length <= max) return length;
  const min = Math.floor(((usable - 12) * 32) / 255) - 23;
  const fill = min + ((length - min) % (usable - 4));
  return fill <= max ? fill : min;
}

/** One to nine bytes, most significant first; the ninth gives all its eight bits. */
function varint(reader: ByteReader): number | bigint {
  let small = 0;
  // Four bytes fit a number; nearly every varint is that short.
  for (let i = 0; i < 4; i++) {
    const octet = reader.u8();
    small = (small << 7) | (octet & 0x7f);
    if (octet < 0x80) return small;
  }
  let value = BigInt(small);
  for (let i = 4; i < 8; i++) {
    const octet = reader.u8();
    value = (value << 7n) | BigInt(octet & 0x7f);
    if (octet < 0x80) return value;
  }
  return (value << 8n) | BigInt(reader.u8());
}

function shrink(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** The values of a record in column order, of those columns for which `wanted` holds; the others are left out. */
export function readRecord(
  payload: Uint8Array,
  encoding: TextEncoding,
  wanted: (column: number) => boolean,
): ReadonlyMap<number, SqliteValue> {
  const types = new ByteReader(payload);
  const headerBytes = Number(varint(types));
  if (headerBytes > payload.length || headerBytes > MAX_RECORD_HEADER || headerBytes < types.position) {
    throw new FormatError(
      'malformed',
      `record header of ${headerBytes} bytes in a record of ${payload.length}`,
    );
  }
  const values = new ByteReader(payload, headerBytes);
  const found = new Map<number, SqliteValue>();
  for (let column = 0; types.position < headerBytes; column++) {
    if (column >= MAX_COLUMNS) throw new FormatError('limit', `record of more than ${MAX_COLUMNS} columns`);
    const type = Number(varint(types));
    const bytes = values.take(valueBytes(type));
    if (wanted(column)) found.set(column, decodeValue(type, bytes, encoding));
  }
  return found;
}

const FIXED_SIZES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0];

function valueBytes(type: number): number {
  if (type >= 12) return Math.floor((type - 12) / 2);
  const size = FIXED_SIZES[type];
  if (size === undefined) throw new FormatError('malformed', `value of the reserved type ${type}`);
  return size;
}

function decodeValue(type: number, bytes: Uint8Array, encoding: TextEncoding): SqliteValue {
  if (type === 0) return null;
  if (type === 8 || type === 9) return type - 8;
  const buffer = asBuffer(bytes);
  if (type < 6) return buffer.readIntBE(0, bytes.length);
  if (type === 6) return shrink(buffer.readBigInt64BE());
  if (type === 7) return buffer.readDoubleBE();
  return type % 2 === 0 ? bytes : decodeText(buffer, encoding);
}

function decodeText(bytes: Buffer, encoding: TextEncoding): string {
  if (encoding === 'utf8') return bytes.toString('utf8');
  const even = bytes.subarray(0, bytes.length & ~1);
  return (encoding === 'utf16le' ? even : Buffer.from(even).swap16()).toString('utf16le');
}
