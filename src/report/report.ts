/**
 * The report: what a scan found, as plain data. This is the whole of the JSON output, version 1; its JSON Schema is
 * `docs/report.schema.json`. Renderers see nothing else.
 */

import type { Category, Severity } from '../blocklist/advisory.ts';
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

/** embedded: built into a program, which may trust it or not (`--deep`). */
export type FindingStatus = TrustStatus | 'embedded';

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
  readonly certificate: CertificateSummary;
  readonly locations: readonly Location[];
  readonly remediations: readonly StoreRemediation[];
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
  /** In an image: index of the layer that the file comes from, in the target's layers. */
  readonly layer?: number;
  readonly trust: FindingStatus;
  /** What it is trusted for. */
  readonly purposes: readonly Purpose[];
  /** The store's own words for its trust. */
  readonly expressed: string;
  /** Ids of the stores this copy was generated from: removal goes there. */
  readonly generatedFrom: readonly string[];
}

export interface StoreRemediation extends Omit<Remediation, 'actions'> {
  /** Id of the store. */
  readonly store: string;
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
  readonly certificate: CertificateSummary;
}
