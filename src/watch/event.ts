/** What `rootaudit watch` tells, one JSON object each: docs/watch.schema.json. */

import type { Severity } from '../blocklist/advisory.ts';
import type { Problem } from '../core/errors.ts';
import type { Match } from '../match/matcher.ts';
import type { DriftPlace } from '../report/drift.ts';
import type { CertificateSummary, Report, SCHEMA_VERSION, StoreSummary } from '../report/report.ts';

/** Of a root that only a snapshot knows there is no more than this. */
type WatchedCertificate = Pick<CertificateSummary, 'sha256' | 'subject'> & Partial<CertificateSummary>;

/** The same for a store. */
export type WatchedStore = Pick<StoreSummary, 'id' | 'type' | 'application' | 'path'> &
  Partial<Pick<StoreSummary, 'scope' | 'user' | 'format'>>;

/** What the blocklist says of a root. */
export interface RootFinding {
  readonly advisory: string;
  readonly title: string;
  readonly severity: Severity;
  readonly match: Match['kind'];
  readonly confidence?: NonNullable<Match['confidence']>;
  readonly stillShippedBy: readonly string[];
}

export interface Root {
  readonly certificate: WatchedCertificate;
  readonly findings: readonly RootFinding[];
  /** On no blocklist, and shipped by no root programme: somebody added it. */
  readonly unrecognised: boolean;
}

/** A root in a store. */
export interface RootChange {
  readonly type: 'root-trusted' | 'root-removed' | 'trust-changed';
  readonly certificate: WatchedCertificate;
  /** The worst of {@link findings}; info for what is not recognised. */
  readonly severity?: Severity;
  readonly findings: readonly RootFinding[];
  readonly unrecognised?: true;
  readonly store: WatchedStore;
  /** The file that holds it, or held it. */
  readonly path: string;
  readonly before: DriftPlace['before'];
  readonly after: DriftPlace['after'];
  /** No store trusted it before (root-trusted), or none does any more (root-removed). */
  readonly everywhere: boolean;
}

interface StoreChange {
  readonly type: 'store-appeared' | 'store-vanished';
  readonly store: WatchedStore;
  /** Certificates that it trusts, or trusted. */
  readonly trusted: number;
}

interface ProblemChange {
  readonly type: 'problem';
  readonly problem: Problem;
}

export type Change = RootChange | StoreChange | ProblemChange;

/** The first record: what is watched from now on. It is no event, and goes to standard output only. */
export interface Watching {
  readonly type: 'watching';
  readonly tool: Report['tool'];
  readonly blocklist: Report['blocklist'];
  /** False when a store could not be read whole. */
  readonly complete: boolean;
  readonly problems: number;
  readonly stores: number;
  /** Certificates that some store trusts. */
  readonly trusted: number;
  /** Directories that tell by themselves when something changes, and those that are looked at every few seconds. */
  readonly directories: { readonly watched: number; readonly polled: number };
}

export type WatchRecord<Kind = Change | Watching> = Kind & {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  /** Stays the same where an event is delivered twice. */
  readonly id: string;
  /** ISO 8601. */
  readonly time: string;
  readonly target: Pick<Report['target'], 'kind' | 'reference' | 'platform'>;
  /** It was there already when the watch began. */
  readonly initial?: true;
};

export type WatchEvent = WatchRecord<Change>;
