/**
 * The frame of an ext2, ext3 or ext4 file system: its superblock, groups and inodes. Source: the Linux kernel's
 * Documentation/filesystems/ext4. Checksums are not verified.
 */

import { asBuffer } from '../core/bytes.ts';
import { FormatError, type Diagnostic } from '../core/errors.ts';

export interface Ext4Inode {
  readonly number: number;
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  readonly size: number;
  readonly flags: number;
  /** i_block: where the content lies, or the content itself. */
  readonly map: Buffer;
  /** Behind the fields of the inode: extended attributes. */
  readonly rest: Buffer;
}

const SUPERBLOCK = 1024;
const SUPERBLOCK_SIZE = 1024;
const MAGIC_AT = 0x38;
const MAGIC = 0xef53;
const OLD_INODE_SIZE = 128;
const MAX_LOG_BLOCK_SIZE = 6;
const MIN_DESCRIPTOR = 32;
const MIN_LONG_DESCRIPTOR = 64;

const HAS_FILE_TYPES = 0x2;
const NEEDS_RECOVERY = 0x4;
const IS_LONG = 0x80;
const HAS_LARGE_DIRECTORIES = 0x4000;
/** What changes nothing for whoever reads by path: extents, flexible groups, checksums, inline data, encryption … */
const READABLE =
  HAS_FILE_TYPES |
  NEEDS_RECOVERY |
  IS_LONG |
  HAS_LARGE_DIRECTORIES |
  (0x40 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x8000 | 0x1_0000 | 0x2_0000);
/** Features that move things to other places. */
const UNREADABLE: readonly (readonly [number, string])[] = [
  [0x1, 'compression'],
  [0x8, 'a journal of its own'],
  [0x10, 'groups of group descriptors'],
  [0x1000, 'data in directories'],
];

const KINDS: Readonly<Record<number, Ext4Inode['kind']>> = {
  0x4000: 'directory',
  0x8000: 'file',
  0xa000: 'link',
};

/** What one image may cost: entries of maps and directories, and blocks. */
const MAX_STEPS = 2_000_000;

/** The methods throw {@link FormatError}. */
export class Ext4Volume {
  readonly blockSize: number;
  /** Entries of directories tell the length of their name in one octet. */
  readonly hasFileTypes: boolean;
  readonly inodeCount: number;
  readonly diagnostics: readonly Diagnostic[];
  readonly #image: Buffer;
  readonly #inodesPerGroup: number;
  readonly #inodeSize: number;
  readonly #descriptorSize: number;
  readonly #isLong: boolean;
  readonly #hasLargeDirectories: boolean;
  #steps = MAX_STEPS;

  constructor(image: Uint8Array) {
    const bytes = asBuffer(image);
    const head = bytes.subarray(SUPERBLOCK, SUPERBLOCK + SUPERBLOCK_SIZE);
    if (!isExt4(bytes)) throw new FormatError('malformed', 'no ext4 file system', SUPERBLOCK + MAGIC_AT);
    if (head.length < SUPERBLOCK_SIZE) throw new FormatError('truncated', 'superblock cut off', SUPERBLOCK);
    const features = head.readUInt32LE(0x60);
    checkFeatures(features);
    const logBlockSize = head.readUInt32LE(0x18);
    if (logBlockSize > MAX_LOG_BLOCK_SIZE) throw malformed('block size', 0x18);
    this.#image = bytes;
    this.blockSize = 1024 << logBlockSize;
    this.hasFileTypes = (features & HAS_FILE_TYPES) !== 0;
    this.inodeCount = head.readUInt32LE(0);
    this.#inodesPerGroup = head.readUInt32LE(0x28);
    if (this.#inodesPerGroup === 0) throw malformed('number of inodes', 0x28);
    this.#inodeSize = head.readUInt32LE(0x4c) === 0 ? OLD_INODE_SIZE : head.readUInt16LE(0x58);
    if (!isSize(this.#inodeSize, OLD_INODE_SIZE, this.blockSize)) throw malformed('inode size', 0x58);
    this.#isLong = (features & IS_LONG) !== 0;
    this.#descriptorSize = this.#isLong ? head.readUInt16LE(0xfe) : MIN_DESCRIPTOR;
    const least = this.#isLong ? MIN_LONG_DESCRIPTOR : MIN_DESCRIPTOR;
    if (!isSize(this.#descriptorSize, least, this.blockSize)) throw malformed('descriptor size', 0xfe);
    this.#hasLargeDirectories = (features & HAS_LARGE_DIRECTORIES) !== 0;
    const message = 'not unmounted cleanly: what its journal still holds is not read';
    this.diagnostics = (features & NEEDS_RECOVERY) !== 0 ? [{ level: 'error', code: 'stale', message }] : [];
  }

  /** To be called for whatever a damaged image could make us do again and again. */
  step(): void {
    if (this.#steps-- <= 0) throw new FormatError('limit', 'its maps and directories never end');
  }

  block(number: number): Buffer {
    this.step();
    return this.#bytes(number * this.blockSize, this.blockSize, `block ${number}`);
  }

  inode(number: number): Ext4Inode {
    if (number < 1 || number > this.inodeCount) throw new FormatError('malformed', `no inode ${number}`);
    this.step();
    const group = Math.floor((number - 1) / this.#inodesPerGroup);
    const at =
      this.#inodeTable(group) * this.blockSize + ((number - 1) % this.#inodesPerGroup) * this.#inodeSize;
    const bytes = this.#bytes(at, this.#inodeSize, `inode ${number}`);
    const mode = bytes.readUInt16LE(0) & 0xf000;
    if (mode === 0) throw new FormatError('malformed', `inode ${number} is not in use`, at);
    const kind = KINDS[mode] ?? 'other';
    const isLong = kind === 'file' || (kind === 'directory' && this.#hasLargeDirectories);
    const extra = bytes.length > OLD_INODE_SIZE ? bytes.readUInt16LE(OLD_INODE_SIZE) : 0;
    return {
      number,
      kind,
      size: bytes.readUInt32LE(4) + (isLong ? bytes.readUInt32LE(0x6c) * 2 ** 32 : 0),
      flags: bytes.readUInt32LE(0x20),
      map: bytes.subarray(0x28, 0x28 + 60),
      rest: bytes.subarray(OLD_INODE_SIZE + extra),
    };
  }

  #inodeTable(group: number): number {
    // The descriptors follow the superblock, which is never in the first block where that is of 1024 bytes.
    const start = (Math.floor(SUPERBLOCK / this.blockSize) + 1) * this.blockSize;
    const at = start + group * this.#descriptorSize;
    const descriptor = this.#bytes(at, this.#descriptorSize, `descriptor of group ${group}`);
    return descriptor.readUInt32LE(8) + (this.#isLong ? descriptor.readUInt32LE(0x28) * 2 ** 32 : 0);
  }

  #bytes(at: number, length: number, what: string): Buffer {
    if (at + length > this.#image.length) {
      throw new FormatError(
        'truncated',
        `${what} lies outside of the image`,
        Math.min(at, this.#image.length),
      );
    }
    return this.#image.subarray(at, at + length);
  }
}

export function isExt4(image: Uint8Array): boolean {
  const at = SUPERBLOCK + MAGIC_AT;
  return image.length >= at + 2 && asBuffer(image).readUInt16LE(at) === MAGIC;
}

function checkFeatures(features: number): void {
  const unknown = features & ~READABLE;
  if (unknown === 0) return;
  const named = UNREADABLE.filter(([bit]) => (unknown & bit) !== 0).map(([, name]) => name);
  const others = UNREADABLE.reduce((left, [bit]) => left & ~bit, unknown) >>> 0;
  if (others !== 0) named.push(`features 0x${others.toString(16)}`);
  const message = `an ext4 file system with ${named.join(', ')}, which is not read here`;
  throw new FormatError('unsupported', message, SUPERBLOCK + 0x60);
}

function isSize(size: number, least: number, most: number): boolean {
  return size >= least && size <= most && (size & (size - 1)) === 0;
}

function malformed(what: string, at: number): FormatError {
  return new FormatError('malformed', `impossible ${what} in the superblock`, SUPERBLOCK + at);
}
