/** The blocklist that comes with the package, or another. */

import { join } from 'node:path';
import { openBlocklist, type Blocklist } from '../blocklist/load.ts';
import { createMatcher, type Matcher } from '../match/matcher.ts';

/** `packageRoot` holds blocklists/ and dist/. */
export function openChosen(directory: string | undefined, packageRoot: string): Blocklist {
  if (directory !== undefined) return openBlocklist(directory);
  return openBlocklist(join(packageRoot, 'blocklists'), join(packageRoot, 'dist', 'blocklist.json'));
}

export function matcherFor(blocklist: Blocklist, unverifiedNames: boolean): Matcher {
  return createMatcher(blocklist.compiled, {
    unverifiedNames,
    blockedCertificate: (fingerprint) => blocklist.certificate(fingerprint),
  });
}
