/** How a certificate leaves a store, as data. */

/**
 * safe: only this certificate goes, and it stays gone; unsafe: something else is touched, or it may come back,
 * as the note says; manual: a person must do it.
 */
type Disposition = 'safe' | 'unsafe' | 'manual';

/**
 * A change of the target, as data, from which `rootaudit remove` works and writes scripts. Paths are the target's own and
 * lead through no link. `sha256` is the hash of the file as it was planned for: nothing is done to any other content.
 */
export type Action =
  /** The file goes. */
  | { readonly kind: 'delete'; readonly path: string; readonly sha256: string }
  /** These bytes leave the file; all others stay. In their order, `end` exclusive. */
  | {
      readonly kind: 'cut';
      readonly path: string;
      readonly sha256: string;
      readonly ranges: readonly { readonly start: number; readonly end: number }[];
    }
  /** A file with this content; `sha256` is null where there must be none yet. */
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly sha256: string | null;
      readonly content: Uint8Array;
      /** Permission bits of a new file. */
      readonly mode: number;
    }
  /**
   * A tool changes one file, or several files of one directory. It can be given copies: `{}` in an argument stands
   * for the path of the file (of the directory, where `directory` is true).
   */
  | {
      readonly kind: 'edit';
      readonly path: string;
      readonly directory: boolean;
      readonly files: readonly { readonly path: string; readonly sha256: string }[];
      readonly argv: readonly string[];
    }
  /** A tool that works on the system itself: regenerates copies, asks a service, changes the registry. */
  | {
      readonly kind: 'run';
      readonly argv: readonly string[];
      /** Files and whole directories that it may change. */
      readonly changes: readonly string[];
      /** Brings back what no copy of a file does: the registry. */
      readonly undo?: readonly (readonly string[])[];
    };

export interface Remediation {
  readonly disposition: Disposition;
  /** The shell whose quoting the commands use. */
  readonly shell: 'sh' | 'powershell' | 'cmd';
  /** To be run in order, stopping at the first that fails. Empty for a manual one. */
  readonly commands: readonly string[];
  /** Puts everything back, in order. */
  readonly undo: readonly string[];
  /** The same as `commands`, without the copies that those make first. None where only a person can do it. */
  readonly actions?: readonly Action[];
  /** Root or administrator is needed. */
  readonly elevated: boolean;
  /** What a person must know or do, in plain words. */
  readonly note?: string;
}

/** A remedy that no command can be given for: the note says what a person has to do. */
export function manual(note: string, elevated: boolean): Remediation {
  return { disposition: 'manual', shell: 'sh', commands: [], undo: [], elevated, note };
}
