/** How a certificate leaves a store, as data. */

/**
 * safe: only these certificates go, and they stay gone; unsafe: something else is touched, or they may come back,
 * as the note says; manual: a person must do it, and there are neither commands nor actions.
 */
type Disposition = 'safe' | 'unsafe' | 'manual';

/**
 * A change of the target, as data, from which `rootaudit remove` works and writes scripts. Paths are the target's own and
 * lead through no link; directories that are missing above a file to be written are made. `sha256` is the hash of the
 * file as it was planned for: nothing is done to any other content. An `argv` is run as it stands, without a shell, where
 * the target is at hand (a mounted root is entered by `chroot` in it); for an image, inside a container of it.
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
      /** Where the content is the old one with whole lines replaced: which, each as often as it is there. */
      readonly lines?: readonly ReplacedLine[];
    }
  /**
   * A tool changes one file, or several files of one directory. It can be given copies: `{}` in an argument stands
   * for the path of the file (of the directory, where `directory` is true). Of a directory only `files` are meant: one
   * that is gone afterwards goes, and what the tool makes besides does not stay.
   */
  | {
      readonly kind: 'edit';
      readonly path: string;
      readonly directory: boolean;
      readonly files: readonly { readonly path: string; readonly sha256: string }[];
      readonly argv: readonly string[];
      /** Run after it on the same copy, in order, while each succeeds. Some only check, and fail where it must stop. */
      readonly afterwards?: readonly (readonly string[])[];
      /** What stands for the path instead of `{}`, where a name in an argument has `{}` in it. */
      readonly placeholder?: string;
    }
  /**
   * A tool that works on the system itself: regenerates copies, asks a service, changes the registry. One that fails
   * ends the removal, and may be there for nothing else: to see that a keychain holds the very certificate.
   */
  | {
      readonly kind: 'run';
      readonly argv: readonly string[];
      /** Files and whole directories that it may change, or make. */
      readonly changes: readonly string[];
      /** Brings back what no copy of a file does: the registry. Files of earlier actions are still there then. */
      readonly undo?: readonly (readonly string[])[];
    };

export interface ReplacedLine {
  readonly from: string;
  readonly to: string;
}

export interface Remediation {
  readonly disposition: Disposition;
  /** The shell whose quoting the commands use. */
  readonly shell: 'sh' | 'powershell' | 'cmd';
  /** To be run in order, stopping at the first that fails. Empty where no shell can do it: a report calls that manual. */
  readonly commands: readonly string[];
  /** Puts everything back, in order. */
  readonly undo: readonly string[];
  /**
   * The same as `commands`, without the copies that those make first. There may be some where there are no commands: an
   * argument carries names that no shell does, and bytes are cut where sed cannot count lines. Each remedy that is not
   * manual has some.
   */
  readonly actions?: readonly Action[];
  /** Root or administrator is needed. */
  readonly elevated: boolean;
  /** Names of processes that have the store open when they run, and may write it back: "firefox". */
  readonly inUse?: readonly string[];
  /** What a person must know or do, in plain words. */
  readonly note?: string;
}

/** A remedy that no command can be given for: the note says what a person has to do. */
export function manual(note: string, elevated: boolean): Remediation {
  return { disposition: 'manual', shell: 'sh', commands: [], undo: [], elevated, note };
}
