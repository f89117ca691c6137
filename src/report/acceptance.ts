/** What of a report is an alarm: trusted, and neither waived by the policy nor known from the baseline. */

import type { Finding, FindingStatus, Violation } from './report.ts';

/** Trusted, or in a program that may trust it. */
export function isEffective(trust: FindingStatus): boolean {
  return trust === 'trusted' || trust === 'embedded';
}

export function isAccepted({ waiver, known }: Pick<Finding | Violation, 'waiver' | 'known'>): boolean {
  return waiver !== undefined || known === true;
}

/** An alarm that is told in full. Of one that is of low or info severity a line says enough. */
export function isUrgent(finding: Pick<Finding, 'status' | 'severity' | 'waiver' | 'known'>): boolean {
  return isAlarm(finding) && finding.severity !== 'low' && finding.severity !== 'info';
}

export function isAlarm(finding: Pick<Finding, 'status' | 'waiver' | 'known'>): boolean {
  return isEffective(finding.status) && !isAccepted(finding);
}
