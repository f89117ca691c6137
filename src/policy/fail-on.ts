/** `fail-on`, in the policy and on the command line. */

import { SEVERITIES, type Severity } from '../blocklist/advisory.ts';
import { UNRECOGNISED, type FailOn } from './policy.ts';

export const FAIL_ON_WORDS: readonly string[] = [...SEVERITIES, UNRECOGNISED];

const isSeverity = (word: string): word is Severity => SEVERITIES.some((severity) => severity === word);

/** Words that are all of {@link FAIL_ON_WORDS}; undefined when there are two severities. */
export function failOnOf(words: readonly string[]): FailOn | undefined {
  const [severity, ...others] = words.filter(isSeverity);
  if (others.length > 0) return undefined;
  return { ...(severity && { severity }), unrecognised: words.includes(UNRECOGNISED) };
}
