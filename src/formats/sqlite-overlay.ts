/** What the two side files of a SQLite database, journal and write-ahead log, have in common. */

import type { Diagnostic } from '../core/errors.ts';

/** A set of pages that count in place of the main file's. */
export interface PageOverlay {
  /** Page number to offset of its bytes in the side file. */
  readonly pages: ReadonlyMap<number, number>;
  readonly pageSize: number;
  /** Size of the database in pages, or undefined where the side file changes nothing. */
  readonly pageCount: number | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

export function isPageSize(size: number): boolean {
  return size >= 512 && size <= 65536 && (size & (size - 1)) === 0;
}

export function note(message: string): Diagnostic {
  return { level: 'note', code: 'note', message };
}
