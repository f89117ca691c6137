/**
 * What goes wrong, as data. Unreadable input is never an exception for the caller of a scan: it becomes a
 * {@link Problem} in the report. Exceptions are for runs that cannot go on.
 */

/** Why something could not be read, or could only partly be read. */
export type ProblemCode =
  | 'unreadable' // permission refused or an I/O error
  | 'malformed' // the bytes break the format
  | 'truncated' // the bytes end too early
  | 'too-large' // over a size limit of ours
  | 'limit' // over a count or depth limit of ours
  | 'link-loop' // symbolic links that never end
  | 'password-needed' // no known password opens it
  | 'unsupported' // a format or version this version does not read
  | 'stale'; // an unfinished transaction makes the content uncertain

/**
 * Something found while parsing. `error` means that a part of the bytes could not be read, so the result must
 * not be called complete; `note` is worth telling and changes nothing.
 */
export interface Diagnostic {
  readonly level: 'error' | 'note';
  readonly code: ProblemCode | 'note';
  readonly message: string;
  /** Byte offset from the start of the parsed bytes. */
  readonly offset?: number;
  /** Line number, from 1. */
  readonly line?: number;
}

/** What a parser returns: whatever it could read, and what it could not. Parsers never throw. */
export interface Parsed<Entry> {
  readonly entries: readonly Entry[];
  readonly diagnostics: readonly Diagnostic[];
}

/** A {@link Diagnostic} of level error with the file it is about: part of the report. */
export interface Problem {
  readonly code: ProblemCode;
  /** Path as the target names it. */
  readonly path: string;
  readonly message: string;
  readonly offset?: number;
  readonly line?: number;
  /** Id of the store that could not be read whole. */
  readonly store?: string;
}

/** Thrown inside parsers only; the parser's entry point turns it into a {@link Diagnostic}. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
  readonly code: ProblemCode;
  readonly offset: number | undefined;
  constructor(code: ProblemCode, message: string, offset?: number) {
    super(message);
    this.code = code;
    this.offset = offset;
  }
}

/** The run cannot go on: wrong usage, or a target that cannot be read at all. Exit code 2. */
export class RootauditError extends Error {
  override readonly name = 'RootauditError';
  /** What the user can do about it. */
  readonly hint: string | undefined;
  /** Lines between the message and the hint: each mistake in a file. */
  readonly details: readonly string[];
  constructor(message: string, hint?: string, options?: ErrorOptions & { details?: readonly string[] }) {
    super(message, options);
    this.hint = hint;
    this.details = options?.details ?? [];
  }
}

/** A {@link FormatError} as the diagnostic it becomes; any other error is a defect of ours and is rethrown. */
export function toDiagnostic(error: unknown): Diagnostic {
  if (!(error instanceof FormatError)) throw error;
  return {
    level: 'error',
    code: error.code,
    message: error.message,
    ...(error.offset === undefined ? {} : { offset: error.offset }),
  };
}

export function diagnosticToProblem(diagnostic: Diagnostic, path: string): Problem | undefined {
  if (diagnostic.level !== 'error' || diagnostic.code === 'note') return undefined;
  return {
    code: diagnostic.code,
    path,
    message: diagnostic.message,
    ...(diagnostic.offset === undefined ? {} : { offset: diagnostic.offset }),
    ...(diagnostic.line === undefined ? {} : { line: diagnostic.line }),
  };
}
