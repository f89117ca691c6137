/** From what a target holds to the fewest actions that end the trust in certificates everywhere on it. */

import type { Sha256 } from '../core/certificate.ts';
import type { ReadOptions, StoreType, TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { trustStatus } from '../core/trust.ts';
import type { Severity } from '../blocklist/advisory.ts';
import { severityRank, type Match, type Matcher } from '../match/matcher.ts';
import { privateKeysNear } from '../provenance/private-keys.ts';
import { summariseCertificate } from '../report/certificate-summary.ts';
import type { PlannedCertificate, PlannedPlace, RemovalPlan, StoreRemoval } from '../report/removal-plan.ts';
import { SCHEMA_VERSION, type CertificateSummary, type Report } from '../report/report.ts';
import {
  candidatesOf,
  choose,
  isNamed,
  parseWanted,
  type Candidate,
  type RemovalChoice,
  type Wanted,
} from './choose-removals.ts';
import { orderSteps } from './order-steps.ts';
import { planStores } from './plan-stores.ts';
import { readStores, type FoundStore, type StoreProgress } from './read-stores.ts';
import { returnsOf } from './returns.ts';
import { targetOf } from './scan.ts';
import { sourcesOf, type Held, type Sources } from './sources.ts';

export interface RemovalInput {
  readonly target: Target;
  readonly stores: readonly StoreType[];
  readonly matcher: Matcher;
  readonly blocklist: Report['blocklist'];
  readonly advisoryIds: readonly string[];
  /** What somebody may have meant who wrote something that is no root. */
  readonly hint?: (text: string) => string | undefined;
  readonly tool: Report['tool'];
  readonly read: ReadOptions;
  readonly choice: RemovalChoice;
  /** Prefer that stores refuse the certificates to that they lose them. */
  readonly distrust: boolean;
  readonly progress?: (state: StoreProgress) => void;
}

export interface PlannedRemoval {
  readonly plan: RemovalPlan;
  /** The stores of the plan, to be read again. */
  readonly found: ReadonlyMap<string, FoundStore>;
  /** "store SHA-256" of everything that is trusted now: nothing else may be lost. */
  readonly trusted: ReadonlySet<string>;
  /** The bytes of the plan's certificates, by their SHA-256. */
  readonly bytes: ReadonlyMap<string, Uint8Array>;
}

/** An anchor that may have to go. */
interface Hit extends Held {
  readonly matches: readonly Match[];
}

/** Throws RootauditError for a name that means no certificate, or several. */
export function planRemoval(input: RemovalInput): PlannedRemoval {
  const { target, choice } = input;
  const wanted = choice.targets.map((text) => parseWanted(text, input.advisoryIds, input.hint));
  const hits: Hit[] = [];
  const trusted = new Set<string>();
  const visit = (anchor: TrustAnchor, store: FoundStore): void => {
    const { sha256 } = anchor.certificate;
    if (trustStatus(anchor.trust) === 'trusted') trusted.add(trustKey(store.id, sha256));
    const matches = input.matcher(anchor.certificate);
    if (matches.length > 0 || isNamed(wanted, sha256)) hits.push({ store, anchor, matches });
  };
  const { problems: inStores } = readStores(target, input.stores, input.read, visit, input.progress);
  const candidates = candidatesOf(hits, ({ matches }) => matches);
  const { chosen, leftOut } = choose(candidates, wanted, choice);
  const sources = new Map(chosen.flatMap(({ held }) => [...sourcesOf(held, target)]));
  const going = chosen.flatMap(({ held }) => held.filter((hit) => isTrusted(hit, sources)));
  const { removals, steps } = removalsOf(going, sources, input);
  const keys = privateKeysNear(
    target,
    chosen.flatMap(({ held }) => held.map(({ anchor }) => anchor)),
  );
  const problems = [...(target.problems ?? []), ...inStores];
  const plan: RemovalPlan = {
    schemaVersion: SCHEMA_VERSION,
    tool: input.tool,
    blocklist: input.blocklist,
    target: targetOf(target),
    complete: problems.length === 0,
    certificates: chosen
      .map((candidate) => plannedCertificate(candidate, sources, keys))
      .toSorted(inOrder(({ reasons }) => reasons.map(({ severity }) => severity))),
    comesBack: returnsOf(going, sources, removals, target),
    stores: removals,
    steps,
    leftOut: leftOut
      .map(({ candidate, ...each }) => ({ certificate: summaryOf(candidate), ...each }))
      .toSorted(inOrder(({ severity }) => [severity])),
    problems,
    notes: [...target.notes, ...untrustedNotes(wanted, candidates, chosen)],
  };
  const certificates = chosen.flatMap(({ held }) => held.map(({ anchor }) => anchor.certificate));
  return {
    plan,
    found: new Map(hits.map(({ store }) => [store.id, store])),
    trusted,
    bytes: new Map(certificates.map(({ sha256, der }) => [sha256, der])),
  };
}

/** Worst first, what is on no blocklist last; then by subject and by fingerprint. */
function inOrder<Each extends { readonly certificate: CertificateSummary }>(
  severitiesOf: (each: Each) => readonly Severity[],
): (a: Each, b: Each) => number {
  const rank = (each: Each): number => Math.max(-1, ...severitiesOf(each).map(severityRank));
  const compare = (x: string, y: string): number => (x < y ? -1 : x > y ? 1 : 0);
  return (a, b) =>
    rank(b) - rank(a) ||
    compare(a.certificate.subject, b.certificate.subject) ||
    compare(a.certificate.sha256, b.certificate.sha256);
}

export function trustKey(store: string, sha256: Sha256): string {
  return `${store} ${sha256}`;
}

/** Only trusted anchors have sources. */
function isTrusted(held: Held, sources: Sources): boolean {
  return sources.has(held);
}

function removalsOf(
  trusted: readonly Hit[],
  sources: Sources,
  { target, distrust, stores }: RemovalInput,
): { removals: readonly StoreRemoval[]; steps: RemovalPlan['steps'] } {
  const own = trusted.filter((hit) => sources.get(hit)?.length === 0);
  const planned = planStores(own, target, distrust);
  const order = new Map(stores.map(({ id }, index) => [id, index]));
  const sorted = planned.toSorted((a, b) => (order.get(a.type) ?? 0) - (order.get(b.type) ?? 0));
  const { steps, later } = orderSteps(sorted);
  const removals = sorted.map((each): StoreRemoval =>
    later.has(each.id) ? { ...each, method: 'later' } : each,
  );
  return { removals, steps };
}

function plannedCertificate(
  candidate: Candidate<Hit>,
  sources: Sources,
  keys: ReadonlyMap<string, string>,
): PlannedCertificate {
  const { held, matches } = candidate;
  const privateKey = keys.get(candidate.sha256);
  return {
    certificate: summaryOf(candidate),
    reasons: matches.map(({ advisory: { id, title }, severity, kind }) => ({
      advisory: id,
      title,
      severity,
      match: kind,
    })),
    stillShippedBy: [...new Set(matches.flatMap(({ stillShippedBy }) => stillShippedBy))],
    ...(privateKey !== undefined && { privateKey }),
    isKeyPublic: matches.some(
      ({ advisory, kind }) => kind !== 'name' && advisory.category === 'exposed-private-key',
    ),
    places: held.filter((hit) => isTrusted(hit, sources)).map((hit) => placeOf(hit, sources)),
  };
}

function placeOf(hit: Hit, sources: Sources): PlannedPlace {
  const { store, anchor } = hit;
  return {
    store: store.id,
    application: store.location.application,
    path: anchor.path,
    entry: anchor.entry,
    expressed: anchor.trust.expressed,
    generatedFrom: sources.get(hit) ?? [],
  };
}

/** A store may know the certificate by its hash alone; another then has its details. */
function summaryOf({ held }: Candidate): CertificateSummary {
  const [first] = held;
  const anchor = (held.find(({ anchor }) => anchor.certificate.layout) ?? first)?.anchor;
  if (!anchor) throw new RangeError('a candidate without a certificate');
  return summariseCertificate(anchor.certificate);
}

/** What was named and needs nothing done. */
function untrustedNotes(
  wanted: readonly Wanted[],
  candidates: readonly Candidate[],
  chosen: readonly Candidate[],
): readonly string[] {
  return wanted.flatMap((each) => {
    const isThis = ({ sha256, matches }: Candidate): boolean =>
      each.kind === 'advisory'
        ? matches.some(({ advisory }) => advisory.id === each.id)
        : isNamed([each], sha256);
    if (chosen.some(isThis)) return [];
    const name = each.kind === 'advisory' ? each.id : each.kind === 'beginning' ? each.digits : each.sha256;
    return candidates.some(isThis)
      ? [`${name} is held on this target, but nothing that may be removed is trusted.`]
      : [`Nothing on this target is ${each.kind === 'beginning' ? `a certificate ${name}…` : name}.`];
  });
}
