/** The exit codes: a promise to scripts. Documented in README.md. */

import type { Severity } from '../blocklist/advisory.ts';
import { severityRank } from '../match/matcher.ts';
import type { Report } from '../report/report.ts';

export const EXIT = {
  /** Clean, and everything could be read. */
  clean: 0,
  /** A root at or above the severity asked for that is trusted, or built into a program when `--deep` asked for that. */
  findings: 1,
  /** Wrong usage, or the target or the blocklist cannot be read at all. */
  usage: 2,
  /** Nothing found, but a store that exists could not be read, so "clean" cannot be claimed. */
  incomplete: 3,
} as const;

export interface ExitRules {
  readonly failOn: Severity;
  readonly allowIncomplete: boolean;
}

export function exitCodeOf({ findings, complete }: Report, { failOn, allowIncomplete }: ExitRules): number {
  const failing = findings.some(
    ({ status, severity }) =>
      (status === 'trusted' || status === 'embedded') && severityRank(severity) >= severityRank(failOn),
  );
  if (failing) return EXIT.findings;
  return complete || allowIncomplete ? EXIT.clean : EXIT.incomplete;
}
