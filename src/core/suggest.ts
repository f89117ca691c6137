/** The names that somebody may have meant. */

/** Longer words are never compared: the cost is the product of the lengths. */
const MAX_LENGTH = 64;

/** The one of `words` that `word` is likely a slip of; undefined when none is near. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const folded = word.toLowerCase().replaceAll('_', '-');
  let best: string | undefined;
  let least = Math.min(3, Math.floor(word.length / 2) + 1);
  for (const candidate of words) {
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

const MOST = 3;
/** Shorter words are part of too many names. */
const LEAST_LETTERS = 4;

/** "Did you mean superfish?", or undefined. A slip of the keys first, then names that have the word in them. */
export function didYouMean(word: string, names: readonly string[]): string | undefined {
  const slip = nearest(word, names);
  const folded = word.toLowerCase();
  const holding =
    folded.length < LEAST_LETTERS || folded.length > MAX_LENGTH
      ? []
      : names.filter((name) => name.toLowerCase().includes(folded));
  const meant = [...new Set([...(slip === undefined ? [] : [slip]), ...holding])].slice(0, MOST);
  return meant.length === 0 ? undefined : `Did you mean ${meant.join(' or ')}?`;
}
