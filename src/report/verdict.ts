/** What a report comes to: the exit code of a scan in a word. */

import type { Severity } from '../blocklist/advisory.ts';
import { severityRank } from '../match/matcher.ts';
import { isAccepted, isAlarm } from './acceptance.ts';
import type { Report } from './report.ts';

/**
 * findings: a root at or above the severity asked for is trusted (or built into a program), or the policy is violated;
 * what is waived, or known from the baseline, does not count. incomplete: nothing was found, but not everything could
 * be read, so "clean" cannot be claimed.
 */
export type Verdict = 'clean' | 'findings' | 'incomplete';

export function verdictOf({ findings, policy, complete }: Report, failOn: Severity): Verdict {
  const failing = findings.some(
    (finding) => isAlarm(finding) && severityRank(finding.severity) >= severityRank(failOn),
  );
  const violated = policy?.violations.some((violation) => !isAccepted(violation)) ?? false;
  if (failing || violated) return 'findings';
  return complete ? 'clean' : 'incomplete';
}
