/** Certificates that are built into programs: what `--deep` hands to the scan. */

import type { Certificate } from './certificate.ts';
import type { Problem } from './errors.ts';

export interface EmbeddedCertificate {
  readonly certificate: Certificate;
  /** Where in the file, in words: "offset 0x1f40", "lib/ca.pem, offset 0x0". */
  readonly entry: string;
}

/** A file with certificates that somebody asked for. */
export interface EmbeddedProgram {
  readonly path: string;
  /** What kind of file it is, in words: "ELF", "ZIP". */
  readonly format: string;
  /** The certificates asked for. */
  readonly held: readonly EmbeddedCertificate[];
  /** How many certificates there are in the file, asked for or not. */
  readonly certificates: number;
  /** Why it is known to carry them without trusting them; undefined for every other file. */
  readonly carriesOnly?: string;
}

export interface DeepResult {
  readonly programs: readonly EmbeddedProgram[];
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
}
