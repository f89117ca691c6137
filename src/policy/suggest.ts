/** The word that somebody may have meant. */

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

/** Longer words are never compared: the cost is the product of the lengths. */
const MAX_LENGTH = 64;

/** The one of `words` that `word` is likely a slip of; undefined when none is near. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  const known = [...words];
  const folded = word.toLowerCase().replaceAll('_', '-');
  const synonym = SYNONYMS.get(folded);
  if (synonym !== undefined && known.includes(synonym)) return synonym;
  if (word.length > MAX_LENGTH) return undefined;
  let best: string | undefined;
  let least = Math.min(3, Math.floor(word.length / 2) + 1);
  for (const candidate of known) {
    if (Math.abs(candidate.length - folded.length) >= least) continue;
    const distance = editDistance(folded, candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Letters to insert, remove, change, or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
