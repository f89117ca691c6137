/**
 * Where the bytes of a file of ext4 lie: in extents, in the older maps of blocks, or in the inode itself. Every map is
 * followed downwards only and in order, so that reading ends.
 */

import { FormatError } from '../core/errors.ts';
import type { Ext4Inode, Ext4Volume } from './ext4-volume.ts';

const IS_COMPRESSED = 0x4;
const IS_ENCRYPTED = 0x800;
const HAS_EXTENTS = 0x8_0000;
const HAS_INLINE_DATA = 0x1000_0000;

const EXTENT_MAGIC = 0xf30a;
const EXTENT_SIZE = 12;
const MAX_EXTENT_DEPTH = 5;
/** A longer one says that its blocks were set aside and never written. */
const MAX_EXTENT_LENGTH = 0x8000;

const DIRECT_BLOCKS = 12;
const MAP_LEVELS = 3;

const ATTRIBUTES_MAGIC = 0xea02_0000;
const ATTRIBUTE_SIZE = 16;
const SYSTEM_ATTRIBUTES = 7;

/** Blocks of a file that lie one after the other. */
interface Run {
  readonly logical: number;
  readonly physical: number;
  readonly length: number;
}

export function hasInlineData({ flags }: Ext4Inode): boolean {
  return (flags & HAS_INLINE_DATA) !== 0;
}

/** The bytes in the inode: the first 60, and what stands in the attribute `system.data`. */
export function inlineParts({ map, rest }: Ext4Inode): readonly Buffer[] {
  if (rest.length < 4 || rest.readUInt32LE(0) !== ATTRIBUTES_MAGIC) return [map];
  const values = rest.subarray(4);
  for (let at = 0; at + ATTRIBUTE_SIZE <= values.length && values.readUInt32LE(at) !== 0;) {
    const nameLength = values.readUInt8(at);
    const name = values.toString('latin1', at + ATTRIBUTE_SIZE, at + ATTRIBUTE_SIZE + nameLength);
    if (values.readUInt8(at + 1) === SYSTEM_ATTRIBUTES && name === 'data') {
      const start = values.readUInt16LE(at + 2);
      const end = start + values.readUInt32LE(at + 8);
      if (end > values.length) throw new FormatError('truncated', 'content in the inode cut off');
      return [map, values.subarray(start, end)];
    }
    at += (ATTRIBUTE_SIZE + nameLength + 3) & ~3;
  }
  return [map];
}

/** The whole content, in memory of its own. Throws {@link FormatError}. */
export function readContent(volume: Ext4Volume, inode: Ext4Inode, maxBytes: number): Buffer {
  const { size, flags } = inode;
  if ((flags & IS_ENCRYPTED) !== 0) throw new FormatError('unsupported', 'encrypted');
  if ((flags & IS_COMPRESSED) !== 0) throw new FormatError('unsupported', 'compressed');
  if (size > maxBytes) {
    throw new FormatError('too-large', `${size} bytes, more than the limit of ${maxBytes} bytes`);
  }
  if (hasInlineData(inode)) {
    const whole = Buffer.concat(inlineParts(inode));
    if (size > whole.length) throw new FormatError('truncated', 'content in the inode cut off');
    return whole.subarray(0, size);
  }
  const content = Buffer.alloc(size);
  const { blockSize } = volume;
  for (const { logical, physical, length } of runsOf(volume, inode)) {
    for (let i = 0; i < length && (logical + i) * blockSize < size; i++) {
      volume.block(physical + i).copy(content, (logical + i) * blockSize);
    }
  }
  return content;
}

function* runsOf(volume: Ext4Volume, inode: Ext4Inode): Generator<Run> {
  const blocks = Math.ceil(inode.size / volume.blockSize);
  if (blocks === 0) return;
  if ((inode.flags & HAS_EXTENTS) !== 0) yield* extents(volume, inode.map, undefined, { blocks, next: 0 });
  else yield* mappedBlocks(volume, inode.map, blocks);
}

interface ExtentState {
  /** What comes after them was set aside for later, or belongs to checksums. */
  readonly blocks: number;
  /** The first block of the file that is not accounted for. */
  next: number;
}

function* extents(
  volume: Ext4Volume,
  node: Buffer,
  expectedDepth: number | undefined,
  state: ExtentState,
): Generator<Run> {
  const count = node.readUInt16LE(2);
  const depth = node.readUInt16LE(6);
  if (node.readUInt16LE(0) !== EXTENT_MAGIC) throw new FormatError('malformed', 'damaged map of extents');
  if (depth > MAX_EXTENT_DEPTH || (expectedDepth !== undefined && depth !== expectedDepth)) {
    throw new FormatError('malformed', 'map of extents of the wrong depth');
  }
  if (EXTENT_SIZE * (count + 1) > node.length) throw new FormatError('malformed', 'map of extents cut off');
  for (let at = EXTENT_SIZE; at < EXTENT_SIZE * (count + 1); at += EXTENT_SIZE) {
    volume.step();
    const logical = node.readUInt32LE(at);
    if (logical >= state.blocks) return;
    if (logical < state.next) throw new FormatError('malformed', 'map of extents that is not in order');
    if (depth > 0) {
      const block = node.readUInt32LE(at + 4) + node.readUInt16LE(at + 8) * 2 ** 32;
      yield* extents(volume, volume.block(block), depth - 1, state);
      continue;
    }
    const told = node.readUInt16LE(at + 4);
    const isWritten = told <= MAX_EXTENT_LENGTH;
    const length = isWritten ? told : told - MAX_EXTENT_LENGTH;
    if (length === 0) throw new FormatError('malformed', 'extent of no blocks');
    state.next = logical + length;
    const physical = node.readUInt32LE(at + 8) + node.readUInt16LE(at + 6) * 2 ** 32;
    if (isWritten) yield { logical, physical, length };
  }
}

/** The map of ext2 and ext3: the first blocks, then blocks of numbers, up to three levels of them. */
function* mappedBlocks(volume: Ext4Volume, map: Buffer, blocks: number): Generator<Run> {
  const perBlock = volume.blockSize / 4;
  yield* numbers(volume, map.subarray(0, DIRECT_BLOCKS * 4), 0, 0, blocks);
  let logical = DIRECT_BLOCKS;
  for (let level = 1; level <= MAP_LEVELS; level++) {
    const entry = (DIRECT_BLOCKS + level - 1) * 4;
    yield* numbers(volume, map.subarray(entry, entry + 4), level, logical, blocks);
    logical += perBlock ** level;
  }
}

function* numbers(
  volume: Ext4Volume,
  table: Buffer,
  level: number,
  start: number,
  blocks: number,
): Generator<Run> {
  const span = (volume.blockSize / 4) ** level;
  for (let at = 0, logical = start; at < table.length && logical < blocks; at += 4, logical += span) {
    volume.step();
    const physical = table.readUInt32LE(at);
    // Nothing was written there.
    if (physical === 0) continue;
    if (level === 0) yield { logical, physical, length: 1 };
    else yield* numbers(volume, volume.block(physical), level - 1, logical, blocks);
  }
}
