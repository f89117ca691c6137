/**
 * The pages of a SQLite database as a reader must see them: the main file, with an unfinished transaction undone
 * from its rollback journal and committed transactions of its write-ahead log applied, all in memory.
 * Specification: https://www.sqlite.org/fileformat2.html, sections 1.3 (header), 3 (journal) and 4 (WAL).
 */

import { asBuffer, ByteReader } from '../core/bytes.ts';
import { FormatError, type Diagnostic } from '../core/errors.ts';
import { readJournal } from './sqlite-journal.ts';
import { isPageSize, type PageOverlay } from './sqlite-overlay.ts';
import { readWal } from './sqlite-wal.ts';

/** A database as it lies on disk. An absent file and an empty one mean the same. */
export interface SqliteFiles {
  readonly main: Uint8Array;
  /** The file with `-wal` added to its name. */
  readonly wal?: Uint8Array | undefined;
  /** The file with `-journal` added to its name. */
  readonly journal?: Uint8Array | undefined;
}

export interface Page {
  readonly number: number;
  readonly bytes: Uint8Array;
  /** Where the page starts in the file it comes from. */
  readonly offset: number;
  /** For messages: " (in the -wal file)", or nothing for the main file. */
  readonly origin: string;
}

export type TextEncoding = 'utf8' | 'utf16le' | 'utf16be';

const MAGIC = Buffer.from('SQLite format 3\0', 'latin1');
const HEADER_BYTES = 100;

export class PageSource {
  readonly pageSize: number;
  readonly pageCount: number;
  /** Page size without the bytes reserved for extensions: what the b-tree uses. */
  readonly usable: number;
  readonly encoding: TextEncoding;
  /** Sum of the sizes of all files: the measure for limits. */
  readonly totalBytes: number;
  readonly diagnostics: readonly Diagnostic[];
  readonly #files: SqliteFiles;
  readonly #wal: PageOverlay | undefined;
  readonly #journal: PageOverlay | undefined;

  /** Throws FormatError when the main file is no SQLite database. */
  constructor(files: SqliteFiles) {
    this.#files = files;
    this.totalBytes = files.main.length + (files.wal?.length ?? 0) + (files.journal?.length ?? 0);
    const diagnostics: Diagnostic[] = [];
    const onDisk = headerPageSize(files.main);
    this.#journal = files.journal?.length ? readJournal(files.journal, onDisk) : undefined;
    this.#wal = files.wal?.length ? readWal(files.wal) : undefined;
    // SQLite undoes a hot journal first and opens the log afterwards; the newest of all sources rules.
    const overlays = [this.#wal, this.#journal].filter((overlay) => overlay?.pageCount !== undefined);
    for (const overlay of [this.#journal, this.#wal]) diagnostics.push(...(overlay?.diagnostics ?? []));
    this.pageSize = overlays[0]?.pageSize ?? onDisk ?? 0;
    const first = isPageSize(this.pageSize) ? this.#find(1) : undefined;
    const header = first?.bytes.subarray(0, HEADER_BYTES) ?? files.main.subarray(0, HEADER_BYTES);
    if (!asBuffer(header).subarray(0, MAGIC.length).equals(MAGIC)) {
      throw new FormatError('malformed', 'no SQLite database: its first 16 bytes are wrong', 0);
    }
    if (!isPageSize(this.pageSize)) throw new FormatError('malformed', `page size ${this.pageSize}`, 16);
    if (header.length < HEADER_BYTES)
      throw new FormatError('truncated', 'database header cut off', header.length);
    this.usable = this.pageSize - (header[20] ?? 0);
    // Section 1.3.4 of the specification.
    if (this.usable < 480) throw new FormatError('malformed', `${this.usable} usable bytes in a page`, 20);
    this.encoding = encodingOf(header);
    const onFile = Math.floor(files.main.length / this.pageSize);
    this.pageCount = overlays[0]?.pageCount ?? countOf(header, onFile);
    const missing = overlays.length === 0 && this.pageCount * this.pageSize > files.main.length;
    const tail =
      overlays.length === 0 && this.pageCount === onFile && files.main.length % this.pageSize !== 0;
    if (missing || tail) {
      const message = `the file ends in the middle: ${files.main.length} bytes for ${this.pageCount + (tail ? 1 : 0)} pages of ${this.pageSize}`;
      diagnostics.push({ level: 'error', code: 'truncated', message, offset: files.main.length });
    }
    this.diagnostics = diagnostics;
  }

  /** Throws FormatError when there is no such page; `from` is the page that refers to it. */
  page(number: number, from?: Page): Page {
    const page = number >= 1 && number <= this.pageCount ? this.#find(number) : undefined;
    if (page) return page;
    const reference = from ? `, to which page ${from.number} refers${from.origin},` : '';
    throw new FormatError('truncated', `page ${number}${reference} lies outside the database`, from?.offset);
  }

  #find(number: number): Page | undefined {
    const { main, wal, journal } = this.#files;
    return (
      this.#slice(number, wal, this.#wal?.pages.get(number), ' (in the -wal file)') ??
      this.#slice(number, journal, this.#original(number), ' (in the -journal file)') ??
      this.#slice(number, main, (number - 1) * this.pageSize, '')
    );
  }

  #original(number: number): number | undefined {
    return this.#journal?.pageSize === this.pageSize ? this.#journal.pages.get(number) : undefined;
  }

  #slice(
    number: number,
    bytes: Uint8Array | undefined,
    offset: number | undefined,
    origin: string,
  ): Page | undefined {
    if (!bytes || offset === undefined || offset + this.pageSize > bytes.length) return undefined;
    return { number, bytes: bytes.subarray(offset, offset + this.pageSize), offset, origin };
  }
}

/** The page size the main file states, if it is a database at all. */
function headerPageSize(main: Uint8Array): number | undefined {
  if (main.length < 18) return undefined;
  const size = new ByteReader(main, 16).u16();
  return size === 1 ? 65536 : size;
}

function encodingOf(header: Uint8Array): TextEncoding {
  const value = new ByteReader(header, 56).u32();
  return value === 2 ? 'utf16le' : value === 3 ? 'utf16be' : 'utf8';
}

/** The size in the header counts only if the last writer kept it (section 1.3.7). */
function countOf(header: Uint8Array, onFile: number): number {
  const stated = new ByteReader(header, 28).u32();
  const changed = new ByteReader(header, 24).u32();
  const validFor = new ByteReader(header, 92).u32();
  return stated > 0 && changed === validFor ? stated : onFile;
}
