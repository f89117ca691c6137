/**
 * Going back to what was before a removal, whatever point it came to. Can be interrupted and run again itself: what is
 * as it was stays so.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { RootauditError } from '../core/errors.ts';
import {
  Journal,
  prefixOf,
  readJournal,
  summaryOf,
  type JournalRecord,
  type JournalSummary,
} from './journal.ts';
import { cleanUp } from './leftovers.ts';
import { holdsTheSame, NONE, stateOf, treeOf, type NodeState } from './node-state.ts';
import { Place, type Root } from './place.ts';
import { restore } from './restore.ts';
import { copyFrom, type Fault, type Saved } from './snapshot.ts';
import { runTool } from './tool.ts';

export interface UndoOptions {
  /** Host path of the journal. */
  readonly directory: string;
  /** Where the root is mounted now, if not where it was. */
  readonly root?: Root;
  readonly now: Date;
  /** Put back also what somebody changed since. */
  readonly force: boolean;
  readonly fault?: Fault;
}

export interface Undone {
  readonly journal: JournalSummary;
  /** Paths that were put back; none when everything was as before. */
  readonly restored: number;
  /** What could not be told apart from somebody else's, and was kept in the journal before it was taken away. */
  readonly aside: readonly string[];
  /** Commands that did not succeed, of steps that may not have come to their end. */
  readonly notes: readonly string[];
}

type RunRecord = Extract<JournalRecord, { type: 'run' }>;

/** Throws RootauditError when something changed since, and nothing was put back. */
export async function undo(options: UndoOptions): Promise<Undone> {
  const { directory } = options;
  const records = readJournal(directory);
  const journal = summaryOf(directory, records);
  const start = records.find((record) => record.type === 'start');
  if (!journal || !start) throw new RootauditError(`${directory} is no journal of a removal`);
  if (journal.status === 'undone') return { journal, restored: 0, aside: [], notes: [] };
  return new Undo(options, options.root ?? start.root, journal, records).run();
}

class Undo {
  readonly #options: UndoOptions;
  readonly #root: Root;
  readonly #summary: JournalSummary;
  readonly #records: readonly JournalRecord[];
  readonly #saved: ReadonlyMap<string, Saved>;
  readonly #fault: Fault;

  constructor(options: UndoOptions, root: Root, summary: JournalSummary, records: readonly JournalRecord[]) {
    this.#options = options;
    this.#root = root;
    this.#summary = summary;
    this.#records = records;
    this.#fault = options.fault ?? (() => undefined);
    const nodes = records.flatMap((record) => (record.type === 'saved' ? record.nodes : []));
    const spared = sparedIn(records);
    this.#saved = new Map(nodes.filter(({ path }) => !spared.has(path)).map((each) => [each.path, each]));
  }

  async run(): Promise<Undone> {
    const { directory, now } = this.#options;
    // A run that had begun no step has touched nothing.
    const hasBegun = this.#records.some(({ type }) => type === 'replace' || type === 'run');
    cleanUp(this.#root, [...this.#saved.values()], prefixOf(directory));
    const found = hasBegun ? this.#inspect() : { created: [], unknown: [], changed: [] };
    if (found.changed.length > 0 && !this.#options.force) throw changedSince(found.changed);
    const journal = Journal.open(directory);
    try {
      journal.write({ type: 'undo' });
      this.#fault('undo begun');
      const notes = await this.#runUndoCommands(journal);
      const aside = this.#setAside([...found.unknown, ...found.changed]);
      const gone = [...found.created, ...aside]
        .filter((path) => !this.#saved.has(path))
        .map((path): Saved => ({ path, state: NONE }));
      const restored = hasBegun ? this.#restore(gone) : 0;
      this.#fault('undo restored');
      journal.write({ type: 'undone', time: now.toISOString() });
      this.#fault('undo ended');
      return { journal: { ...this.#summary, status: 'undone' }, restored, aside, notes };
    } finally {
      journal.close();
    }
  }

  #restore(gone: readonly Saved[]): number {
    return restore([...this.#saved.values(), ...gone], {
      root: this.#root,
      copies: join(this.#options.directory, 'copies'),
      prefix: prefixOf(this.#options.directory),
      fault: this.#fault,
    });
  }

  /** The last first. Of a step that did not come to its end, the commands may have nothing to undo. */
  async #runUndoCommands(journal: Journal): Promise<readonly string[]> {
    const notes: string[] = [];
    const undone = new Set(this.#stepsOf('undone-run'));
    const ended = new Set(this.#stepsOf('done'));
    for (const { step, undo: commands } of this.#runs().toReversed()) {
      if (undone.has(step) || commands.length === 0) continue;
      for (const argv of commands) {
        const { status, output } = await runTool(argv);
        if (status === 0) continue;
        const message = `${argv.join(' ')} failed${output === '' ? '' : `: ${output.slice(-1000)}`}`;
        if (ended.has(step)) throw new RootauditError(message, 'Run the undo again when the cause is gone.');
        notes.push(message);
      }
      journal.write({ type: 'undone-run', step });
      this.#fault('undo command ran');
    }
    return notes;
  }

  #stepsOf(type: 'done' | 'undone-run'): readonly number[] {
    return this.#records.flatMap((record) => (record.type === type ? [record.step] : []));
  }

  #runs(): readonly RunRecord[] {
    return this.#records.filter((record) => record.type === 'run');
  }

  /** Compares what is there with what the removal left. */
  #inspect(): { created: readonly string[]; unknown: readonly string[]; changed: readonly string[] } {
    const accepted = this.#accepted();
    const openEnded = this.#openEnded();
    const isOpenEnded = (path: string): boolean => openEnded.some((each) => isWithin(path, each));
    const changed: string[] = [];
    for (const { path, state } of this.#saved.values()) {
      const now = stateOf(this.#root, path);
      const known = [state, ...(accepted.get(path) ?? [])];
      const isDirectory = now.kind === 'directory' && state.kind === 'none' && isAbove(path, accepted);
      if (isDirectory || isOpenEnded(path) || known.some((each) => holdsTheSame(each, now))) continue;
      changed.push(path);
    }
    const created: string[] = [];
    const unknown: string[] = [];
    for (const { path, state } of this.#areas().flatMap((area) => treeOf(this.#root, area))) {
      if (this.#saved.has(path)) continue;
      const known = accepted.get(path);
      if (known?.some((each) => holdsTheSame(each, state)) === true) created.push(path);
      else if (isOpenEnded(path)) unknown.push(path);
      // What appeared since in the same directory is none of our business; what we left there and changed is.
      else if (known) changed.push(path);
    }
    return { created: [...new Set(created)], unknown: [...new Set(unknown)], changed };
  }

  /** What each path may hold: everything that a step has put there, or was about to. */
  #accepted(): ReadonlyMap<string, readonly NodeState[]> {
    const accepted = new Map<string, NodeState[]>();
    const add = (path: string, state: NodeState): void => {
      const states = accepted.get(path) ?? [];
      states.push(state);
      accepted.set(path, states);
    };
    for (const record of this.#records) {
      if (record.type === 'replace') {
        for (const hash of [record.before, record.after]) add(record.path, contentState(hash));
      }
      if (record.type === 'done') for (const { path, state } of record.left ?? []) add(path, state);
    }
    return accepted;
  }

  /** Places that a command was changing when everything ended: they may hold anything. */
  #openEnded(): readonly string[] {
    const ended = new Set(this.#stepsOf('done'));
    return this.#runs().flatMap(({ step, changes }) => (ended.has(step) ? [] : changes.map(withoutSlash)));
  }

  /** Where files may have appeared. */
  #areas(): readonly string[] {
    const trees = this.#records.flatMap((record) => (record.type === 'saved' ? record.trees : []));
    return [...new Set([...trees, ...this.#runs().flatMap(({ changes }) => changes.map(withoutSlash))])];
  }

  #setAside(paths: readonly string[]): readonly string[] {
    if (paths.length === 0) return [];
    const directory = join(this.#options.directory, 'aside');
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const [index, path] of paths.entries()) {
      const { kind } = stateOf(this.#root, path);
      if (kind === 'directory' || kind === 'none') continue;
      const to = join(directory, String(index));
      mkdirSync(to, { recursive: true, mode: 0o700 });
      const slash = path.lastIndexOf('/');
      const place = Place.open(this.#root, path.slice(0, slash) || '/');
      try {
        copyFrom(place, new Map([[path, 'copy']]), to);
      } finally {
        place.close();
      }
    }
    return paths;
  }
}

/** Files that a step was about to change and left as it found them: they are none of our business. */
function sparedIn(records: readonly JournalRecord[]): ReadonlySet<string> {
  const failed = new Set(
    records.flatMap((record) => (record.type === 'failed' && record.untouched ? [record.step] : [])),
  );
  const begun = records.filter((record) => record.type === 'replace');
  const touched = new Set(begun.filter(({ step }) => !failed.has(step)).map(({ path }) => path));
  const changes = records.flatMap((record) => (record.type === 'run' ? record.changes : []));
  const isSpared = (path: string): boolean =>
    !touched.has(path) && !changes.some((change) => isWithin(path, withoutSlash(change)));
  return new Set(begun.map(({ path }) => path).filter(isSpared));
}

/** Only the content is compared. */
function contentState(sha256: string | null): NodeState {
  return sha256 === null ? NONE : { kind: 'file', sha256, size: 0, mode: 0, uid: 0, gid: 0, modified: '0' };
}

function isWithin(path: string, area: string): boolean {
  return path === area || path.startsWith(`${area}/`);
}

/** A directory that was made for a file of ours. */
function isAbove(path: string, accepted: ReadonlyMap<string, unknown>): boolean {
  return [...accepted.keys()].some((each) => each.startsWith(`${path}/`));
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, '') || '/';
}

function changedSince(paths: readonly string[]): RootauditError {
  const shown = paths.slice(0, 5).join(', ');
  const more = paths.length > 5 ? ` and ${paths.length - 5} more` : '';
  return new RootauditError(
    `${shown}${more} changed since the removal`,
    'Nothing was put back. With --force, what was there before the removal takes the place of what is there now.',
  );
}
