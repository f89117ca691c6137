/** What of a report is an alarm: trusted, and neither waived by the policy nor known from the baseline. */

import type { Finding, FindingStatus, Violation } from './report.ts';

/** Trusted, or in a program that may trust it. */
export function isEffective(trust: FindingStatus): boolean {
  return trust === 'trusted' || trust === 'embedded';
}

export function isAccepted({ waiver, known }: Pick<Finding | Violation, 'waiver' | 'known'>): boolean {
  return waiver !== undefined || known === true;
}

export function isAlarm(finding: Pick<Finding, 'status' | 'waiver' | 'known'>): boolean {
  return isEffective(finding.status) && !isAccepted(finding);
}
