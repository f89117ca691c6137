/**
 * What a removal has done, in a directory of its own: `journal.ndjson`, one record a line, each written and synced
 * before the step that it announces, and the copies of everything that was touched. Holds no secrets: a keystore is
 * copied as the file that it is, and the arguments of tools that work on copies, where passwords may stand, are left out.
 */

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { RootauditError } from '../core/errors.ts';
import { explained } from './failure.ts';
import type { NodeState } from './node-state.ts';
import { syncDirectory, type Root } from './place.ts';
import type { Saved } from './snapshot.ts';

/** What is recorded of a node that a step left. */
export interface Left {
  readonly path: string;
  readonly state: NodeState;
}

export type JournalRecord =
  | {
      readonly type: 'start';
      readonly version: 1;
      readonly tool: string;
      readonly time: string;
      readonly root: Root;
      /** SHA-256 of the certificates that go. */
      readonly certificates: readonly string[];
    }
  /** The copies are complete: from here on something may be touched. */
  | { readonly type: 'saved'; readonly nodes: readonly Saved[]; readonly trees: readonly string[] }
  /** A file gets another content, or goes (null). */
  | {
      readonly type: 'replace';
      readonly step: number;
      readonly path: string;
      readonly before: string | null;
      readonly after: string | null;
    }
  | {
      readonly type: 'run';
      readonly step: number;
      readonly argv: readonly string[];
      readonly changes: readonly string[];
      readonly undo: readonly (readonly string[])[];
    }
  /** The step is complete; of a command, what it left in the places that it may change. */
  | { readonly type: 'done'; readonly step: number; readonly left?: readonly Left[] }
  /** untouched: the file that the step was about is as it was found. */
  | {
      readonly type: 'failed';
      readonly step: number;
      readonly message: string;
      readonly untouched: boolean;
    }
  | { readonly type: 'end'; readonly verified: boolean }
  | { readonly type: 'undo' }
  /** The commands that undo this step have run. */
  | { readonly type: 'undone-run'; readonly step: number }
  | { readonly type: 'undone'; readonly time: string };

const FILE = 'journal.ndjson';
/** A journal is a few kilobytes, of a large store a few megabytes. */
const MAX_BYTES = 256 << 20;

/** Where journals are kept unless a directory is named. */
export function defaultJournalBase(environment: Readonly<Record<string, string | undefined>>): string {
  if (process.platform === 'win32') {
    return join(environment['LOCALAPPDATA'] ?? environment['USERPROFILE'] ?? 'C:\\', 'rootaudit', 'journal');
  }
  if (process.getuid?.() === 0) return '/var/lib/rootaudit/journal';
  const { XDG_STATE_HOME: state, HOME: home } = environment;
  if (state?.startsWith('/')) return join(state, 'rootaudit', 'journal');
  if (home === undefined || home === '') {
    throw new RootauditError('there is no home directory to keep a journal in', 'Name one with --journal.');
  }
  return join(home, '.local', 'state', 'rootaudit', 'journal');
}

/** Made where it is missing, for nobody else to read. */
export function prepareBase(base: string): string {
  const path = resolve(base);
  return explained(path, () => {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  });
}

export class Journal {
  /** Host path. */
  readonly directory: string;
  #descriptor: number | undefined;

  private constructor(directory: string, descriptor: number) {
    this.directory = directory;
    this.#descriptor = descriptor;
  }

  /** A new one; the name sorts by time. */
  static create(base: string, now: Date): Journal {
    const time = now.toISOString().replaceAll(/[-:.]/g, '');
    const directory = join(base, `${time}-${randomBytes(4).toString('hex')}`);
    return explained(directory, () => {
      mkdirSync(directory, { mode: 0o700 });
      mkdirSync(join(directory, 'copies'), { mode: 0o700 });
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND;
      const journal = new Journal(directory, openSync(join(directory, FILE), flags, 0o600));
      syncDirectory(directory);
      syncDirectory(base);
      return journal;
    });
  }

  /** Goes on with one that is there. */
  static open(directory: string): Journal {
    const path = join(directory, FILE);
    return explained(path, () => {
      endLine(path);
      return new Journal(directory, openSync(path, constants.O_WRONLY | constants.O_APPEND));
    });
  }

  get name(): string {
    return basename(this.directory);
  }

  get copies(): string {
    return join(this.directory, 'copies');
  }

  /** Begins the names of what is put beside files for a moment, so that it can be told and taken away. */
  get prefix(): string {
    return prefixOf(this.directory);
  }

  /** Returns when the record is on the disk. */
  write(record: JournalRecord): void {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) throw new RangeError('the journal is closed');
    explained(join(this.directory, FILE), () => {
      const bytes = Buffer.from(`${JSON.stringify(record)}\n`);
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
      fsyncSync(descriptor);
    });
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  /** For a run that has touched nothing. */
  discard(): void {
    this.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function prefixOf(directory: string): string {
  return `.rootaudit-${basename(directory)}`;
}

/** A record that was cut off by a crash was never acted upon: what comes next begins a line of its own. */
function endLine(path: string): void {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_APPEND);
  try {
    const bytes = readFileSync(descriptor);
    if (bytes.length > 0 && bytes.at(-1) !== 0x0a) writeSync(descriptor, '\n');
  } finally {
    closeSync(descriptor);
  }
}

/** Throws RootauditError for what is no journal, or one that somebody else could have written. */
export function readJournal(directory: string): readonly JournalRecord[] {
  const path = join(directory, FILE);
  const text = explained(path, () => {
    const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    try {
      const stat = fstatSync(descriptor);
      checkOwner(directory);
      if (stat.size > MAX_BYTES) throw new RootauditError(`${path} is too large to be a journal`);
      return readFileSync(descriptor, 'utf8');
    } finally {
      closeSync(descriptor);
    }
  });
  return text.split('\n').flatMap((line) => parseRecord(line));
}

/** An undo does what the journal says, as whoever runs it. */
function checkOwner(directory: string): void {
  if (process.platform === 'win32') return;
  const uid = process.getuid?.() ?? 0;
  for (const path of [directory, join(directory, FILE)]) {
    const stat = statSync(path);
    if (stat.uid !== uid || (stat.mode & 0o022) !== 0) {
      throw new RootauditError(
        `${path} belongs to another user, or others may write it`,
        'Run the undo as the user who ran the removal.',
      );
    }
  }
}

const TYPES: ReadonlySet<unknown> = new Set<JournalRecord['type']>([
  'start',
  'saved',
  'replace',
  'run',
  'done',
  'failed',
  'end',
  'undo',
  'undone-run',
  'undone',
]);

/** A line that a crash has cut off is no record. */
function parseRecord(line: string): JournalRecord[] {
  try {
    const record: unknown = JSON.parse(line);
    const isRecord =
      typeof record === 'object' && record !== null && 'type' in record && TYPES.has(record.type);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by us, in a directory only we can write
    return isRecord ? [record as JournalRecord] : [];
  } catch {
    return [];
  }
}

export type JournalStatus = 'done' | 'unfinished' | 'undone' | 'undoing' | 'empty';

export interface JournalSummary {
  readonly name: string;
  readonly directory: string;
  readonly time: string;
  /** Host path of what was changed: `/` for this machine. */
  readonly root: string;
  readonly certificates: readonly string[];
  /** empty: it was ended before anything could be touched. */
  readonly status: JournalStatus;
}

export function summaryOf(directory: string, records: readonly JournalRecord[]): JournalSummary | undefined {
  const start = records.find((record) => record.type === 'start');
  if (!start) return undefined;
  return {
    name: basename(directory),
    directory,
    time: start.time,
    root: start.root.host || '/',
    certificates: start.certificates,
    status: statusOf(records),
  };
}

function statusOf(records: readonly JournalRecord[]): JournalStatus {
  const has = (type: JournalRecord['type']): boolean => records.some((record) => record.type === type);
  if (has('undone')) return 'undone';
  if (has('undo')) return 'undoing';
  if (has('end')) return 'done';
  return has('replace') || has('run') ? 'unfinished' : 'empty';
}

/** Newest first. A directory that cannot be read as a journal is left out. */
export function listJournals(base: string): readonly JournalSummary[] {
  if (!existsSync(base)) return [];
  const names = readdirSync(base).filter((name) => /^\d{8}T\d{9}Z-[0-9a-f]{8}$/.test(name));
  return names
    .toSorted()
    .toReversed()
    .flatMap((name) => {
      try {
        return summaryOf(join(base, name), readJournal(join(base, name))) ?? [];
      } catch (error) {
        if (error instanceof RootauditError) return [];
        throw error;
      }
    });
}

/** The journals that lie in the same place. */
export function baseOf(directory: string): string {
  return dirname(resolve(directory));
}
