/** Which root programmes ship a certificate. */

import type { CompiledBlocklist } from '../blocklist/compile.ts';
import type { Sha256 } from '../core/certificate.ts';

export type Programs = (sha256: Sha256) => readonly string[];

/**
 * The programmes that ship it today, and `windows-builtin` or `java` where that is known of an older state only. Empty
 * for a root that somebody added.
 */
export function createPrograms({ programs, programRoots }: CompiledBlocklist): Programs {
  return (sha256) => {
    const bits = programRoots[sha256] ?? 0;
    return bits === 0 ? [] : programs.filter((_, bit) => (bits & (1 << bit)) !== 0);
  };
}

/** What a programme trusts today. */
export function rootsOfToday({ programRoots, programsOfToday }: CompiledBlocklist): ReadonlySet<string> {
  const today = (1 << programsOfToday) - 1;
  return new Set(Object.keys(programRoots).filter((sha256) => ((programRoots[sha256] ?? 0) & today) !== 0));
}
