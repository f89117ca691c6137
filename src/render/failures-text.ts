/** What `--quiet` leaves of a report: a line for each reason why it fails. */

import { visible } from '../core/text.ts';
import { isAccepted, isAlarm } from '../report/acceptance.ts';
import type { Report } from '../report/report.ts';
import { grid, type Row } from './grid.ts';
import { KIND_WORDS } from './policy-text.ts';
import type { Reports } from './renderer.ts';
import { isAtLeast, shortName, STATUS_WORDS } from './shared/words.ts';
import { paletteFor, type Style } from './style.ts';

/** Nothing at all when there is none. */
export function failuresText(reports: Reports, style: Style): string {
  const several = reports.length > 1;
  const rows = Array.from(reports, (report) => {
    const target = several ? [visible(report.target.reference)] : [];
    return rowsOf(report, style).map((row): Row => [...target, ...row]);
  }).flat();
  return rows.length === 0 ? '' : `${grid(rows, style).replaceAll(/^ {2}/gm, '')}\n`;
}

function rowsOf({ findings, policy }: Report, style: Style): readonly Row[] {
  const { failOn = 'medium' } = style;
  const paint = paletteFor(style);
  const violations = policy?.violations.filter((violation) => !isAccepted(violation)) ?? [];
  return [
    ...findings
      .filter((finding) => isAlarm(finding) && isAtLeast(finding.severity, failOn))
      .map(({ severity, status, certificate, advisory }): Row => [
        paint.severity(severity, severity),
        STATUS_WORDS[status],
        certificate.sha256.slice(0, 16),
        visible(shortName(certificate.subject), 60),
        advisory,
      ]),
    ...violations.map(({ kind, certificate, rule, message }): Row => [
      paint.bad(KIND_WORDS[kind].toLowerCase()),
      '',
      certificate?.sha256.slice(0, 16) ?? '',
      visible(certificate ? shortName(certificate.subject) : rule, 60),
      visible(message, 200),
    ]),
  ];
}
