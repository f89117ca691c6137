/** Windows does not tell names apart by case; a Windows disk mounted elsewhere may. */

import type { ReadFs } from './target.ts';

/**
 * The path as the file system spells it, whatever the case of its names; undefined when there is nothing. The exact
 * spelling is tried first. Throws FsError where a directory may not be looked into.
 */
export function findPath(fs: ReadFs, path: string): string | undefined {
  if (fs.kind(path) !== undefined) return path;
  const slash = path.lastIndexOf('/');
  if (slash < 0 || path === '/') return undefined;
  const parent = slash === 0 ? '/' : findPath(fs, path.slice(0, slash));
  if (parent === undefined) return undefined;
  const name = path.slice(slash + 1).toLowerCase();
  const found = fs.list(parent).find((entry) => entry.name.toLowerCase() === name);
  return found && `${parent === '/' ? '' : parent}/${found.name}`;
}
