/**
 * SQLite's write-ahead log: which pages it holds that are newer than those of the main file.
 * Specification: https://www.sqlite.org/fileformat2.html, section 4.
 */

import { ByteReader, equalBytes } from '../core/bytes.ts';
import type { Diagnostic } from '../core/errors.ts';
import { isPageSize, note, type PageOverlay } from './sqlite-overlay.ts';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC_LITTLE_ENDIAN = 0x377f0682;
const MAGIC_BIG_ENDIAN = 0x377f0683;
const VERSION = 3007000;

/** Running checksum; both parts are unsigned 32-bit numbers. */
type Checksum = readonly [number, number];

/**
 * Frames count up to the last one that commits. The first frame with other salts or a wrong checksum ends the
 * log: it is left over from an earlier round, or was never completely written. SQLite reads it the same way.
 */
export function readWal(wal: Uint8Array): PageOverlay {
  const ignored = (message: string): PageOverlay => ({
    pages: new Map(),
    pageSize: 0,
    pageCount: undefined,
    diagnostics: [note(`-wal file ignored, as SQLite does: ${message}`)],
  });
  if (wal.length < HEADER_BYTES) return ignored('its header is cut off');
  const reader = new ByteReader(wal);
  const magic = reader.u32();
  if (magic !== MAGIC_LITTLE_ENDIAN && magic !== MAGIC_BIG_ENDIAN)
    return ignored('it does not start like one');
  const littleEndian = magic === MAGIC_LITTLE_ENDIAN;
  const version = reader.u32();
  if (version !== VERSION) {
    const message = `write-ahead log of version ${version}, which this version does not read`;
    const diagnostic: Diagnostic = { level: 'error', code: 'unsupported', message, offset: 4 };
    return { ...ignored(''), diagnostics: [diagnostic] };
  }
  const pageSize = reader.u32();
  if (!isPageSize(pageSize)) return ignored(`page size ${pageSize}`);
  const stated = wal.subarray(24, 32);
  const start = checksum(wal, 0, 24, littleEndian, [0, 0]);
  if (!equalBytes(toBytes(start), stated)) return ignored('the checksum of its header is wrong');
  return readFrames(wal, pageSize, littleEndian, start);
}

function readFrames(wal: Uint8Array, pageSize: number, littleEndian: boolean, start: Checksum): PageOverlay {
  const salts = wal.subarray(16, 24);
  const frameBytes = FRAME_HEADER_BYTES + pageSize;
  const committed = new Map<number, number>();
  let pending: [number, number][] = [];
  let pageCount: number | undefined;
  let running = start;
  for (let offset = HEADER_BYTES; offset + frameBytes <= wal.length; offset += frameBytes) {
    const reader = new ByteReader(wal, offset);
    const number = reader.u32();
    const sizeAfterCommit = reader.u32();
    if (number === 0 || !equalBytes(reader.take(8), salts)) break;
    running = checksum(wal, offset, 8, littleEndian, running);
    running = checksum(wal, offset + FRAME_HEADER_BYTES, pageSize, littleEndian, running);
    if (!equalBytes(toBytes(running), reader.take(8))) break;
    pending.push([number, offset + FRAME_HEADER_BYTES]);
    if (sizeAfterCommit === 0) continue;
    for (const [page, at] of pending) committed.set(page, at);
    pending = [];
    pageCount = sizeAfterCommit;
  }
  const diagnostics =
    committed.size === 0 ? [] : [note(`${committed.size} newer pages taken from the -wal file`)];
  return { pages: committed, pageSize, pageCount, diagnostics };
}

/** Section 4.2: a Fletcher-like sum over pairs of 32-bit words in the byte order that the magic number tells. */
function checksum(
  bytes: Uint8Array,
  start: number,
  length: number,
  littleEndian: boolean,
  from: Checksum,
): Checksum {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, length);
  let [a, b] = from;
  for (let i = 0; i < length; i += 8) {
    a = (a + view.getUint32(i, littleEndian) + b) >>> 0;
    b = (b + view.getUint32(i + 4, littleEndian) + a) >>> 0;
  }
  return [a, b];
}

function toBytes([a, b]: Checksum): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(a, 0);
  bytes.writeUInt32BE(b, 4);
  return bytes;
}
