/** The word that somebody may have meant in a policy. */

import { nearest as nearestSpelling } from '../core/suggest.ts';

/** What people write for a key of ours. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['fingerprint', 'sha256'],
  ['hash', 'sha256'],
  ['key', 'spki'],
  ['spki-sha256', 'spki'],
  ['organization', 'organisation'],
  ['org', 'organisation'],
  ['cn', 'subject'],
  ['name', 'subject'],
  ['store', 'stores'],
  ['type', 'stores'],
  ['path', 'paths'],
  ['glob', 'paths'],
  ['id', 'advisory'],
  ['until', 'expires'],
  ['expiry', 'expires'],
  ['expiration', 'expires'],
  ['justification', 'reason'],
  ['comment', 'reason'],
  ['severity', 'fail-on'],
  ['deny', 'forbid'],
  ['block', 'forbid'],
  ['ignore', 'waivers'],
  ['ignores', 'waivers'],
  ['suppressions', 'waivers'],
  ['exceptions', 'waivers'],
  ['required', 'require'],
  ['unrecognized', 'unrecognised'],
]);

/** The one of `words` that `word` is likely a slip of, or another name for; undefined when none is near. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  const known = [...words];
  const synonym = SYNONYMS.get(word.toLowerCase().replaceAll('_', '-'));
  return synonym !== undefined && known.includes(synonym) ? synonym : nearestSpelling(word, known);
}
