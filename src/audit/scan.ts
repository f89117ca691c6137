/** The road of a scan: stores → certificates → matches → findings → remediations. */

import { severityRank, type Match, type Matcher } from '../match/matcher.ts';
import { groupBy } from '../core/collections.ts';
import type { DeepResult, EmbeddedProgram } from '../core/embedded.ts';
import type { ReadOptions, StoreType, TrustAnchor } from '../core/store.ts';
import type { Remediation } from '../core/remediation.ts';
import { FsError, type Target } from '../core/target.ts';
import { purposesWith, trustStatus } from '../core/trust.ts';
import { summariseCertificate } from '../report/certificate-summary.ts';
import {
  SCHEMA_VERSION,
  type Finding,
  type FindingStatus,
  type Location,
  type Report,
  type StoreRemediation,
} from '../report/report.ts';
import { databaseTest, fileOf, isEmbedded, storeOf, summaryOf, trustIn } from './embedded.ts';
import { readStores, realPath, type FoundStore } from './read-stores.ts';

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
}

/** A matched anchor together with the store that holds it. */
interface Hit {
  readonly match: Match;
  readonly store: FoundStore;
  readonly anchor: TrustAnchor;
}

export function scan(input: ScanInput): Report {
  const hits: Hit[] = [];
  const inStores = readStores(input.target, input.stores, input.read, (anchor, store) => {
    for (const match of input.matcher(anchor.certificate)) hits.push({ match, store, anchor });
  });
  const programs = programsBesideStores(hits, inStores.stores, input);
  for (const program of programs) hits.push(...hitsIn(program, input.matcher));
  const stores = [...inStores.stores, ...programs.map(summaryOf)];
  const problems = [...(input.target.problems ?? []), ...inStores.problems, ...(input.deep?.problems ?? [])];
  const findings = Array.from(
    groupBy(hits, ({ match, anchor }) => `${anchor.certificate.sha256} ${match.advisory.id}`).values(),
    (group) => findingOf(group, input),
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

const STATUS_ORDER: readonly FindingStatus[] = ['trusted', 'embedded', 'present', 'mitigated'];

function statusOf({ store, anchor }: Hit): FindingStatus {
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
function findingOf(group: readonly Hit[], input: ScanInput): Finding {
  const [first] = group;
  if (!first) throw new RangeError('a finding without a certificate');
  const { match } = first;
  // A store may know the certificate by its hash alone; another then has its details.
  const { anchor } = group.find((hit) => hit.anchor.certificate.layout) ?? first;
  const { advisory, stillShippedBy } = match;
  const sources = sourcesOf(group, input.target);
  const locations = group.map((hit) => locationOf(hit, sources, input.target));
  const status = STATUS_ORDER.find((value) => locations.some(({ trust }) => trust === value)) ?? 'present';
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
    certificate: summariseCertificate(anchor.certificate),
    locations,
    remediations: remediable ? remediationsOf(group, sources, input.target) : [],
  };
}

/** Ids of the stores that a hit's copy comes from; none when removal has to happen where it is. */
type Sources = ReadonlyMap<Hit, readonly string[]>;

/**
 * A copy comes from elsewhere when its store is generated from another that trusts the certificate too, or when
 * its file is (through links) one that an earlier store owns and trusts.
 */
function sourcesOf(group: readonly Hit[], target: Target): Sources {
  const trusted = group.filter(({ anchor }) => trustStatus(anchor.trust) === 'trusted');
  const idsByType = groupBy(trusted, ({ store }) => store.type.id);
  const ownerByFile = new Map<string, string>();
  const sources = new Map<Hit, readonly string[]>();
  for (const hit of trusted) {
    const { id } = hit.store;
    const file = realPath(target, hit.anchor.path);
    const owner = ownerByFile.get(file) ?? id;
    ownerByFile.set(file, owner);
    const generators = (hit.store.location.generatedFrom ?? []).flatMap(
      (type) => idsByType.get(type)?.map(({ store }) => store.id) ?? [],
    );
    const others = [owner, ...generators].filter((source) => source !== id);
    sources.set(hit, [...new Set(others)]);
  }
  return sources;
}

function locationOf(hit: Hit, sources: Sources, target: Target): Location {
  const { store, anchor } = hit;
  const layer = target.layerOf?.(fileOf(anchor.path));
  return {
    store: store.id,
    path: anchor.path,
    entry: anchor.entry,
    ...(layer !== undefined && { layer }),
    trust: statusOf(hit),
    purposes: purposesWith(anchor.trust, 'trusted'),
    expressed: anchor.trust.expressed,
    generatedFrom: sources.get(hit) ?? [],
  };
}

/** One remediation per store (or program) that has the certificate of itself; copies go when their source does. */
function remediationsOf(group: readonly Hit[], sources: Sources, target: Target): StoreRemediation[] {
  const own = group.filter(
    (hit) => statusOf(hit) === 'embedded' || (statusOf(hit) === 'trusted' && sources.get(hit)?.length === 0),
  );
  return Array.from(
    groupBy(own, ({ store }) => store),
    ([store, hits]) => {
      const anchors = hits.map(({ anchor }) => anchor);
      const { actions: _, ...remediation } = planRemoval(store, target, anchors);
      return { store: store.id, ...remediation };
    },
  );
}

function planRemoval(store: FoundStore, target: Target, anchors: readonly TrustAnchor[]): Remediation {
  try {
    return store.type.planRemoval(target, store.location, anchors);
  } catch (error) {
    // The file went away or may no longer be read since the scan began.
    if (!(error instanceof FsError)) throw error;
    const note = `No command can be given: ${error.path}: ${error.message}.`;
    return { disposition: 'manual', shell: 'sh', commands: [], undo: [], elevated: false, note };
  }
}
