/** The advisories that somebody may have meant. */

import { didYouMean } from '../core/suggest.ts';
import type { Blocklist } from './load.ts';

const MOST_TITLES = 3;

/** "Did you mean kazakhstan?", or undefined. A person remembers Qaznet, which is not the id of its advisory. */
export function meantAdvisories(text: string, blocklist: Blocklist): string | undefined {
  const ids = blocklist.advisoryIds();
  const slip = didYouMean(text, ids);
  const word = text.trim().toLowerCase();
  if (slip !== undefined || word.length < 4) return slip;
  const about = ids
    .filter((id) => blocklist.advisory(id)?.title.toLowerCase().includes(word))
    .slice(0, MOST_TITLES);
  return about.length === 0 ? undefined : `Did you mean ${about.join(' or ')}?`;
}
