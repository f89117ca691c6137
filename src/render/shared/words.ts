/** Words and small reckonings that several formats share. */

import { SEVERITIES, type Severity } from '../../blocklist/advisory.ts';
import { visible } from '../../core/text.ts';
import type {
  Finding,
  FindingStatus,
  Location,
  Report,
  StoreSummary,
  Violation,
} from '../../report/report.ts';

export const STATUS_WORDS: Readonly<Record<FindingStatus, string>> = {
  trusted: 'trusted',
  embedded: 'built into a program',
  present: 'held but not trusted',
  deleted: 'deleted by an upper layer',
  mitigated: 'distrusted here',
};

/** A file that `rootaudit check` was given trusts nothing by itself. */
export function statusWords({ trust }: Location, store: StoreSummary | undefined): string {
  return store?.type === 'certificate-file' && trust === 'trusted' ? 'held' : STATUS_WORDS[trust];
}

export const MATCH_WORDS: Readonly<Record<Finding['match'], string>> = {
  certificate: 'this very certificate is on the blocklist',
  body: 'the same certificate, encoded in another way, is on the blocklist',
  key: 'its key is on the blocklist',
  issuer: 'it is signed by a key on the blocklist',
  name: 'suspected: it is named like one',
};

/** Why a place where a listed root is trusted is no failure, in plain words. */
export function acceptance(
  { waiver, known: allKnown }: Pick<Finding | Violation, 'waiver' | 'known'>,
  { waived, known = allKnown }: Pick<Location, 'waived' | 'known'> = {},
): string | undefined {
  if (waived === true || waiver) {
    const details = waiver
      ? ` until ${waiver.expires} by ${waiver.owner}: ${waiver.reason}`
      : ' by the policy';
    return `waived${details}`;
  }
  return known === true ? 'known from the baseline' : undefined;
}

export function isAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
}

/** "1 critical, 2 low": worst first. */
export function severityCounts(severities: readonly Severity[]): string {
  return SEVERITIES.toReversed()
    .map((severity) => [severities.filter((each) => each === severity).length, severity] as const)
    .filter(([n]) => n > 0)
    .map(([n, severity]) => `${n} ${severity}`)
    .join(', ');
}

export function worstOf(severities: Iterable<Severity>): Severity {
  let worst: Severity = 'info';
  for (const severity of severities) if (isAtLeast(severity, worst)) worst = severity;
  return worst;
}

/** The common name, or whatever comes first. */
export function shortName(subject: string): string {
  const first = /(?:^|,)CN=((?:[^,\\]|\\.)*)/.exec(subject)?.[1] ?? subject;
  return first.replaceAll(/\\(.)/g, '$1') || '(no readable name)';
}

/** What the targets, one after the other, are called where their names have to tell them apart: visible, and each another. */
export function targetNamer(live: string): (report: Pick<Report, 'target'>) => string {
  const taken = new Set<string>();
  return ({ target }) => {
    const name = target.kind === 'live' ? live : visible(target.reference, 200);
    let free = name;
    for (let n = 2; taken.has(free); n++) free = `${name} (${n})`;
    taken.add(free);
    return free;
  };
}

/** A date of a certificate if it is one that a calendar has; what a certificate claims may be 30 February. */
export function properDate(time: string | null): string | undefined {
  if (time === null) return undefined;
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return undefined;
  return date.toISOString().slice(0, 19) === time.slice(0, 19) ? time : undefined;
}
