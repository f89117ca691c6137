/** Every regular file below some directories. Links are not followed, so nothing is met twice and nothing outside. */

import type { Problem } from '../core/errors.ts';
import { FsError, type DirectoryEntry, type Target } from '../core/target.ts';

/** No files, but views of the system. */
const NOT_FILES: ReadonlySet<string> = new Set(['/proc', '/sys', '/dev']);
const MAX_FILES = 5_000_000;
const MAX_DEPTH = 100;
/** A tree that may not be entered is told about once for each directory; the rest is only counted. */
const MAX_PROBLEMS = 1000;

/** Problems in bounds: the first ones in full, then how many more there are. */
export class ProblemList {
  readonly #problems: Problem[] = [];
  #more = 0;

  add(problem: Problem): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem);
    else this.#more++;
  }

  /** A refusal by the file system; any other error is rethrown. */
  addError(error: unknown): void {
    if (!(error instanceof FsError)) throw error;
    const code = error.code === 'link-loop' || error.code === 'too-large' ? error.code : 'unreadable';
    this.add({ code, path: error.path, message: error.message });
  }

  all(): readonly Problem[] {
    const [first] = this.#problems;
    if (this.#more === 0 || !first) return this.#problems;
    const message = `and ${this.#more} more problems inside of programs`;
    return [...this.#problems, { code: 'limit', path: first.path, message }];
  }
}

export function* walkPrograms(
  { fs }: Target,
  directories: readonly string[],
  problems: ProblemList,
): Generator<string> {
  let files = 0;
  // A stack of our own: the depth of a hostile tree must not become ours.
  const open = directories.toReversed().map((path) => ({ path, depth: 0 }));
  for (let next = open.pop(); next; next = open.pop()) {
    const { path, depth } = next;
    const below: { path: string; depth: number }[] = [];
    if (depth === 0 && isFile(fs, path)) yield path;
    for (const { name, kind } of list(fs, path, problems)) {
      const child = path === '/' ? `/${name}` : `${path}/${name}`;
      if (kind === 'directory' && !NOT_FILES.has(child)) below.push({ path: child, depth: depth + 1 });
      if (kind !== 'file') continue;
      if (++files > MAX_FILES) {
        problems.add({
          code: 'limit',
          path: child,
          message: `more than ${MAX_FILES} files; the rest was not looked at`,
        });
        return;
      }
      yield child;
    }
    if (depth < MAX_DEPTH) open.push(...below.toReversed());
    else if (below.length > 0) {
      problems.add({ code: 'limit', path, message: `directories more than ${MAX_DEPTH} deep` });
    }
  }
}

function list(fs: Target['fs'], path: string, problems: ProblemList): readonly DirectoryEntry[] {
  try {
    return fs.list(path);
  } catch (error) {
    problems.addError(error);
    return [];
  }
}

/** A file may be named instead of a directory. */
function isFile(fs: Target['fs'], path: string): boolean {
  try {
    return fs.kind(path) === 'file';
  } catch (error) {
    // Listing it tells what is wrong.
    if (error instanceof FsError) return false;
    throw error;
  }
}
