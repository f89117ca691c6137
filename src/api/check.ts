/** Certificate files that somebody names, wherever they lie: is a root in them that is on the blocklist? */

import { readFileSync, statSync } from 'node:fs';
import type { Blocklist } from '../blocklist/load.ts';
import { certificateFrom } from '../core/certificate.ts';
import { diagnosticToProblem, RootauditError, type Problem } from '../core/errors.ts';
import { MAX_FILE_BYTES } from '../core/target.ts';
import type { Match } from '../match/matcher.ts';
import { summariseCertificate } from '../report/certificate-summary.ts';
import type { CertificateSummary } from '../report/report.ts';
import { parseCertificates } from '../stores/shared/any-file.ts';
import { matcherFor } from './blocklist.ts';

export interface CheckedFile {
  readonly path: string;
  readonly certificates: number;
  readonly listed: readonly ListedCertificate[];
  readonly problems: readonly Problem[];
}

export interface ListedCertificate {
  readonly certificate: CertificateSummary;
  readonly match: Match;
}

/** Throws RootauditError for what is no file. */
export function checkFiles(
  paths: readonly string[],
  blocklist: Blocklist,
  passwords: readonly string[],
): readonly CheckedFile[] {
  const matcher = matcherFor(blocklist, false);
  return paths.map((path) => {
    const bytes = readBounded(path);
    if ('message' in bytes) return { path, certificates: 0, listed: [], problems: [bytes] };
    const { entries, diagnostics } = parseCertificates(bytes, passwords);
    const listed = entries
      .map(certificateFrom)
      .flatMap((certificate) =>
        matcher(certificate).map((match) => ({ certificate: summariseCertificate(certificate), match })),
      );
    const problems = diagnostics.flatMap((diagnostic) => diagnosticToProblem(diagnostic, path) ?? []);
    return { path, certificates: entries.length, listed, problems };
  });
}

function readBounded(path: string): Uint8Array | Problem {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new RootauditError(`there is no ${path}`);
  if (!found.isFile()) throw new RootauditError(`${path} is not a file`);
  if (found.size > MAX_FILE_BYTES)
    return { code: 'too-large', path, message: 'too large to be a certificate file' };
  try {
    return readFileSync(path);
  } catch (error) {
    return { code: 'unreadable', path, message: error instanceof Error ? error.message : String(error) };
  }
}
