/** Small text files of the target, in bounds: what is missing or refused is empty. */

import { asBuffer } from '../core/bytes.ts';
import { unlessRefused, type DirectoryEntry, type ReadFs } from '../core/target.ts';

/** Latin-1 keeps each byte: paths are compared byte for byte. */
export function readBytes(fs: ReadFs, path: string, maxBytes: number): Buffer {
  return asBuffer(unlessRefused(() => fs.read(path, maxBytes)) ?? new Uint8Array());
}

export function readText(fs: ReadFs, path: string, maxBytes = 1 << 20): string {
  return readBytes(fs, path, maxBytes).toString('utf8');
}

export function listNames(fs: ReadFs, path: string): readonly DirectoryEntry[] {
  return unlessRefused(() => fs.list(path)) ?? [];
}

/** The path without links, or the path itself where that cannot be told. */
export function realPathOr(fs: ReadFs, path: string): string {
  return unlessRefused(() => fs.realPath(path)) ?? path;
}
