/**
 * What an audit looked at, and so what it depends on: a change anywhere else cannot change its result. Also names that
 * are not there (yet), which is where a store would appear.
 */

import type { DirectoryEntry } from '../core/target.ts';
import type { LookObserver } from '../targets/directory-fs.ts';

interface Looked {
  readonly names: Set<string>;
  /** Everything in it, where it was listed. */
  entries?: readonly DirectoryEntry[];
}

export class Interest implements LookObserver {
  /** By path in the target, without links. */
  readonly directories = new Map<string, Looked>();

  looked(directory: string, name: string): void {
    this.#at(directory).names.add(name);
  }

  listed(directory: string, entries: readonly DirectoryEntry[]): void {
    this.#at(directory).entries = entries;
  }

  #at(directory: string): Looked {
    const known = this.directories.get(directory);
    if (known) return known;
    const looked: Looked = { names: new Set() };
    this.directories.set(directory, looked);
    return looked;
  }
}
