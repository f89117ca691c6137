/** The road of a scan: stores → certificates → matches → findings → remediations. */

import { severityRank, type Match, type Matcher } from '../match/matcher.ts';
import { groupBy } from '../core/collections.ts';
import type { DeepResult, EmbeddedProgram } from '../core/embedded.ts';
import type { ReadOptions, StoreType, TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { purposesWith, trustStatus } from '../core/trust.ts';
import { privateKeysNear } from '../provenance/private-keys.ts';
import { summariseCertificate } from '../report/certificate-summary.ts';
import {
  SCHEMA_VERSION,
  type Finding,
  type FindingStatus,
  type Location,
  type Report,
  type StoreRemediation,
} from '../report/report.ts';
import { dockerfileLines } from '../scripts/dockerfile.ts';
import { databaseTest, fileOf, isEmbedded, storeOf, summaryOf, trustIn } from './embedded.ts';
import { readStores, realPath, type FoundStore, type StoreProgress } from './read-stores.ts';
import { remediationFor, sourcesOf, type Held, type Sources } from './sources.ts';

export interface ScanInput {
  readonly target: Target;
  readonly stores: readonly StoreType[];
  readonly matcher: Matcher;
  readonly blocklist: Report['blocklist'];
  readonly tool: Report['tool'];
  readonly read: ReadOptions;
  /** Include roots that are held only in order to be refused. */
  readonly mitigated: boolean;
  /** Print removal commands also for roots that clean, current systems ship. */
  readonly removeShipped: boolean;
  /** What `--deep` found inside of programs. */
  readonly deep?: DeepResult;
  /** Sees every anchor of every store, listed or not. */
  readonly visit?: (anchor: TrustAnchor, store: FoundStore) => void;
  readonly progress?: (state: StoreProgress) => void;
}

/** A matched anchor together with the store that holds it. */
interface Hit extends Held {
  readonly match: Match;
}

export function scan(input: ScanInput): Report {
  const hits: Hit[] = [];
  const visit: ScanInput['visit'] = (anchor, store) => {
    for (const match of input.matcher(anchor.certificate)) hits.push({ match, store, anchor });
    input.visit?.(anchor, store);
  };
  const inStores = readStores(input.target, input.stores, input.read, visit, input.progress);
  const programs = programsBesideStores(hits, inStores.stores, input);
  for (const program of programs) hits.push(...hitsIn(program, input.matcher));
  const stores = [...inStores.stores, ...programs.map(summaryOf)];
  const problems = [...(input.target.problems ?? []), ...inStores.problems, ...(input.deep?.problems ?? [])];
  const trusted = hits.filter((hit) => statusOf(hit) === 'trusted').map(({ anchor }) => anchor);
  const keys = trusted.length === 0 ? undefined : privateKeysNear(input.target, trusted);
  const findings = Array.from(
    groupBy(hits, ({ match, anchor }) => `${anchor.certificate.sha256} ${match.advisory.id}`).values(),
    (group) => findingOf(group, input, keys),
  ).filter(({ status }) => input.mitigated || status !== 'mitigated');
  return {
    schemaVersion: SCHEMA_VERSION,
    tool: input.tool,
    blocklist: input.blocklist,
    target: targetOf(input.target),
    complete: problems.length === 0,
    stores,
    findings: findings.toSorted(worstFirst),
    problems,
    notes: [...input.target.notes, ...(input.deep?.notes ?? [])],
  };
}

/** A file that is (part of) a store was judged there already, with the trust that the store gives. */
function programsBesideStores(
  hits: readonly Hit[],
  stores: Report['stores'],
  { deep, target }: ScanInput,
): readonly EmbeddedProgram[] {
  if (!deep || deep.programs.length === 0) return [];
  const place = (path: string, fingerprint: string): string => `${fingerprint} ${path}`;
  const judged = new Set(
    hits.flatMap(({ anchor }) =>
      [anchor.path, fileOf(anchor.path)].map((path) =>
        place(realPath(target, path), anchor.certificate.sha256),
      ),
    ),
  );
  const isDatabase = databaseTest(stores, (path) => realPath(target, path));
  return deep.programs
    .filter(({ path }) => !isDatabase(path))
    .map((program) => ({
      ...program,
      held: program.held.filter(({ certificate }) => !judged.has(place(program.path, certificate.sha256))),
    }))
    .filter(({ held }) => held.length > 0);
}

function hitsIn(program: EmbeddedProgram, matcher: Matcher): readonly Hit[] {
  const store = storeOf(program);
  const { path } = program;
  return program.held.flatMap(({ certificate, entry }) =>
    matcher(certificate).map((match) => ({
      match,
      store,
      anchor: { certificate, entry, path, trust: trustIn(program) },
    })),
  );
}

export function targetOf({ kind, reference, platform, image }: Target): Report['target'] {
  return { kind, reference, platform, ...(image && { image }) };
}

const STATUS_ORDER: readonly FindingStatus[] = ['trusted', 'embedded', 'present', 'deleted', 'mitigated'];

function statusOf({ store, anchor }: Held): FindingStatus {
  const status = trustStatus(anchor.trust);
  return status === 'present' && isEmbedded(store) ? 'embedded' : status;
}

function worstFirst(a: Finding, b: Finding): number {
  return (
    STATUS_ORDER.indexOf(a.status) - STATUS_ORDER.indexOf(b.status) ||
    severityRank(b.severity) - severityRank(a.severity) ||
    compare(a.certificate.subject, b.certificate.subject) ||
    compare(a.certificate.sha256, b.certificate.sha256)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `group` is never empty: all hits of one certificate on one advisory. */
function findingOf(
  group: readonly Hit[],
  input: ScanInput,
  keys: ReadonlyMap<string, string> | undefined,
): Finding {
  const [first] = group;
  if (!first) throw new RangeError('a finding without a certificate');
  const { match } = first;
  // A store may know the certificate by its hash alone; another then has its details.
  const { anchor } = group.find((hit) => hit.anchor.certificate.layout) ?? first;
  const { advisory, stillShippedBy, distrustedBy } = match;
  const sources = sourcesOf(group, input.target);
  const locations = group.map((hit) => locationOf(hit, sources, input.target));
  const status = STATUS_ORDER.find((value) => locations.some(({ trust }) => trust === value)) ?? 'present';
  const privateKey = keys?.get(anchor.certificate.sha256);
  const remediable = stillShippedBy.length === 0 || input.removeShipped;
  return {
    advisory: advisory.id,
    title: advisory.title,
    category: advisory.category,
    severity: match.severity,
    match: match.kind,
    ...(match.confidence && { confidence: match.confidence }),
    status,
    summary: advisory.summary,
    references: advisory.references,
    stillShippedBy,
    ...(distrustedBy.length > 0 && { distrustedBy }),
    certificate: summariseCertificate(anchor.certificate),
    locations,
    ...(privateKey !== undefined && { privateKey }),
    remediations: remediable ? remediationsOf(group, sources, input.target) : [],
  };
}

export function locationOf<Each extends Held>(hit: Each, sources: Sources<Each>, target: Target): Location {
  const { store, anchor } = hit;
  const layer = target.layerOf?.(fileOf(anchor.path));
  return {
    store: store.id,
    path: anchor.path,
    entry: anchor.entry,
    ...(anchor.lines && { lines: { first: anchor.lines.first, last: anchor.lines.last } }),
    ...(layer !== undefined && { layer }),
    trust: statusOf(hit),
    purposes: purposesWith(anchor.trust, 'trusted'),
    expressed: anchor.trust.expressed,
    generatedFrom: sources.get(hit) ?? [],
  };
}

/** One remediation per store (or program) that has the certificate of itself; copies go when their source does. */
export function remediationsOf<Each extends Held>(
  group: readonly Each[],
  sources: Sources<Each>,
  target: Target,
): StoreRemediation[] {
  const own = group.filter(
    (hit) => statusOf(hit) === 'embedded' || (statusOf(hit) === 'trusted' && sources.get(hit)?.length === 0),
  );
  return Array.from(
    groupBy(own, ({ store }) => store),
    ([store, hits]) => {
      const anchors = hits.map(({ anchor }) => anchor);
      const { actions = [], inUse: _, ...planned } = remediationFor(store, target, anchors);
      const lines = target.kind === 'image' ? dockerfileLines(actions, target) : [];
      const remediation = { ...planned, ...(lines.length > 0 && { dockerfile: lines }) };
      // What only `rootaudit remove` can do is for a person where there are but commands.
      if (remediation.commands.length > 0) return { store: store.id, ...remediation };
      return { store: store.id, ...remediation, disposition: 'manual' };
    },
  );
}
