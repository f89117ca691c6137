/** What `rootaudit explain` prints, as data. */

import type { Advisory, BlockedCertificate, Severity } from '../blocklist/advisory.ts';
import type { MatchKind } from '../match/matcher.ts';
import type { CertificateSummary } from './report.ts';

export interface Explanation {
  readonly blocklist: { readonly version: string; readonly digest: string };
  /** The certificate that was asked about, when it was given as a file. */
  readonly certificate: CertificateSummary | null;
  /** How it is recognised; null when it is not on the list, or when an advisory was asked for. */
  readonly match: { readonly kind: MatchKind; readonly severity: Severity; readonly record: string } | null;
  readonly advisory: Advisory | null;
  /** The records of the advisory that the question is about. */
  readonly records: readonly BlockedCertificate[];
}
