/**
 * The library: what `rootaudit scan`, `list` and `explain` know, as data. It only reads, prints nothing, never ends the
 * process, and throws a {@link RootauditError} where the command would end with exit code 2.
 */

import { fileURLToPath } from 'node:url';
import { explainOne, judge, listAll, scanAll } from './api/library.ts';
import type { BlocklistOptions, ScanOptions, TargetOptions } from './api/library.ts';
import type { Severity } from './blocklist/advisory.ts';
import type { Explanation } from './report/explanation.ts';
import type { Inventory, Report } from './report/report.ts';
import type { Verdict } from './report/verdict.ts';

/** Holds blocklists/ and dist/. */
const PACKAGE_ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Finds every trust store and matches every root in it against the blocklist (and the policy): a report for each
 * target, what `rootaudit scan -f json` prints. Several for one reference where an archive holds several images.
 *
 * A target among several that cannot be opened has a report of kind `unreadable` with the reason in `problems`; when
 * it is the only one, that is thrown.
 */
export function scan(options: ScanOptions = {}): Promise<Report[]> {
  return scanAll(options, PACKAGE_ROOT);
}

/**
 * Every store and every certificate in it, with the trust that the store gives it: what `rootaudit list -f json` prints,
 * for each target. Throws where one cannot be opened.
 */
export function list(options: TargetOptions = {}): Promise<Inventory[]> {
  return listAll(options, PACKAGE_ROOT);
}

/**
 * The story of one root, what `rootaudit explain -f json` prints: `what` is the id of an advisory, the path of a
 * certificate file, or a fingerprint in hex (eight digits or more). Several where they share it.
 */
export async function explain(what: string, options: BlocklistOptions = {}): Promise<readonly Explanation[]> {
  return explainOne(what, options, PACKAGE_ROOT);
}

/**
 * What a report comes to, as the exit code of `rootaudit scan` tells it: `findings` when a root at or above `failOn`
 * (default: `medium`) is trusted or the policy is violated, neither waived nor known; `incomplete` when nothing was
 * found, but not everything could be read.
 */
export function verdict(report: Report, { failOn }: { readonly failOn?: Severity } = {}): Verdict {
  return judge(report, failOn);
}

export { RootauditError } from './core/errors.ts';
export type { BlocklistOptions, ScanOptions, ScanProgress, TargetOptions } from './api/library.ts';
export type { Advisory, BlockedCertificate, Category, Severity } from './blocklist/advisory.ts';
export type { Problem, ProblemCode } from './core/errors.ts';
export type { Scope } from './core/store.ts';
export type { ImageDescription, ImageLayer } from './core/target.ts';
export type { Purpose, TrustStatus } from './core/trust.ts';
export type { MatchKind } from './match/matcher.ts';
export type { Explanation } from './report/explanation.ts';
export type {
  CertificateSummary,
  FileOrigin,
  Finding,
  FindingStatus,
  Inventory,
  InventoryEntry,
  Location,
  PolicySummary,
  Report,
  StoreRemediation,
  StoreSummary,
  TargetSummary,
  UnrecognisedRoot,
  Violation,
  ViolationKind,
  WaiverSummary,
} from './report/report.ts';
export type { Verdict } from './report/verdict.ts';
