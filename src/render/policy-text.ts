/** What the policy and the baseline say, for people. */

import { count, visible } from '../core/text.ts';
import { isAccepted, isAlarm } from '../report/acceptance.ts';
import type { PolicySummary, Report, Violation } from '../report/report.ts';
import { grid, type Row } from './grid.ts';
import { locationsText, remediationText } from './place-text.ts';
import { shortName } from './shared/words.ts';
import { paragraph, symbolsFor, type Palette, type Style } from './style.ts';

export const KIND_WORDS: Readonly<Record<Violation['kind'], string>> = {
  forbidden: 'FORBIDDEN',
  'not-allowed': 'NOT ALLOWED',
  missing: 'MISSING',
  'expired-waiver': 'EXPIRED WAIVER',
  unrecognised: 'UNRECOGNISED',
};

/** A policy of `only` can object to every root of a machine; --verbose and the other formats have them all. */
const MAX_SHOWN = 20;

/** A block for each violation that fails. */
export function violationsText(report: Report, paint: Palette, style: Style): readonly string[] {
  const failing = failingOf(report);
  const shown = style.verbose ? failing : failing.slice(0, MAX_SHOWN);
  const rest = failing.length - shown.length;
  return [
    ...shown.map((violation) => violationText(violation, report, paint, style)),
    ...(rest > 0
      ? [
          `${symbolsFor(style).dots} and ${count(rest, 'more violation')} of the policy (--verbose prints them)`,
        ]
      : []),
  ];
}

function failingOf({ policy }: Report): readonly Violation[] {
  return policy?.violations.filter((violation) => !isAccepted(violation)) ?? [];
}

function violationText(violation: Violation, report: Report, paint: Palette, style: Style): string {
  const { kind, message, certificate, locations, missingFrom, remediations, reason } = violation;
  const badge = paint.severity('high', ` ${KIND_WORDS[kind]} `);
  const subject = certificate ? certificate.subject || '(no readable name)' : violation.rule;
  const place = placeOf(report.policy, violation);
  return [
    `${badge} ${paint.strong(visible(subject))}${place === '' ? '' : `  ${paint.faint(visible(place))}`}`,
    paragraph(message, style.width),
    ...(reason === undefined ? [] : [paragraph(`Reason: ${reason}`, style.width)]),
    ...(violation.owner === undefined ? [] : [paragraph(`Owner: ${violation.owner}`, style.width)]),
    ...(certificate ? [paint.faint(`  SHA-256 ${certificate.sha256}`)] : []),
    ...(locations.length > 0 ? ['', locationsText(locations, report, paint, style)] : []),
    ...(missingFrom.length > 0 ? ['', missingText(missingFrom, report, style)] : []),
    ...remediations.flatMap((remediation) => ['', remediationText(remediation, paint, style)]),
  ].join('\n');
}

/** "rootaudit.yaml:12" */
function placeOf(policy: PolicySummary | undefined, { line }: Violation): string {
  if (policy === undefined || policy.file === '') return '';
  return line === 0 ? policy.file : `${policy.file}:${line}`;
}

function missingText(stores: readonly string[], report: Report, style: Style): string {
  const wanted = new Set(stores);
  const rows = report.stores
    .filter(({ id }) => wanted.has(id))
    .map(({ path, application, status }): Row => [
      status === 'read' ? 'missing' : `not found, ${status}`,
      visible(path),
      visible(application),
    ]);
  return grid(rows, style);
}

/** A line for each finding and violation that is waived or known. */
export function acceptedText({ findings, policy }: Report, paint: Palette, style: Style): string {
  const accepted = [...findings, ...(policy?.violations ?? [])].filter(isAccepted);
  const rows = accepted
    .filter(() => !style.verbose)
    .map((each): Row => {
      const { waiver, certificate } = each;
      const words = waiver
        ? `waived until ${waiver.expires} by ${waiver.owner}: ${waiver.reason}`
        : 'known from the baseline';
      return [
        paint.faint('severity' in each ? each.severity : KIND_WORDS[each.kind].toLowerCase()),
        certificate ? certificate.sha256.slice(0, 8) : '',
        visible(certificate ? shortName(certificate.subject) : 'rule' in each ? each.rule : '', 40),
        paint.faint('advisory' in each && each.advisory !== undefined ? each.advisory : ''),
        visible(words, 160),
      ];
    });
  return rows.length === 0 ? '' : ['Accepted', grid(rows, style)].join('\n');
}

export function policyNotesText({ policy }: Report, style: Style): string {
  if (policy === undefined || policy.notes.length === 0) return '';
  return ['About the policy', ...policy.notes.map((note) => paragraph(note, style.width))].join('\n');
}

/** What is to be added to the last line. */
export function policyVerdict(report: Report, paint: Palette): string {
  const failing = failingOf(report).length;
  const listed = report.findings.filter((finding) => isAccepted(finding) && !isAlarm(finding));
  const waived = listed.filter(({ waiver }) => waiver !== undefined).length;
  const known = listed.length - waived;
  return [
    ...(waived > 0 ? [` ${waived} of them waived.`] : []),
    ...(known > 0 ? [` ${known} of them known from the baseline.`] : []),
    ...(failing > 0 ? [paint.bad(` ${count(failing, 'violation')} of the policy.`)] : []),
  ].join('');
}
