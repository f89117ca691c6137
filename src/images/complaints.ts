/** What is wrong with the entries of a layer: hostile ones have a million, so each kind is told once, with its number. */

import type { Problem, ProblemCode } from '../core/errors.ts';
import { count, visible } from '../core/text.ts';
import { fromLatin1 } from './latin1.ts';

/** Kind of complaint: the code it gets and its words, after "3 entries left out". */
const KINDS = {
  'parent-parts': ['malformed', 'for `..` in the name'],
  nul: ['malformed', 'for a NUL character in the name'],
  long: ['too-large', 'for a name that is too long for any file system'],
  'empty-whiteout': ['malformed', 'for hiding a file without a name'],
  'below-file': ['malformed', 'for lying below something that is no directory'],
  'below-loop': ['link-loop', 'for lying below links that never end'],
  'hard-link': ['malformed', 'for being a hard link to nothing'],
  root: ['malformed', 'for replacing the root by something that is no directory'],
  'too-many': ['limit', 'because there are too many names'],
} as const satisfies Readonly<Record<string, readonly [ProblemCode, string]>>;

export type Complaint = keyof typeof KINDS;

const SHOWN = 200;

export class Complaints {
  readonly #found = new Map<Complaint, { readonly first: string; count: number }>();

  /** `path` in one character per byte. */
  add(complaint: Complaint, path: string): void {
    const known = this.#found.get(complaint);
    if (known) known.count++;
    else this.#found.set(complaint, { first: path.slice(0, SHOWN), count: 1 });
  }

  /** `place` is what the problems are about, such as a layer. */
  problems(place: string): Problem[] {
    return Array.from(this.#found, ([complaint, { first, count: n }]) => {
      const [code, words] = KINDS[complaint];
      const which = n === 1 ? '' : 'the first ';
      const message = `${count(n, 'entry', 'entries')} left out ${words}: ${which}${visible(fromLatin1(first), SHOWN)}`;
      return { code, path: place, message };
    });
  }
}
