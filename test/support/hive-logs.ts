/** Transaction logs that lead from one hive to another, as Windows writes them. */

import { marvin32 } from '../../src/formats/marvin32.ts';
import { u32 } from './windows.ts';

const BASE = 4096;
const SECTOR = 512;

/** A copy of the first sector of a hive, as a file of another type. */
function baseOf(hive: Buffer, type: number, sequence: number): Buffer {
  const base = Buffer.from(hive.subarray(0, SECTOR));
  base.writeUInt32LE(sequence, 4);
  base.writeUInt32LE(sequence, 8);
  base.writeUInt32LE(type, 28);
  return sealed(base);
}

/** With the checksum that its content asks for. */
export function sealed(hive: Buffer): Buffer {
  let sum = 0;
  for (let at = 0; at < 508; at += 4) sum ^= hive.readInt32LE(at);
  hive.writeUInt32LE(sum >>> 0, 508);
  return hive;
}

/** The hive as it is when a write has begun and not ended: only its header says so. */
export function unfinished(hive: Buffer, primary: number, secondary: number): Buffer {
  const copy = Buffer.from(hive);
  copy.writeUInt32LE(primary, 4);
  copy.writeUInt32LE(secondary, 8);
  return sealed(copy);
}

function changedBlocks(from: Buffer, to: Buffer, size: number): number[] {
  const offsets: number[] = [];
  for (let at = BASE; at < to.length; at += size) {
    if (!to.subarray(at, at + size).equals(from.subarray(at, at + size))) offsets.push(at - BASE);
  }
  return offsets;
}

/** One HvLE entry with the pages in which `to` differs from `from`. */
export function logEntry(from: Buffer, to: Buffer, sequence: number): Buffer {
  const pages = changedBlocks(from, to, BASE);
  const head = Buffer.concat([u32(0), u32(sequence), u32(to.length - BASE), u32(pages.length)]);
  const references = pages.map((at) => Buffer.concat([u32(at), u32(BASE)]));
  const bodies = pages.map((at) => to.subarray(BASE + at, BASE + at + BASE));
  const used = 40 + references.length * 8 + bodies.length * BASE;
  const size = Math.ceil(used / SECTOR) * SECTOR;
  const entry = Buffer.concat(
    [Buffer.from('HvLE'), u32(size), head, Buffer.alloc(16), ...references, ...bodies],
    size,
  );
  const write = (at: number, start: number, end: number): void => {
    const { low, high } = marvin32(entry, start, end);
    entry.writeUInt32LE(low, at);
    entry.writeUInt32LE(high, at + 4);
  };
  write(24, 40, size);
  write(32, 0, 32);
  return entry;
}

/** A log of the new form. */
export function newLog(hive: Buffer, sequence: number, ...entries: readonly Buffer[]): Buffer {
  return Buffer.concat([baseOf(hive, 6, sequence), ...entries, Buffer.alloc(SECTOR)]);
}

/** A log of the old form, with the sectors in which `to` differs from `from`. */
export function oldLog(from: Buffer, to: Buffer): Buffer {
  const bits = (to.length - BASE) / SECTOR;
  const bitmap = Buffer.alloc(Math.ceil((4 + bits / 8) / SECTOR) * SECTOR);
  bitmap.write('DIRT');
  const changed = changedBlocks(from, to, SECTOR);
  for (const at of changed) {
    const bit = at / SECTOR;
    bitmap[4 + (bit >> 3)] = (bitmap[4 + (bit >> 3)] ?? 0) | (1 << (bit & 7));
  }
  const pages = changed.map((at) => to.subarray(BASE + at, BASE + at + SECTOR));
  return Buffer.concat([baseOf(to, 1, to.readUInt32LE(4)), bitmap, ...pages]);
}
