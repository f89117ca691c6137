/** Which of the certificates that a target holds are to go: by fingerprint, by advisory, or by severity. */

import { groupBy } from '../core/collections.ts';
import type { Severity } from '../blocklist/advisory.ts';
import { parseSha256, type Sha256 } from '../core/certificate.ts';
import { RootauditError } from '../core/errors.ts';
import { trustStatus } from '../core/trust.ts';
import { severityRank, type Match } from '../match/matcher.ts';
import type { LeftOut } from '../report/removal-plan.ts';
import type { Held } from './sources.ts';

export interface RemovalChoice {
  /** SHA-256 fingerprints, beginnings of them, or advisories; empty for everything at or above the severity. */
  readonly targets: readonly string[];
  readonly severity: Severity;
  /** Also what clean, current systems ship. */
  readonly removeShipped: boolean;
  /** Also what nothing but its name speaks against. */
  readonly suspected: boolean;
}

/** What a person wrote, understood. */
export type Wanted =
  | { readonly kind: 'certificate'; readonly sha256: Sha256 }
  | { readonly kind: 'beginning'; readonly digits: string }
  | { readonly kind: 'advisory'; readonly id: string };

/** Throws RootauditError for what is none of the three. */
export function parseWanted(
  text: string,
  advisoryIds: readonly string[],
  hint: (text: string) => string | undefined = () => undefined,
): Wanted {
  if (advisoryIds.includes(text)) return { kind: 'advisory', id: text };
  const sha256 = parseSha256(text);
  if (sha256 !== undefined) return { kind: 'certificate', sha256 };
  const digits = text.replaceAll(/[:\s]/g, '').toLowerCase();
  if (/^[0-9a-f]{40}$/.test(digits)) {
    throw new RootauditError(`${text} is a SHA-1 fingerprint`, 'Give the SHA-256 of the certificate.');
  }
  if (/^[0-9a-f]{8,63}$/.test(digits)) return { kind: 'beginning', digits };
  throw new RootauditError(
    `"${text}" is no advisory and no fingerprint`,
    hint(text) ?? 'Give an advisory id, the SHA-256 of a certificate, or at least its first eight digits.',
  );
}

/** A certificate with everything that holds it, and what the blocklist says of it. */
export interface Candidate<Each extends Held = Held> {
  readonly sha256: Sha256;
  readonly held: readonly Each[];
  readonly matches: readonly Match[];
}

/** True when the certificate may be one of those wanted; asked for each certificate of the target. */
export function isNamed(wanted: readonly Wanted[], sha256: Sha256): boolean {
  return wanted.some(
    (each) =>
      (each.kind === 'certificate' && each.sha256 === sha256) ||
      (each.kind === 'beginning' && sha256.startsWith(each.digits)),
  );
}

export function candidatesOf<Each extends Held>(
  held: readonly Each[],
  matchesOf: (held: Each) => readonly Match[],
): readonly Candidate<Each>[] {
  return Array.from(
    groupBy(held, ({ anchor }) => anchor.certificate.sha256),
    ([sha256, group]) => {
      const matches = new Map(group.flatMap(matchesOf).map((match) => [match.advisory.id, match]));
      return { sha256, held: group, matches: [...matches.values()] };
    },
  );
}

export interface Chosen<Each extends Held> {
  readonly chosen: readonly Candidate<Each>[];
  readonly leftOut: readonly (Omit<LeftOut, 'certificate'> & { readonly candidate: Candidate<Each> })[];
}

/** Throws RootauditError when a beginning does not tell which certificate is meant. */
export function choose<Each extends Held>(
  candidates: readonly Candidate<Each>[],
  wanted: readonly Wanted[],
  choice: RemovalChoice,
): Chosen<Each> {
  for (const each of wanted) if (each.kind === 'beginning') checkBeginning(each.digits, candidates);
  const chosen: Candidate<Each>[] = [];
  const leftOut: Chosen<Each>['leftOut'][number][] = [];
  for (const candidate of candidates) {
    if (!candidate.held.some(({ anchor }) => trustStatus(anchor.trust) === 'trusted')) continue;
    const meant = candidate.matches.filter((match) => isMeant(match, wanted, choice));
    const reasons = meant.map((match) => exclusion(match, choice));
    if (isNamed(wanted, candidate.sha256) || reasons.includes(undefined)) chosen.push(candidate);
    else {
      const [worst] = meant.toSorted((a, b) => severityRank(b.severity) - severityRank(a.severity));
      const reason = worst && exclusion(worst, choice);
      if (worst && reason) {
        leftOut.push({ candidate, advisory: worst.advisory.id, severity: worst.severity, reason });
      }
    }
  }
  return { chosen, leftOut };
}

function isMeant(match: Match, wanted: readonly Wanted[], { severity }: RemovalChoice): boolean {
  if (wanted.length === 0) return severityRank(match.severity) >= severityRank(severity);
  return wanted.some((each) => each.kind === 'advisory' && each.id === match.advisory.id);
}

/** Why a match alone is not enough to take a certificate away that nobody named. */
function exclusion(
  { kind, stillShippedBy }: Match,
  { removeShipped, suspected }: RemovalChoice,
): LeftOut['reason'] | undefined {
  if (stillShippedBy.length > 0 && !removeShipped) return 'shipped';
  return kind === 'name' && !suspected ? 'suspected' : undefined;
}

/** A few digits can be forged: they stand for one certificate, and one that is on the blocklist. */
function checkBeginning(digits: string, candidates: readonly Candidate[]): void {
  const [found, ...others] = candidates.filter(({ sha256 }) => sha256.startsWith(digits));
  if (!found) return;
  if (others.length > 0) {
    const all = [found, ...others].map(({ sha256 }) => sha256);
    throw new RootauditError(
      `${digits} is the beginning of ${all.length} certificates here`,
      `Give the whole SHA-256 of the one you mean: ${all.slice(0, 5).join(', ')}${all.length > 5 ? ' …' : ''}`,
    );
  }
  if (found.matches.length === 0) {
    throw new RootauditError(
      `${digits} is the beginning of a certificate that is on no blocklist`,
      `If it has to go, give its whole SHA-256: ${found.sha256}`,
    );
  }
}
