/** What `rootaudit remove` would do and why, as plain data: for the command itself, its scripts, and people. */

import type { Severity } from '../blocklist/advisory.ts';
import type { Problem } from '../core/errors.ts';
import type { Action, Remediation } from '../core/remediation.ts';
import type { Scope } from '../core/store.ts';
import type { MatchKind } from '../match/matcher.ts';
import type { CertificateSummary, Report, SCHEMA_VERSION, TargetSummary } from './report.ts';

export interface RemovalPlan {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly tool: Report['tool'];
  readonly blocklist: Report['blocklist'];
  readonly target: TargetSummary;
  /** False when a store that exists could not be read whole: a certificate may be trusted where nobody could look. */
  readonly complete: boolean;
  /** Those that were asked for and are trusted somewhere: by severity (worst first), then subject, then SHA-256. */
  readonly certificates: readonly PlannedCertificate[];
  /** Found before anything is changed. */
  readonly comesBack: readonly Return[];
  /** The stores that have them of themselves, sources before what is generated from them. */
  readonly stores: readonly StoreRemoval[];
  /** Everything that will be done, in order; commands that make copies anew come once, at the end. */
  readonly steps: readonly PlannedStep[];
  /** Trusted and on the blocklist, but not chosen; in the same order. */
  readonly leftOut: readonly LeftOut[];
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
}

export interface PlannedCertificate {
  readonly certificate: CertificateSummary;
  /** Why it is dangerous; empty for one that is on no blocklist and was named by its SHA-256. */
  readonly reasons: readonly {
    readonly advisory: string;
    readonly title: string;
    readonly severity: Severity;
    readonly match: MatchKind;
  }[];
  /** Programmes whose clean, current systems ship it. */
  readonly stillShippedBy: readonly string[];
  /** The path of its private key, where that lies on the same disk: whoever reads it can impersonate every site. */
  readonly privateKey?: string;
  /** True when its private key is publicly known. */
  readonly isKeyPublic: boolean;
  /** Every place that trusts it. */
  readonly places: readonly PlannedPlace[];
}

export interface PlannedPlace {
  /** Id of the store. */
  readonly store: string;
  readonly application: string;
  readonly path: string;
  readonly entry: string;
  /** The store's own words for its trust. */
  readonly expressed: string;
  /** Ids of the stores this copy is made from: it goes when they are changed and it is made anew. */
  readonly generatedFrom: readonly string[];
}

/**
 * What would put a certificate back, or has to change for it to stay away. source: a store that others are made from and
 * that only a person can change.
 */
export interface Return {
  readonly kind:
    | 'package'
    | 'scheduled job'
    | 'service'
    | 'hook'
    | 'policy'
    | 'configuration profile'
    | 'automatic update'
    | 'source';
  /** SHA-256 of each. */
  readonly certificates: readonly string[];
  /** Where the certificates lie that come back. */
  readonly path: string;
  /** The package, or where the cause lies. */
  readonly source: string;
  /** In plain words. */
  readonly detail: string;
}

/** How one store loses its trust in the certificates. One that only a person can take out has an entry of its own. */
export interface StoreRemoval {
  /** Unique in the plan. */
  readonly id: string;
  /** Id of the store. */
  readonly store: string;
  readonly type: string;
  readonly application: string;
  readonly scope: Scope;
  readonly user?: string;
  readonly path: string;
  /** SHA-256 of each. */
  readonly certificates: readonly string[];
  /**
   * remove: they go; distrust: the store refuses them from then on; hand: a person has to do it, as `note` and
   * `commands` say; later: it shares a file with a store before it, and is planned for again when that is done.
   */
  readonly method: 'remove' | 'distrust' | 'hand' | 'later';
  /** unsafe: something else is touched, or they may come back, as the note says. */
  readonly disposition: Remediation['disposition'];
  readonly elevated: boolean;
  readonly note?: string;
  /** Names of processes that may hold the store open. */
  readonly inUse?: readonly string[];
  readonly shell: Remediation['shell'];
  readonly commands: readonly string[];
  readonly undo: readonly string[];
  readonly actions: readonly Action[];
}

export interface PlannedStep {
  /** Ids of the stores it is for. */
  readonly stores: readonly string[];
  /** SHA-256 of the certificates it is for. */
  readonly certificates: readonly string[];
  readonly elevated: boolean;
  readonly action: Action;
}

export interface LeftOut {
  readonly certificate: CertificateSummary;
  readonly advisory: string;
  readonly severity: Severity;
  /** shipped: clean systems ship it; suspected: nothing but its name speaks against it. */
  readonly reason: 'shipped' | 'suspected';
}

/** What came of a plan that was done. */
export interface RemovalResult {
  /** In words, in order. */
  readonly done: readonly string[];
  /** Commands that could not be run from here. */
  readonly skipped: readonly (readonly string[])[];
  /** Stores that were left as they are, because their steps turned out to be impossible. */
  readonly failed: readonly FailedStore[];
  /** Steps that only root can take, in words; `rootaudit remove` was not run as root. */
  readonly needRoot: readonly string[];
  /** True when every store was read again and none trusts one of the certificates. */
  readonly verified: boolean;
  readonly left: readonly LeftPlace[];
  /** What a store trusted before and no longer trusts, without having been asked for. */
  readonly alsoLost: readonly { readonly store: string; readonly sha256: string }[];
  readonly problems: readonly Problem[];
  /** Host path of the journal, which `rootaudit undo` takes; null when nothing was changed. */
  readonly journal: string | null;
}

export interface FailedStore {
  /** Id of the store. */
  readonly store: string;
  readonly application: string;
  readonly path: string;
  /** In plain words, with what can be done about it. */
  readonly reason: string;
}

/** A place that still trusts a certificate. */
export interface LeftPlace {
  readonly sha256: string;
  /** Id of the store. */
  readonly store: string;
  readonly application: string;
  readonly path: string;
  readonly entry: string;
}
