/** Small text files of the target, in bounds: what is missing or refused is empty. */

import { FsError, type DirectoryEntry, type ReadFs } from '../core/target.ts';

/** Latin-1 keeps each byte: paths are compared byte for byte. */
export function readBytes(fs: ReadFs, path: string, maxBytes: number): Buffer {
  try {
    const bytes = fs.read(path, maxBytes);
    return bytes ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) : Buffer.alloc(0);
  } catch (error) {
    if (error instanceof FsError) return Buffer.alloc(0);
    throw error;
  }
}

export function readText(fs: ReadFs, path: string, maxBytes = 1 << 20): string {
  return readBytes(fs, path, maxBytes).toString('utf8');
}

export function listNames(fs: ReadFs, path: string): readonly DirectoryEntry[] {
  try {
    return fs.list(path);
  } catch (error) {
    if (error instanceof FsError) return [];
    throw error;
  }
}

/** The path without links, or the path itself where that cannot be told. */
export function realPathOr(fs: ReadFs, path: string): string {
  try {
    return fs.realPath(path) ?? path;
  } catch (error) {
    if (error instanceof FsError) return path;
    throw error;
  }
}
