/** What tells whether a file or directory is still the one it was, without reading it. */

import { lstatSync, readdirSync, statSync, type Dirent } from 'node:fs';
import { encodePath } from '../core/shell.ts';
import type { DirectoryEntry } from '../core/target.ts';

/** Bytes where the name is not UTF-8. */
export type HostPath = string | Buffer;

export function joinPath(directory: HostPath, name: string): HostPath {
  if (name === '') return directory;
  const isText = typeof directory === 'string' && !/[\udc80-\udcff]/.test(name);
  if (isText) return `${directory}/${name}`;
  const start = typeof directory === 'string' ? Buffer.from(directory) : directory;
  return Buffer.concat([start, Buffer.from('/'), encodePath(name)]);
}

/**
 * Which directory lies there; undefined when none does that may be entered. Numbers of inodes are used again: another
 * one may look the same.
 */
export function identityOf(path: HostPath): string | undefined {
  try {
    const stat = statSync(path);
    return stat.isDirectory() ? `${stat.dev} ${stat.ino}` : undefined;
  } catch {
    return undefined;
  }
}

/** Changes with each change of the file, or of the names in the directory. */
export function stampOf(path: HostPath): string {
  try {
    const { ino, mode, size, mtimeMs, ctimeMs } = lstatSync(path);
    return `${ino} ${mode} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'error';
  }
}

/** More are not worth comparing. */
const MAX_ENTRIES = 10_000;

/** The same names of the same kinds. False where that is not certain. */
export function isSameListing(directory: HostPath, entries: readonly DirectoryEntry[]): boolean {
  if (entries.length > MAX_ENTRIES) return false;
  const kinds = new Map(entries.map(({ name, kind }) => [name, kind]));
  try {
    const now = readdirSync(directory, { withFileTypes: true });
    return now.length === kinds.size && now.every((entry) => kinds.get(entry.name) === kindOf(entry));
  } catch {
    return false;
  }
}

function kindOf(entry: Dirent): DirectoryEntry['kind'] {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  return entry.isSymbolicLink() ? 'link' : 'other';
}
