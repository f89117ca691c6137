/** Finding directories by patterns, each of them once. */

import type { StoreLocation } from '../../core/store.ts';
import { oncePerTarget } from './once.ts';
import { FsError, type Target } from '../../core/target.ts';
import { exists, realPathOr } from './content.ts';

/** A directory with more names than this is not searched to its end. */
const MAX_MATCHES = 10_000;

/**
 * The paths that `pattern` stands for; `*` is any run of characters inside one name. Parts without `*` are not
 * looked up. Where a directory may not be listed, the part stays as it is: reading that path then tells.
 */
export function expandDirectories(target: Target, pattern: string): string[] {
  let paths = [''];
  for (const part of pattern.split('/').slice(1)) {
    if (!part.includes('*')) {
      paths = paths.map((path) => `${path}/${part}`);
      continue;
    }
    const [head = '', ...rest] = part.split('*');
    const tail = rest.at(-1) ?? '';
    const matches = (name: string): boolean =>
      name.startsWith(head) && name.endsWith(tail) && name.length >= head.length + tail.length;
    paths = paths.flatMap((path) =>
      (directoryNames(target, path, matches) ?? [part]).map((name) => `${path}/${name}`),
    );
  }
  return paths.slice(0, MAX_MATCHES);
}

/**
 * The same where the last part may stand for files too. What does not exist, or may not be listed, is left out;
 * `refused` is told about a directory that may not.
 */
export function expandPaths(
  target: Target,
  pattern: string,
  refused?: (directory: string) => void,
): string[] {
  const slash = pattern.lastIndexOf('/');
  const [head = '', ...rest] = pattern.slice(slash + 1).split('*');
  const directories = expandDirectories(target, pattern.slice(0, slash));
  if (rest.length === 0)
    return directories.map((path) => `${path}/${head}`).filter((path) => exists(target, path));
  const tail = rest.at(-1) ?? '';
  const matches = (name: string): boolean =>
    name.startsWith(head) && name.endsWith(tail) && name.length >= head.length + tail.length;
  return directories
    .flatMap((path) => {
      const names = directoryNames(target, path, matches, true);
      if (!names) refused?.(path);
      return (names ?? []).map((name) => `${path}/${name}`);
    })
    .slice(0, MAX_MATCHES);
}

function directoryNames(
  target: Target,
  path: string,
  matches: (name: string) => boolean,
  withFiles = false,
): string[] | undefined {
  try {
    return target.fs
      .list(path)
      .filter(
        ({ name, kind }) =>
          (kind === 'directory' || kind === 'link' || (withFiles && kind === 'file')) && matches(name),
      )
      .map(({ name }) => name);
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}

/** Locations that lead to one directory, by links or by several names, count once: the first stands. */
export function uniqueDirectories(target: Target, locations: readonly StoreLocation[]): StoreLocation[] {
  const seen = new Set<string>();
  return locations.filter(({ path }) => {
    const real = realPathOr(target, path);
    if (seen.has(real)) return false;
    seen.add(real);
    return true;
  });
}

const namesByHome = oncePerTarget((target) => {
  const names = (path: string): ReadonlySet<string> => new Set(directoryNames(target, path, () => true));
  return new Map(target.homes.map(({ path }) => [path, names(path)]));
});

/**
 * The paths that `patterns` (relative to the home) stand for. Most programs that could be there are not: a look at
 * the names in the home rules them out at once.
 */
export function expandInHome(target: Target, home: string, patterns: readonly string[]): string[] {
  const names = namesByHome(target).get(home);
  const possible = patterns.filter((pattern) => {
    const slash = pattern.indexOf('/');
    const first = slash < 0 ? pattern : pattern.slice(0, slash);
    return !names || names.has(first) || first.includes('*');
  });
  return possible.flatMap((pattern) => expandDirectories(target, `${home}/${pattern}`));
}
