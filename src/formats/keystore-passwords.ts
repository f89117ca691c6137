/** Passwords that keystores have by default; whoever keeps certificates in one rarely changes it. */

const WELL_KNOWN = ['changeit', 'changeme', 'password', 'secret', ''];

/** Each password to try, once: the well-known ones, then those given. */
export function passwordsToTry(given: readonly string[]): ReadonlySet<string> {
  return new Set([...WELL_KNOWN, ...given]);
}
