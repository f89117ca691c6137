/**
 * The files of a directory of an ext4 (or ext2, ext3) file system in memory, such as an image inside of an archive.
 * Directories are read from their first block to their last: the index that large ones have looks like unused entries.
 */

import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import { hasInlineData, inlineParts, readContent } from './ext4-content.ts';
import { Ext4Volume, type Ext4Inode } from './ext4-volume.ts';

export interface Ext4File {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Ext4Limits {
  readonly maxFileBytes: number;
  readonly maxFiles: number;
  /** Of all files together: many names may lead to the same blocks. */
  readonly maxTotalBytes: number;
}

const ROOT_INODE = 2;
const MAX_DIRECTORY_BYTES = 16 << 20;
const MAX_DIAGNOSTICS = 100;
const MAX_NAMES = 100_000;
const ENTRY_HEADER = 8;
/** Of an inline directory: the inode of its parent. */
const INLINE_PARENT = 4;

interface Entry {
  readonly name: string;
  readonly inode: number;
}

/** Regular files directly in the directory, by their names; empty where there is no such directory. No link is followed. */
export function readExt4Directory(image: Uint8Array, path: string, limits: Ext4Limits): Parsed<Ext4File> {
  const entries: Ext4File[] = [];
  const diagnostics: Diagnostic[] = [];
  const fail = (error: unknown, about = ''): void => {
    const diagnostic = toDiagnostic(error);
    const message = about === '' ? diagnostic.message : `${about}: ${diagnostic.message}`;
    if (diagnostics.length < MAX_DIAGNOSTICS) diagnostics.push({ ...diagnostic, message });
  };
  try {
    const volume = new Ext4Volume(image);
    diagnostics.push(...volume.diagnostics);
    const directory = findDirectory(volume, path, fail);
    // What was read before a bound was met stays.
    if (directory) for (const file of readFiles(volume, directory, limits, fail)) entries.push(file);
  } catch (error) {
    fail(error);
  }
  return { entries, diagnostics };
}

type Fail = (error: unknown, about?: string) => void;

function findDirectory(volume: Ext4Volume, path: string, fail: Fail): Ext4Inode | undefined {
  let inode = volume.inode(ROOT_INODE);
  if (inode.kind !== 'directory') throw new FormatError('malformed', 'its root is no directory');
  for (const part of path.split('/').filter((name) => name !== '')) {
    const entry = namesIn(volume, inode, fail).find(({ name }) => name === part);
    if (!entry) return undefined;
    inode = volume.inode(entry.inode);
    if (inode.kind === 'link') {
      throw new FormatError('unsupported', `${part} is a symbolic link, which is not followed here`);
    }
    if (inode.kind !== 'directory') return undefined;
  }
  return inode;
}

function* readFiles(
  volume: Ext4Volume,
  directory: Ext4Inode,
  { maxFileBytes, maxFiles, maxTotalBytes }: Ext4Limits,
  fail: Fail,
): Generator<Ext4File> {
  let [files, total] = [0, 0];
  const names = namesIn(volume, directory, fail).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of names) {
    try {
      const inode = volume.inode(entry.inode);
      if (inode.kind === 'link') {
        throw new FormatError('unsupported', 'a symbolic link, which is not followed here');
      }
      if (inode.kind !== 'file') continue;
      if (++files > maxFiles) return fail(new FormatError('limit', `more than ${maxFiles} files`));
      total += Math.min(inode.size, maxFileBytes);
      if (total > maxTotalBytes)
        return fail(new FormatError('limit', `more than ${maxTotalBytes} bytes in its files together`));
      yield { name: entry.name, bytes: readContent(volume, inode, maxFileBytes) };
    } catch (error) {
      fail(error, entry.name);
      if (isLimit(error)) return;
    }
  }
}

function isLimit(error: unknown): boolean {
  return error instanceof FormatError && error.code === 'limit';
}

/** What is damaged of a directory is told; the rest of it is read. */
function namesIn(volume: Ext4Volume, directory: Ext4Inode, fail: Fail): Entry[] {
  const names: Entry[] = [];
  for (const block of blocksOf(volume, directory)) {
    try {
      for (const entry of entriesOf(volume, block)) {
        if (entry.name === '.' || entry.name === '..') continue;
        if (names.length >= MAX_NAMES) throw new FormatError('limit', `more than ${MAX_NAMES} names`);
        names.push(entry);
      }
    } catch (error) {
      fail(error);
      if (isLimit(error)) break;
    }
  }
  return names;
}

function* blocksOf(volume: Ext4Volume, directory: Ext4Inode): Generator<Buffer> {
  const content = readContent(volume, directory, MAX_DIRECTORY_BYTES);
  if (hasInlineData(directory)) {
    const [first, second] = inlineParts(directory);
    if (first) yield first.subarray(INLINE_PARENT);
    if (second && second.length > 0) yield second;
    return;
  }
  for (let at = 0; at < content.length; at += volume.blockSize) {
    yield content.subarray(at, at + volume.blockSize);
  }
}

function* entriesOf(volume: Ext4Volume, block: Buffer): Generator<Entry> {
  for (let at = 0; at < block.length;) {
    volume.step();
    if (block.length - at < ENTRY_HEADER) throw damaged();
    const inode = block.readUInt32LE(at);
    const length = entryLength(block.readUInt16LE(at + 4), volume.blockSize);
    const nameLength = volume.hasFileTypes ? block.readUInt8(at + 6) : block.readUInt16LE(at + 6);
    if (length < ENTRY_HEADER || length > block.length - at) throw damaged();
    if (inode !== 0) {
      if (nameLength === 0 || ENTRY_HEADER + nameLength > length || inode > volume.inodeCount)
        throw damaged();
      yield { name: block.toString('utf8', at + ENTRY_HEADER, at + ENTRY_HEADER + nameLength), inode };
    }
    at += length;
  }
}

/** Blocks of 64 KiB are longer than the field can tell. */
function entryLength(told: number, blockSize: number): number {
  if (blockSize < 0x1_0000) return told;
  return told === 0 || told === 0xffff ? blockSize : (told & 0xfffc) | ((told & 3) << 16);
}

function damaged(): FormatError {
  return new FormatError('malformed', 'damaged directory');
}
