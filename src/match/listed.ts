/** Which advisories name a certificate that is known by its fingerprints alone, as in a saved file. */

import type { CompiledAdvisory, CompiledBlocklist } from '../blocklist/compile.ts';

interface Fingerprints {
  readonly sha256: string;
  readonly spkiSha256?: string | null;
}

/** By the certificate itself or by its key; what else a scan goes by is not in a saved file. */
export function advisoriesByFingerprint(
  list: CompiledBlocklist,
): (of: Fingerprints) => readonly CompiledAdvisory[] {
  const known = new Map<string, Set<CompiledAdvisory>>();
  for (const { advisory: index, sha256, keys, matchKey } of list.certificates) {
    const advisory = list.advisories[index];
    if (!advisory) continue;
    for (const hash of [...(sha256 === undefined ? [] : [sha256]), ...(matchKey === false ? [] : keys)]) {
      const those = known.get(hash);
      if (those) those.add(advisory);
      else known.set(hash, new Set([advisory]));
    }
  }
  return ({ sha256, spkiSha256 }) => [
    ...new Set([...(known.get(sha256) ?? []), ...(known.get(spkiSha256 ?? '') ?? [])]),
  ];
}
