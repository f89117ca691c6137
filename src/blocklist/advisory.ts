/** The blocklist's data model: what the files below `blocklists/` hold. JSON Schemas: `blocklists/schema/`. */

import type { Sha256 } from '../core/certificate.ts';

/**
 * critical: someone else can read your traffic today (state interception, published private key);
 * high: compromised, or thrown out for cause by the browsers; medium: distrusted by a major programme for security
 * reasons; low: partial or dated distrust; info: merely retired.
 */
export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const CATEGORIES = [
  'state-interception',
  'exposed-private-key',
  'adware-or-preinstalled',
  'interception-product',
  'compromised-ca',
  'unrestricted-subordinate',
  'misissuance-or-noncompliance',
  'removed-from-programs',
] as const;
export type Category = (typeof CATEGORIES)[number];

export interface Distrust {
  /** mozilla, chrome, apple, microsoft, java, android */
  readonly program: string;
  readonly action:
    | 'removed'
    | 'disabled'
    | 'distrusted'
    | 'blocked'
    | 'revoked'
    | 'known-interception'
    | 'date-limited'
    | 'purpose-limited';
  /** ISO 8601 day; null where it is not known. */
  readonly date: string | null;
  readonly note?: string;
  readonly url: string | null;
}

/** One certificate (or, where only that is known, one key) of an advisory. All hex is lower case. */
export interface BlockedCertificate {
  /** The record's own name: unique in the whole blocklist. */
  readonly id: string;
  readonly name: string;
  /** Identified by sha256, by spkiSha256, or by a serialNumber with issuer or sha1. */
  readonly sha256?: Sha256;
  readonly sha1?: string;
  readonly spkiSha256?: Sha256;
  /** A second hash of the same key written the usual way, where the certificate writes it another way. */
  readonly spkiSha256Canonical?: Sha256;
  /** RFC 4514. */
  readonly subject?: string;
  readonly issuer?: string;
  /** Hex of the INTEGER without leading zero octets. */
  readonly serialNumber?: string;
  /** ISO 8601. */
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly keyAlgorithm?: string;
  readonly role: 'root' | 'intermediate' | 'unknown';
  /** computed: from the certificate itself or the published key; cited: read in a source that is named. */
  readonly evidence: 'computed' | 'cited';
  /** A matching private key is public: seen by us in a public place, or reported by others. */
  readonly privateKey?: 'verified' | 'reported';
  /** Where the private key was seen. */
  readonly privateKeyEvidence?: string;
  /** False where the same key is also in a root that programmes still trust: it must not match by key. */
  readonly matchKey?: false;
  /** A marker made to express distrust; never issued as a certificate. */
  readonly placeholder?: true;
  /** Programmes whose clean, current systems still ship it. It is no alarm there and nothing to remove unasked. */
  readonly stillShippedBy?: readonly string[];
  readonly distrustedBy: readonly Distrust[];
  /** What is particular about this one. */
  readonly note?: string;
  readonly references: readonly string[];
  /** True where `blocklists/certificates/<sha256>.pem` holds the certificate. */
  readonly pem: boolean;
}

/**
 * A certificate named like this is suspected, whatever its key. Each value is a regular expression that must match
 * a whole attribute value, both folded (NFKC, lower case, single spaces); every attribute must match, in any order.
 */
export interface NameRule {
  readonly id: string;
  /** Attribute short name (CN, O, OU, C, emailAddress …) to pattern. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly confidence: 'high' | 'medium' | 'low';
  /** Unverified rules are used on request only. */
  readonly evidence: 'seen' | 'unverified';
  readonly source: string;
  readonly note?: string;
}

/** One incident. `blocklists/advisories/<id>.json` */
export interface Advisory {
  readonly id: string;
  readonly title: string;
  /** One or two sentences for a report: why these roots are on the list. */
  readonly summary: string;
  /** What happened, for `rootaudit explain`: a short paragraph or a few. */
  readonly details: string;
  readonly category: Category;
  readonly severity: Severity;
  /** ISO 3166 code, or EU. */
  readonly country?: string;
  /** Links that carry the claims made; never empty. */
  readonly references: readonly string[];
  readonly certificates: readonly BlockedCertificate[];
  readonly names: readonly NameRule[];
}

/** `blocklists/manifest.json` */
export interface Manifest {
  readonly schemaVersion: 1;
  /** Calendar version, YYYY.M.D or YYYY.M.D-N. */
  readonly version: string;
  /** ISO 8601 day. */
  readonly date: string;
  /** Path below `blocklists/` to SHA-256, for every advisory, certificate and the programme list. */
  readonly files: Readonly<Record<string, Sha256>>;
}

/**
 * `blocklists/root-programs.json`: what clean systems ship. A certificate listed here is never matched by name,
 * and never gets a removal command unasked.
 */
export interface RootPrograms {
  readonly date: string;
  readonly sources: readonly {
    readonly program: string;
    readonly url: string;
    readonly date: string | null;
  }[];
  /** SHA-256 to the programmes that trust it today. */
  readonly roots: Readonly<Record<string, readonly string[]>>;
  /** Roots of OpenJDK as of its source's date, too long ago to say what is trusted today; SHA-256. */
  readonly java: readonly Sha256[];
  /** Roots that Windows carries by itself (update list and built-ins); SHA-256. */
  readonly windowsBuiltin: readonly Sha256[];
  /** Roots that Microsoft documents as needed by Windows although expired; SHA-256. */
  readonly windowsRequired: readonly Sha256[];
}
