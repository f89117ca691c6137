/** How a certificate leaves a store, as data. */

/**
 * safe: only this certificate goes, and it stays gone; unsafe: something else is touched, or it may come back,
 * as the note says; manual: a person must do it.
 */
type Disposition = 'safe' | 'unsafe' | 'manual';

export interface Remediation {
  readonly disposition: Disposition;
  /** The shell whose quoting the commands use. */
  readonly shell: 'sh' | 'powershell' | 'cmd';
  /** To be run in order, stopping at the first that fails. Empty for a manual one. */
  readonly commands: readonly string[];
  /** Puts everything back, in order. */
  readonly undo: readonly string[];
  /** Root or administrator is needed. */
  readonly elevated: boolean;
  /** What a person must know or do, in plain words. */
  readonly note?: string;
}

/** A remedy that no command can be given for: the note says what a person has to do. */
export function manual(note: string, elevated: boolean): Remediation {
  return { disposition: 'manual', shell: 'sh', commands: [], undo: [], elevated, note };
}
