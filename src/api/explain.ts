/** The story of whatever somebody names: an advisory, a certificate file, a fingerprint. */

import { readFileSync, statSync } from 'node:fs';
import { explainAdvisory, explainCertificate, explainFingerprint, explainHashes } from '../audit/explain.ts';
import type { Blocklist } from '../blocklist/load.ts';
import { meantAdvisories } from '../blocklist/meant.ts';
import { certificateFrom } from '../core/certificate.ts';
import { RootauditError } from '../core/errors.ts';
import { MAX_FILE_BYTES } from '../core/target.ts';
import type { Explanation } from '../report/explanation.ts';
import { readCertificates, readTrustListHashes } from '../stores/shared/any-file.ts';
import { matcherFor } from './blocklist.ts';

/** Throws RootauditError when it is none of these. */
export function explainWhat(what: string, blocklist: Blocklist): readonly Explanation[] {
  const advisory = blocklist.advisoryIds().includes(what) ? blocklist.advisory(what) : undefined;
  if (advisory) return [explainAdvisory(advisory, blocklist)];
  if (isFile(what)) return explainFile(what, blocklist);
  const fingerprint = what.replaceAll(/[:\s]/g, '').toLowerCase();
  if (/^[0-9a-f]{8,64}$/.test(fingerprint)) {
    const found = explainFingerprint(fingerprint, blocklist);
    return found.length > 0 ? found : [notListed(blocklist)];
  }
  throw new RootauditError(
    `"${what}" is no advisory, no file and no fingerprint`,
    meantAdvisories(what, blocklist) ??
      'Give an advisory id, a certificate file, or at least eight hex digits of a fingerprint.',
  );
}

function notListed({ compiled: { version, digest } }: Blocklist): Explanation {
  return { blocklist: { version, digest }, certificate: null, match: null, advisory: null, records: [] };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function explainFile(path: string, blocklist: Blocklist): readonly Explanation[] {
  if (statSync(path).size > MAX_FILE_BYTES)
    throw new RootauditError(`${path} is too large to be a certificate file`);
  const bytes = readFileSync(path);
  const hashes = readTrustListHashes(bytes);
  if (hashes) return explainTrustList(hashes, blocklist);
  const certificates = readCertificates(bytes).map(certificateFrom);
  if (certificates.length === 0) {
    throw new RootauditError(
      `${path} holds no certificate`,
      'PEM, DER, PKCS#7, PKCS#12, JKS, .sst and .stl files are understood.',
    );
  }
  const matcher = matcherFor(blocklist, true);
  return certificates.map((certificate) => explainCertificate(certificate, matcher, blocklist));
}

/** A list names hundreds of roots by hash, so only those that the blocklist knows are told. */
function explainTrustList(hashes: readonly string[], blocklist: Blocklist): readonly Explanation[] {
  const known = explainHashes(hashes, blocklist);
  return known.length > 0 ? known : [notListed(blocklist)];
}
