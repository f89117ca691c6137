/** The exit codes: a promise to scripts. Documented in README.md. */

import type { Severity } from '../blocklist/advisory.ts';
import type { Report } from '../report/report.ts';
import { verdictOf } from '../report/verdict.ts';

export const EXIT = {
  /** Clean, and everything could be read. */
  clean: 0,
  /**
   * A root at or above the severity asked for that is trusted, or built into a program when `--deep` asked for that;
   * or the policy is violated. What is waived, or known from the baseline, does not count. `diff`: something changed.
   */
  findings: 1,
  /** Wrong usage, or the target or the blocklist cannot be read at all. */
  usage: 2,
  /** Nothing found, but a store that exists could not be read, so "clean" cannot be claimed. */
  incomplete: 3,
} as const;

/** Of several targets. */
export function worstOf(codes: Iterable<number>): number {
  const given = new Set(codes);
  return [EXIT.usage, EXIT.findings, EXIT.incomplete].find((code) => given.has(code)) ?? EXIT.clean;
}

export interface ExitRules {
  readonly failOn: Severity;
  readonly allowIncomplete: boolean;
}

export function exitCodeOf(report: Report, { failOn, allowIncomplete }: ExitRules): number {
  const verdict = verdictOf(report, failOn);
  return verdict === 'incomplete' && allowIncomplete ? EXIT.clean : EXIT[verdict];
}

/** For who reads a report without having seen the process end. */
export function exitMeaning(code: number, isComplete: boolean): string {
  if (code === EXIT.clean && !isComplete)
    return 'Nothing was found that fails the scan; not everything could be read, which is allowed.';
  return MEANINGS[code] ?? '';
}

const MEANINGS: Readonly<Record<number, string>> = {
  [EXIT.clean]: 'Nothing was found that fails the scan, and everything could be read.',
  [EXIT.findings]:
    'What was found fails the scan: a root at or above the severity asked for, or a violation of the policy.',
  [EXIT.usage]: 'A target could not be read at all.',
  [EXIT.incomplete]: 'Nothing was found in what could be read, but not everything could.',
};
