/**
 * The report: what a scan found, as plain data. This is the whole of the JSON output, version 1; its JSON Schema is
 * `docs/report.schema.json`. Renderers see nothing else.
 */

import type { Category, Distrust, Severity } from '../blocklist/advisory.ts';
import type { Problem } from '../core/errors.ts';
import type { Remediation } from '../core/remediation.ts';
import type { Scope } from '../core/store.ts';
import type { ImageDescription } from '../core/target.ts';
import type { Purpose, TrustStatus } from '../core/trust.ts';
import type { MatchKind } from '../match/matcher.ts';

export const SCHEMA_VERSION = 1;

export interface Report {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly tool: { readonly name: string; readonly version: string };
  readonly blocklist: { readonly version: string; readonly digest: string };
  readonly target: TargetSummary;
  /** False when a store that exists could not be read whole: then nothing found does not mean clean. */
  readonly complete: boolean;
  readonly stores: readonly StoreSummary[];
  readonly findings: readonly Finding[];
  /** Trusted roots that no root programme ships and no advisory names: somebody added them. */
  readonly unrecognised?: readonly UnrecognisedRoot[];
  /** What the policy says, where there is one (or `--fail-on unrecognised`). */
  readonly policy?: PolicySummary;
  readonly problems: readonly Problem[];
  /** Worth knowing about the whole scan, in plain words. */
  readonly notes: readonly string[];
}

export interface TargetSummary {
  readonly kind: string;
  readonly reference: string;
  readonly platform: string;
  /** For an image: its name, digest and platform, and its layers, bottom first. */
  readonly image?: ImageDescription;
}

export interface StoreSummary {
  /** Unique within the report: type and path. */
  readonly id: string;
  readonly type: string;
  readonly application: string;
  readonly scope: Scope;
  readonly user?: string;
  readonly format: string;
  readonly path: string;
  /** Other places that lead to the same file or directory. */
  readonly aliases: readonly string[];
  /** malformed: something in it could not be read; what could be is counted. */
  readonly status: 'read' | 'unreadable' | 'malformed';
  /** Certificates held, trusted or not. */
  readonly anchors: number;
  /** Those of them that the store trusts for something. */
  readonly trusted: number;
  readonly notes: readonly string[];
}

/**
 * embedded: built into a program, which may trust it or not (`--deep`). deleted: trusted in a lower layer of an image, gone
 * from the image as it runs (`--all-layers`).
 */
export type FindingStatus = TrustStatus | 'embedded' | 'deleted';

/** One dangerous certificate, wherever it sits. */
export interface Finding {
  readonly advisory: string;
  readonly title: string;
  readonly category: Category;
  readonly severity: Severity;
  readonly match: MatchKind;
  /** How sure a match by name is. */
  readonly confidence?: 'high' | 'medium' | 'low';
  /** trusted in at least one store; else embedded; else present in a store; else mitigated: held only to be refused. */
  readonly status: FindingStatus;
  readonly summary: string;
  readonly references: readonly string[];
  /** Programmes whose clean, current systems ship it. */
  readonly stillShippedBy: readonly string[];
  /** Programmes that took trust from it (or from the certificate on the blocklist whose key it has or that issued it). */
  readonly distrustedBy?: readonly Pick<Distrust, 'program' | 'action' | 'date'>[];
  readonly certificate: CertificateSummary;
  readonly locations: readonly Location[];
  readonly remediations: readonly StoreRemediation[];
  /** Path of its private key on the same disk: whoever reads that can impersonate every site. */
  readonly privateKey?: string;
  /** Accepted for now: each place where it is trusted is waived. */
  readonly waiver?: WaiverSummary;
  /** Every place where it is trusted, and that is not waived, is in the baseline too. */
  readonly known?: true;
}

/** "Who put this here?" */
export interface UnrecognisedRoot {
  readonly certificate: CertificateSummary;
  readonly locations: readonly Location[];
  /** Of each file that has it of itself. */
  readonly origins: readonly FileOrigin[];
  /** Path of its private key on the same disk: whoever reads that can impersonate every site. */
  readonly privateKey?: string;
}

export interface FileOrigin {
  readonly path: string;
  /** Last change, ISO 8601; null where that cannot be told. */
  readonly modified: string | null;
  /** Owner of the file. */
  readonly user?: string;
  /** The package that it belongs to, with its version. */
  readonly package?: string;
}

/** Of the waivers that cover a finding, the one that ends first. */
export interface WaiverSummary {
  readonly reason: string;
  readonly owner: string;
  /** ISO 8601 day (UTC), the last one on which it holds. */
  readonly expires: string;
}

export interface PolicySummary {
  /** The file; empty without one. */
  readonly file: string;
  readonly violations: readonly Violation[];
  /** About the policy itself: a waiver that nothing needs. */
  readonly notes: readonly string[];
}

/**
 * forbidden: a rule of `forbid` names it; not-allowed: `only` does not; missing: a rule of `require` is not met;
 * expired-waiver: it was accepted up to a day that is past; unrecognised: no root programme ships it.
 */
export type ViolationKind = 'forbidden' | 'not-allowed' | 'missing' | 'expired-waiver' | 'unrecognised';

/** Something that the policy does not accept. Each fails the scan, unless it is waived or known. */
export interface Violation {
  readonly kind: ViolationKind;
  /** What is wrong, in one sentence. */
  readonly message: string;
  /** The rule or waiver: "sha256 00309c73…". Empty for unrecognised. */
  readonly rule: string;
  /** Its line in the policy file; 0 when no line says it. */
  readonly line: number;
  /** The reason that the rule gives. */
  readonly reason?: string;
  /** Of an expired waiver. */
  readonly advisory?: string;
  readonly owner?: string;
  readonly expires?: string;
  /** Null when it is missing. */
  readonly certificate: CertificateSummary | null;
  /** Where it is trusted. */
  readonly locations: readonly Location[];
  /** When it is missing: the ids of the stores that should trust it; empty when any store would do. */
  readonly missingFrom: readonly string[];
  readonly remediations: readonly StoreRemediation[];
  readonly waiver?: WaiverSummary;
  readonly known?: true;
}

export interface CertificateSummary {
  readonly sha256: string;
  readonly sha1: string;
  readonly spkiSha256: string | null;
  /** RFC 4514. */
  readonly subject: string;
  readonly issuer: string;
  /** Hex without leading zero octets. */
  readonly serialNumber: string;
  /** ISO 8601, null where the certificate's date cannot be read. */
  readonly notBefore: string | null;
  readonly notAfter: string | null;
}

export interface Location {
  /** Id of the store. */
  readonly store: string;
  readonly path: string;
  readonly entry: string;
  /** In a text file: the first and the last line of the certificate, from 1. */
  readonly lines?: { readonly first: number; readonly last: number };
  /** In an image: index of the layer that the file comes from, in the target's layers. */
  readonly layer?: number;
  /** Where trust is `deleted`: index of the layer that took it away. */
  readonly deletedIn?: number;
  readonly trust: FindingStatus;
  /** What it is trusted for. */
  readonly purposes: readonly Purpose[];
  /** The store's own words for its trust. */
  readonly expressed: string;
  /** Ids of the stores this copy was generated from: removal goes there. */
  readonly generatedFrom: readonly string[];
  /** A waiver of the policy covers it. */
  readonly waived?: true;
  /** The baseline has it too. */
  readonly known?: true;
}

export interface StoreRemediation extends Omit<Remediation, 'actions' | 'inUse'> {
  /** Id of the store. */
  readonly store: string;
  /** For an image: the lines of a Dockerfile that do it in another that is made from it; root has to be its user. */
  readonly dockerfile?: readonly string[];
}

/** What `rootaudit list` prints: every store with every anchor. */
export interface Inventory {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly tool: Report['tool'];
  readonly target: Report['target'];
  readonly complete: boolean;
  readonly stores: readonly (StoreSummary & { readonly entries: readonly InventoryEntry[] })[];
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
}

export interface InventoryEntry {
  readonly entry: string;
  readonly path: string;
  readonly trust: TrustStatus;
  readonly purposes: readonly Purpose[];
  readonly expressed: string;
  /** Root programmes that ship it today, or once did (windows-builtin, java); none for a root that somebody added. */
  readonly programs: readonly string[];
  readonly certificate: CertificateSummary;
}
