/**
 * Transaction logs of registry hives: what Windows has written to SOFTWARE.LOG1 and .LOG2 but not yet to SOFTWARE.
 * Both forms of the public "Windows registry file format specification" (M. Suhanov): HvLE entries, from Windows 8.1
 * on, and the older DIRT bitmap. The result is a new image in memory; no file changes.
 */

import { asBuffer } from '../core/bytes.ts';
import type { Diagnostic } from '../core/errors.ts';
import { marvin32 } from './marvin32.ts';

export const BASE_BLOCK_BYTES = 4096;
const SECTOR = 512;
const ENTRY_HEADER_BYTES = 40;
const FILE_TYPE_NEW_LOG = 6;
const MAX_PAGES = 1_000_000;
/** Bins that a log adds come with their pages, but for what may be left over in a last bin. */
const MAX_GROWTH_BEYOND_LOGS = 1 << 20;

const REGF = 0x66676572;
const HVLE = 0x454c7648;
const DIRT = 0x54524944;

/** XOR of the first 127 words of a base block; two values have a meaning of their own. */
function baseChecksum(data: Buffer): number {
  let sum = 0;
  for (let at = 0; at < 508; at += 4) sum ^= data.readInt32LE(at);
  if (sum === 0) return 1;
  return sum === -1 ? 0xfffffffe : sum >>> 0;
}

function hasGoodBase(data: Buffer): boolean {
  return (
    data.length >= SECTOR && data.readUInt32LE(0) === REGF && data.readUInt32LE(508) === baseChecksum(data)
  );
}

/** True when the primary file alone may lack changes. */
export function isDirty(hive: Uint8Array): boolean {
  const data = asBuffer(hive);
  return !hasGoodBase(data) || data.readUInt32LE(4) !== data.readUInt32LE(8);
}

export interface Replayed {
  /** The hive as Windows would make it at its next start, or as it was. */
  readonly bytes: Uint8Array;
  readonly diagnostics: readonly Diagnostic[];
}

/** Applies the logs to a hive that needs them. A dirty hive without usable logs stays as it is, and is called stale. */
export function replayLogs(hive: Uint8Array, logs: readonly Uint8Array[]): Replayed {
  if (!isDirty(hive)) return { bytes: hive, diagnostics: [] };
  const primary = asBuffer(hive);
  const good = hasGoodBase(primary);
  const usable = logs.map(asBuffer).filter(hasGoodBase);
  const newer = usable.filter((log) => log.readUInt32LE(28) === FILE_TYPE_NEW_LOG).map(readNewLog);
  const image =
    (good ? replayEntries(primary, newer) : recoverFromNewest(primary, newer)) ??
    replayOld(primary, good, usable);
  if (image) return { bytes: image, diagnostics: [] };
  const state = good ? 'an unfinished write' : 'a damaged header';
  const why =
    logs.length === 0
      ? 'its transaction logs are not there'
      : 'its transaction logs do not hold the missing part';
  const message = `the hive has ${state} and ${why}: the last changes may be missing`;
  return { bytes: hive, diagnostics: [{ level: 'error', code: 'stale', message }] };
}

// The new form

interface LogEntry {
  readonly sequence: number;
  readonly binsSize: number;
  readonly pages: readonly { readonly at: number; readonly bytes: Buffer }[];
}

interface NewLog {
  readonly base: Buffer;
  readonly bytes: number;
  /** Without gaps in their sequence. */
  readonly entries: readonly LogEntry[];
}

/** A log ends at the first entry that is not whole: what follows it is left over from an earlier use. */
function readNewLog(log: Buffer): NewLog {
  const entries: LogEntry[] = [];
  let position = SECTOR;
  for (;;) {
    const read = readEntry(log, position);
    const last = entries.at(-1);
    if (!read || (last && read.entry.sequence !== (last.sequence + 1) >>> 0)) break;
    entries.push(read.entry);
    position = read.end;
  }
  return { base: log.subarray(0, SECTOR), bytes: log.length, entries };
}

function readEntry(
  log: Buffer,
  start: number,
): { readonly entry: LogEntry; readonly end: number } | undefined {
  if (start + ENTRY_HEADER_BYTES > log.length || log.readUInt32LE(start) !== HVLE) return undefined;
  const size = log.readUInt32LE(start + 4);
  const end = start + size;
  if (size < ENTRY_HEADER_BYTES || size % SECTOR !== 0 || end > log.length) return undefined;
  const whole = marvin32(log, start + ENTRY_HEADER_BYTES, end);
  const header = marvin32(log, start, start + 32);
  if (!hashAt(log, start + 24, whole) || !hashAt(log, start + 32, header)) return undefined;
  const binsSize = log.readUInt32LE(start + 16);
  const count = log.readUInt32LE(start + 20);
  const first = start + ENTRY_HEADER_BYTES + count * 8;
  if (count > MAX_PAGES || first > end) return undefined;
  const pages: { at: number; bytes: Buffer }[] = [];
  let position = first;
  for (let i = 0; i < count; i++) {
    const reference = start + ENTRY_HEADER_BYTES + i * 8;
    const at = log.readUInt32LE(reference);
    const length = log.readUInt32LE(reference + 4);
    if (position + length > end || at + length > binsSize) return undefined;
    pages.push({ at: BASE_BLOCK_BYTES + at, bytes: log.subarray(position, position + length) });
    position += length;
  }
  return { entry: { sequence: log.readUInt32LE(start + 12), binsSize, pages }, end };
}

function hashAt(log: Buffer, at: number, { low, high }: { low: number; high: number }): boolean {
  return log.readUInt32LE(at) === low && log.readUInt32LE(at + 4) === high;
}

/** The two logs are written in turn: their entries form one sequence, which begins where the primary file ends. */
function replayEntries(primary: Buffer, logs: readonly NewLog[]): Uint8Array | undefined {
  const start = primary.readUInt32LE(8);
  const entries = logs
    .flatMap((log) => log.entries)
    .filter(({ sequence }) => sequence >= start)
    .toSorted((a, b) => a.sequence - b.sequence);
  const applied: LogEntry[] = [];
  for (const entry of entries) {
    if (entry.sequence !== start + applied.length) break;
    applied.push(entry);
  }
  return applyEntries(primary, primary.subarray(0, SECTOR), applied, logs);
}

/** With a damaged header, the log that was written last has a good copy of it. */
function recoverFromNewest(primary: Buffer, logs: readonly NewLog[]): Uint8Array | undefined {
  const newest = logs.toSorted((a, b) => b.base.readUInt32LE(4) - a.base.readUInt32LE(4))[0];
  return newest && applyEntries(primary, newest.base, newest.entries, logs);
}

function applyEntries(
  primary: Buffer,
  base: Buffer,
  entries: readonly LogEntry[],
  logs: readonly NewLog[],
): Uint8Array | undefined {
  const last = entries.at(-1);
  if (!last) return undefined;
  const bins = Math.max(...entries.map(({ binsSize }) => binsSize));
  const fromLogs = logs.reduce((sum, { bytes }) => sum + bytes, 0);
  if (BASE_BLOCK_BYTES + bins > primary.length + fromLogs + MAX_GROWTH_BEYOND_LOGS) return undefined;
  const image = Buffer.alloc(Math.max(primary.length, BASE_BLOCK_BYTES + bins));
  primary.copy(image);
  base.copy(image);
  for (const { pages } of entries) for (const page of pages) page.bytes.copy(image, page.at);
  image.writeUInt32LE(last.binsSize, 40);
  return image;
}

// The old form

function replayOld(primary: Buffer, primaryIsGood: boolean, logs: readonly Buffer[]): Uint8Array | undefined {
  for (const log of logs) {
    const type = log.readUInt32LE(28);
    if (type !== 1 && type !== 2) continue;
    if (log.readUInt32LE(4) !== log.readUInt32LE(8)) continue;
    // A log of another state of the hive carries another time.
    if (primaryIsGood && !log.subarray(12, 20).equals(primary.subarray(12, 20))) continue;
    const image = applyBitmap(primary, log);
    if (image) return image;
  }
  return undefined;
}

function applyBitmap(primary: Buffer, log: Buffer): Uint8Array | undefined {
  const bitmap = Math.max(log.readUInt32LE(44), 1) * SECTOR;
  const bins = log.readUInt32LE(40);
  const bits = Math.floor(bins / SECTOR);
  const bytes = Math.ceil(bits / 8);
  if (bitmap + 4 + bytes > log.length || log.readUInt32LE(bitmap) !== DIRT) return undefined;
  if (BASE_BLOCK_BYTES + bins > primary.length + log.length + MAX_GROWTH_BEYOND_LOGS) return undefined;
  const image = Buffer.alloc(Math.max(primary.length, BASE_BLOCK_BYTES + bins));
  primary.copy(image);
  log.copy(image, 0, 0, SECTOR);
  let page = bitmap + Math.ceil((4 + bytes) / SECTOR) * SECTOR;
  for (let bit = 0; bit < bits; bit++) {
    const flags = log[bitmap + 4 + (bit >> 3)] ?? 0;
    if ((flags & (1 << (bit & 7))) === 0) continue;
    if (page + SECTOR > log.length) return undefined;
    log.copy(image, BASE_BLOCK_BYTES + bit * SECTOR, page, page + SECTOR);
    page += SECTOR;
  }
  return image;
}
