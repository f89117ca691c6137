/** What is found in one file, in bounds. */

import type { Certificate } from '../core/certificate.ts';
import type { EmbeddedCertificate } from '../core/embedded.ts';
import { diagnosticToProblem, type Diagnostic, type Problem } from '../core/errors.ts';

/** More of one file than anybody wants to read about. */
export const MAX_HELD = 1000;
/** In one file. */
const MAX_PROBLEMS = 20;

export class Findings {
  readonly #path: string;
  readonly #wanted: (certificate: Certificate) => boolean;
  readonly held: EmbeddedCertificate[] = [];
  readonly problems: Problem[] = [];
  readonly notes: string[] = [];
  certificates = 0;

  constructor(path: string, wanted: (certificate: Certificate) => boolean) {
    this.#path = path;
    this.#wanted = wanted;
  }

  /** `entry` says where it lies; it is asked for only when it matters. */
  add(certificate: Certificate, entry: () => string): void {
    this.certificates++;
    if (!this.#wanted(certificate)) return;
    if (this.held.length < MAX_HELD) this.held.push({ certificate, entry: entry() });
    else this.fail({ level: 'error', code: 'limit', message: `more than ${MAX_HELD} listed certificates` });
  }

  fail(diagnostic: Diagnostic, member = ''): void {
    const told = member === '' ? diagnostic : { ...diagnostic, message: `${member}: ${diagnostic.message}` };
    const problem = diagnosticToProblem(told, this.#path);
    const isKnown = this.problems.some(({ message }) => message === problem?.message);
    if (problem && !isKnown && this.problems.length < MAX_PROBLEMS) this.problems.push(problem);
  }

  note(text: string): void {
    this.notes.push(`${this.#path}: ${text}`);
  }
}

export function offsetText(offset: number): string {
  return `offset 0x${offset.toString(16)}`;
}
