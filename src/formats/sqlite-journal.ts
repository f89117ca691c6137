/**
 * SQLite's rollback journal. One that is "hot" belongs to a transaction that was never finished: its pages are
 * the ones that count. Specification: https://www.sqlite.org/fileformat2.html, section 3.
 */

import { asBuffer, ByteReader } from '../core/bytes.ts';
import type { Diagnostic } from '../core/errors.ts';
import { isPageSize, note, type PageOverlay } from './sqlite-overlay.ts';

const MAGIC = Buffer.from('d9d505f920a163d7', 'hex');
const HEADER_BYTES = 28;
/** A record count that means: as many as the file holds (written without syncing). */
const ALL_RECORDS = 0xffffffff;

interface JournalHeader {
  readonly records: number;
  readonly nonce: number;
  readonly initialPages: number;
  readonly sectorSize: number;
  readonly pageSize: number;
}

/** Which original pages a journal gives back. A finished journal (empty, or with a zeroed header) gives none. */
export function readJournal(journal: Uint8Array, pageSizeOnDisk: number | undefined): PageOverlay {
  const nothing = { pages: new Map<number, number>(), pageSize: 0, pageCount: undefined };
  if (journal.length === 0 || journal[0] === 0) return { ...nothing, diagnostics: [] };
  const first = readHeader(journal, 0);
  // A header that never reached the disk whole: the main file had not been touched then.
  if (!first)
    return { ...nothing, diagnostics: [note('-journal file ignored, as SQLite does: no valid header')] };
  const pageSize = first.pageSize === 0 ? (pageSizeOnDisk ?? 0) : first.pageSize;
  const sectorSize = first.sectorSize === 0 ? 512 : first.sectorSize;
  if (
    !isPageSize(pageSize) ||
    sectorSize < 32 ||
    sectorSize > 65536 ||
    (sectorSize & (sectorSize - 1)) !== 0
  ) {
    return { ...nothing, diagnostics: [stale('its -journal file has impossible sizes', 20)] };
  }
  if (namesSuperJournal(journal)) {
    // Whether it is to be undone depends on a file that may lie anywhere.
    return {
      ...nothing,
      diagnostics: [stale('its -journal file is part of a transaction over several databases')],
    };
  }
  return collect(journal, first, pageSize, sectorSize);
}

function collect(
  journal: Uint8Array,
  first: JournalHeader,
  pageSize: number,
  sectorSize: number,
): PageOverlay {
  const pages = new Map<number, number>();
  const recordBytes = pageSize + 8;
  let damage: Diagnostic | undefined;
  let header: JournalHeader | undefined = first;
  let offset = sectorSize;
  while (header && !damage) {
    const open: boolean = header.records === ALL_RECORDS;
    const fits = Math.max(0, Math.floor((journal.length - offset) / recordBytes));
    const wanted: number = open ? fits : header.records;
    for (let i = 0; i < wanted; i++) {
      const at = offset + i * recordBytes;
      const number = i < fits ? recordPage(journal, at, pageSize, header.nonce) : undefined;
      if (number === undefined) {
        // A torn end is expected only where the count was never written.
        damage = open
          ? note('the end of the -journal file is torn')
          : stale('its -journal file is damaged', at);
        break;
      }
      // Later copies of a page are from within the transaction: the first one is the original.
      if (number <= first.initialPages && !pages.has(number)) pages.set(number, at + 4);
    }
    offset = Math.ceil((offset + wanted * recordBytes) / sectorSize) * sectorSize;
    header = wanted > 0 && offset < journal.length ? readHeader(journal, offset) : undefined;
    offset += sectorSize;
  }
  const undone = note(
    `unfinished transaction undone in memory: ${pages.size} pages taken from the -journal file`,
  );
  return {
    pages,
    pageSize,
    pageCount: first.initialPages,
    diagnostics: damage ? [undone, damage] : [undone],
  };
}

function readHeader(journal: Uint8Array, offset: number): JournalHeader | undefined {
  if (offset + HEADER_BYTES > journal.length) return undefined;
  const reader = new ByteReader(journal, offset);
  if (!asBuffer(reader.take(8)).equals(MAGIC)) return undefined;
  return {
    records: reader.u32(),
    nonce: reader.u32(),
    initialPages: reader.u32(),
    sectorSize: reader.u32(),
    pageSize: reader.u32(),
  };
}

/** The page number of a valid record; the checksum is the nonce plus every 200th byte, counted from the end. */
function recordPage(journal: Uint8Array, at: number, pageSize: number, nonce: number): number | undefined {
  const reader = new ByteReader(journal, at);
  const number = reader.u32();
  const page = reader.take(pageSize);
  let sum = nonce;
  for (let i = pageSize - 200; i > 0; i -= 200) sum += page[i] ?? 0;
  return number !== 0 && sum >>> 0 === reader.u32() ? number : undefined;
}

/** A name at the very end, with its length, the sum of its bytes, and the magic number again. */
function namesSuperJournal(journal: Uint8Array): boolean {
  const end = journal.length - 16;
  if (end < HEADER_BYTES || !asBuffer(journal).subarray(-8).equals(MAGIC)) return false;
  const reader = new ByteReader(journal, end);
  const length = reader.u32();
  return length > 0 && length <= end;
}

function stale(message: string, offset?: number): Diagnostic {
  const text = `an unfinished transaction cannot be undone: ${message}`;
  return { level: 'error', code: 'stale', message: text, ...(offset !== undefined && { offset }) };
}
