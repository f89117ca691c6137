/**
 * A plan is done: everything is found out first, then copied, then changed step by step, each step announced in the
 * journal before and confirmed after. Whatever happens in between, the journal knows how to go back.
 */

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../core/certificate.ts';
import { RootauditError } from '../core/errors.ts';
import type { Action } from '../core/remediation.ts';
import { Journal, type JournalRecord, type Left } from './journal.ts';
import { holdsTheSame, NONE, stateOf, treeOf, type NodeState } from './node-state.ts';
import { replace } from './perform.ts';
import type { Root } from './place.ts';
import { Rehearsal, type Contents, type Replacement, type RunStep, type Step } from './rehearse.ts';
import { Snapshot, type Fault } from './snapshot.ts';
import { findTool, hasTool, runTool } from './tool.ts';

export interface ApplyOptions {
  readonly root: Root;
  /** The directory of journals; it exists. */
  readonly base: string;
  /** SHA-256 of those that go, for the journal. */
  readonly certificates: readonly string[];
  /** Name and version of the program. */
  readonly tool: string;
  readonly now: Date;
  /** Told between steps that no more may be begun. */
  readonly signal?: AbortSignal;
  /** Called at each point at which a crash would leave another state; for tests. */
  readonly fault?: Fault;
}

/** What is wrong with contents that files would get; undefined when nothing is. */
export type Judge = (contents: Contents) => RootauditError | undefined;

/** It was found out that an action cannot be done before it, or any other of the same plan, was begun. */
export class ActionRefused extends RootauditError {
  readonly action: Action;
  constructor(cause: RootauditError, action: Action) {
    super(cause.message, cause.hint, { cause });
    this.action = action;
  }
}

export interface Performed {
  /** Steps that changed something. */
  readonly steps: number;
  /** Commands that could not be run from here and are for a person. */
  readonly skipped: readonly (readonly string[])[];
}

/** Something was changed and the rest was not: the journal leads back. */
export class RemovalInterrupted extends RootauditError {
  readonly journal: string;
  readonly done: readonly string[];
  constructor(cause: unknown, journal: string, done: readonly string[]) {
    const message = cause instanceof Error ? cause.message : String(cause);
    super(message, cause instanceof RootauditError ? cause.hint : undefined, { cause });
    this.journal = journal;
    this.done = done;
  }
}

/** One run of `rootaudit remove --apply`: one journal, whatever it takes. */
export class Removal {
  readonly #options: ApplyOptions;
  readonly #fault: Fault;
  #journal: Journal | undefined;
  #snapshot: Snapshot | undefined;
  /** In words. */
  readonly #done: string[] = [];
  #begun = 0;

  constructor(options: ApplyOptions) {
    this.#options = options;
    this.#fault = options.fault ?? (() => undefined);
  }

  /** Host path; undefined while nothing has been changed. */
  get journal(): string | undefined {
    return this.#journal?.directory;
  }

  /** What was done so far, in words. */
  get done(): readonly string[] {
    return this.#done;
  }

  /**
   * Throws {@link ActionRefused} or what `judge` says when none of the actions was begun, {@link RemovalInterrupted} when
   * something was changed. Actions that change nothing, because it was done before, are no steps.
   */
  async perform(actions: readonly Action[], judge: Judge): Promise<Performed> {
    const steps = await this.#rehearsed(actions, judge);
    try {
      const { possible, skipped } = sortRuns(steps, this.#options.root);
      if (possible.length === 0) {
        this.#discard();
        return { steps: 0, skipped };
      }
      this.#save(possible);
      for (const step of possible) await this.#step(step);
      return { steps: possible.length, skipped };
    } catch (error) {
      this.#discard();
      if (this.#begun === 0) throw error;
      if (error instanceof RootauditError) {
        throw new RemovalInterrupted(error, this.#journal?.directory ?? '', this.#done);
      }
      throw error;
    }
  }

  /** The end of a run that changed something. */
  end(verified: boolean): void {
    if (!this.#journal) return;
    this.#writeIfPossible({ type: 'end', verified });
    this.#fault('ended');
    this.#journal.close();
  }

  /** A journal of nothing. */
  #discard(): void {
    if (this.#begun > 0) return;
    this.#journal?.discard();
    this.#journal = undefined;
    this.#snapshot = undefined;
  }

  /** The disk may be full; what matters has been written before. */
  #writeIfPossible(record: JournalRecord): void {
    try {
      this.#journal?.write(record);
    } catch (error) {
      if (!(error instanceof RootauditError)) throw error;
    }
  }

  #open(): Journal {
    if (this.#journal) return this.#journal;
    const { base, now, root, certificates, tool } = this.#options;
    const journal = Journal.create(base, now);
    this.#journal = journal;
    journal.write({ type: 'start', version: 1, tool, time: now.toISOString(), root, certificates });
    this.#fault('journal begun');
    return journal;
  }

  async #rehearsed(actions: readonly Action[], judge: Judge): Promise<readonly Step[]> {
    const staging = stagingOf(this.#open());
    try {
      mkdirSync(staging, { mode: 0o700 });
      return await this.#rehearse(actions, judge, new Rehearsal(this.#options.root, staging));
    } catch (error) {
      this.#discard();
      throw error;
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
  }

  async #rehearse(actions: readonly Action[], judge: Judge, rehearsal: Rehearsal): Promise<readonly Step[]> {
    for (const action of actions) {
      try {
        if (action.kind === 'run') canRun(action.argv, this.#options.root);
        await rehearsal.add(action);
      } catch (error) {
        throw error instanceof RootauditError ? new ActionRefused(error, action) : error;
      }
    }
    const objection = judge(rehearsal.contents);
    if (objection) throw objection;
    return rehearsal.steps();
  }

  #save(steps: readonly Step[]): void {
    const journal = this.#open();
    const snapshot = this.#snapshot ?? new Snapshot(this.#options.root, journal.copies);
    this.#snapshot = snapshot;
    const nodes = snapshot.save(
      steps.flatMap((step) => (step.kind === 'run' ? step.changes.map(withoutSlash) : [step.path])),
    );
    this.#fault('copied');
    journal.write({ type: 'saved', nodes, trees: snapshot.trees });
    this.#fault('saved');
  }

  async #step(step: Step): Promise<void> {
    if (this.#options.signal?.aborted === true) {
      throw new RootauditError('it was told to stop', 'Run the same command again to go on.');
    }
    const journal = this.#open();
    const number = this.#begun + 1;
    if (step.kind === 'run') {
      const { argv, changes, undo } = step;
      journal.write({ type: 'run', step: number, argv, changes, undo });
      this.#begun = number;
      this.#fault('run begun');
      await this.#failing(number, undefined, () => runStep(step));
      this.#fault('run ended');
      journal.write({ type: 'done', step: number, left: this.#leftBy(changes) });
      this.#done.push(`ran ${argv.join(' ')}`);
    } else {
      const { path, before, content } = step;
      const after = content === null ? null : sha256(content);
      journal.write({ type: 'replace', step: number, path, before, after });
      this.#begun = number;
      this.#fault('replacement begun');
      await this.#failing(number, step, () => {
        replace(this.#options.root, step, `${journal.prefix}-${number}`, this.#fault);
      });
      this.#fault('replacement ended');
      journal.write({ type: 'done', step: number });
      this.#done.push(content === null ? `deleted ${path}` : `wrote ${path}`);
    }
    this.#fault('step confirmed');
  }

  /** Records what stopped a step, and whether the file it was about is still as it was found. */
  async #failing(step: number, file: Replacement | undefined, work: () => unknown): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof RootauditError) {
        const untouched = file !== undefined && !isDone(this.#options.root, file);
        this.#writeIfPossible({ type: 'failed', step, message: error.message, untouched });
      }
      throw error;
    }
  }

  /** What a command changed in the places that it may change. */
  #leftBy(changes: readonly string[]): readonly Left[] {
    const saved = this.#snapshot?.saved;
    const left = changes.map(withoutSlash).flatMap((path) => treeOf(this.#options.root, path));
    const now = new Map(left.map(({ path, state }) => [path, state]));
    const isWithin = (path: string): boolean =>
      changes.some((change) => path === withoutSlash(change) || path.startsWith(`${withoutSlash(change)}/`));
    const known = [...(saved?.keys() ?? [])].filter(isWithin);
    return [...new Set([...known, ...now.keys()])].flatMap((path) => {
      const state: NodeState = now.get(path) ?? NONE;
      return holdsTheSame(state, saved?.get(path)?.state ?? NONE) ? [] : [{ path, state }];
    });
  }
}

function isDone(root: Root, { path, content }: Replacement): boolean {
  const state = stateOf(root, path);
  return content === null ? state.kind === 'none' : state.kind === 'file' && state.sha256 === sha256(content);
}

function stagingOf(journal: Journal): string {
  return join(journal.directory, 'staging');
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, '') || '/';
}

async function runStep({ argv }: RunStep): Promise<void> {
  const { status, output } = await runTool(argv);
  if (status === 0) return;
  throw new RootauditError(
    `${argv.join(' ')} failed${output === '' ? '' : `: ${output.slice(-2000)}`}`,
    'What was done before it stays done.',
  );
}

/** A mounted root is entered by root only, and has to have the tool: otherwise the command is for a person. */
function sortRuns(
  steps: readonly Step[],
  root: Root,
): { readonly possible: readonly Step[]; readonly skipped: readonly (readonly string[])[] } {
  const possible: Step[] = [];
  const skipped: (readonly string[])[] = [];
  for (const step of steps) {
    if (step.kind === 'run' && !canRun(step.argv, root)) skipped.push(step.argv);
    else possible.push(step);
  }
  return { possible, skipped };
}

function canRun(argv: readonly string[], root: Root): boolean {
  const [command = ''] = argv;
  if (isRunnable(argv, root)) return true;
  if (command === 'chroot') return false;
  throw new RootauditError(
    `${command} is not installed here`,
    'Install it, then run the same command again.',
  );
}

export function isRunnable([command = '', , inside = '']: readonly string[], root: Root): boolean {
  if (command === 'chroot') return process.getuid?.() === 0 && hasTool(root.host, inside);
  return findTool(command) !== undefined;
}
