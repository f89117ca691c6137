/** The story of one root: what the blocklist knows about a fingerprint, a certificate or an advisory. */

import type { Blocklist } from '../blocklist/load.ts';
import type { Advisory, BlockedCertificate } from '../blocklist/advisory.ts';
import type { Certificate } from '../core/certificate.ts';
import type { Matcher } from '../match/matcher.ts';
import { summariseCertificate } from '../report/certificate-summary.ts';
import type { Explanation } from '../report/explanation.ts';

export function explainCertificate(
  certificate: Certificate,
  matcher: Matcher,
  blocklist: Blocklist,
): Explanation {
  const [match] = matcher(certificate);
  const advisory = match && blocklist.advisory(match.advisory.id);
  const record = advisory?.certificates.find(({ id }) => id === match?.record);
  return {
    blocklist: versionOf(blocklist),
    certificate: summariseCertificate(certificate),
    match: match ? { kind: match.kind, severity: match.severity, record: match.record } : null,
    advisory: advisory ?? null,
    records: record ? [record] : [],
  };
}

export function explainAdvisory(advisory: Advisory, blocklist: Blocklist): Explanation {
  return {
    blocklist: versionOf(blocklist),
    certificate: null,
    match: null,
    advisory,
    records: advisory.certificates,
  };
}

/**
 * `fingerprint` is hex: SHA-256 or SHA-1 of a certificate or SHA-256 of a key, whole or its first eight digits or
 * more. Several explanations when a key or a beginning is shared by advisories.
 */
export function explainFingerprint(fingerprint: string, blocklist: Blocklist): readonly Explanation[] {
  return explainRecords(blocklist, (known) => known.startsWith(fingerprint));
}

/** The same for many whole ones, each advisory once with all that are its. */
export function explainHashes(hashes: Iterable<string>, blocklist: Blocklist): readonly Explanation[] {
  const wanted = new Set(hashes);
  return explainRecords(blocklist, (known) => wanted.has(known));
}

function explainRecords(
  blocklist: Blocklist,
  isMeant: (fingerprint: string) => boolean,
): readonly Explanation[] {
  const found: Explanation[] = [];
  for (const id of blocklist.advisoryIds()) {
    const advisory = blocklist.advisory(id);
    const records = advisory?.certificates.filter((record) => fingerprintsOf(record).some(isMeant)) ?? [];
    if (advisory && records.length > 0) found.push({ ...explainAdvisory(advisory, blocklist), records });
  }
  return found;
}

function fingerprintsOf(record: BlockedCertificate): readonly string[] {
  const { sha256, sha1, spkiSha256, spkiSha256Canonical } = record;
  return [sha256, sha1, spkiSha256, spkiSha256Canonical].filter((known) => known !== undefined);
}

function versionOf({ compiled }: Blocklist): Explanation['blocklist'] {
  return { version: compiled.version, digest: compiled.digest };
}
