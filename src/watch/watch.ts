/**
 * Looks at a target again and again, and tells what happened in between: after each change of what the last look
 * depended on, and now and then in any case.
 */

import { RootauditError, type Problem } from '../core/errors.ts';
import { FsError, type Target } from '../core/target.ts';
import { SCHEMA_VERSION, type Report } from '../report/report.ts';
import type { SavedInventory } from '../report/saved.ts';
import type { LookObserver } from '../targets/directory-fs.ts';
import { compareStates, initialChanges } from './compare.ts';
import type { Change, Watching, WatchEvent, WatchRecord } from './event.ts';
import { Interest } from './interest.ts';
import { Pace, type PaceLimits } from './pace.ts';
import { Places, type PlacesOptions } from './places.ts';
import { readState, stateOfSnapshot, type Rules, type State } from './state.ts';

export interface WatchInput {
  /** Opens the target anew: an open one remembers what it has seen. */
  readonly open: (observer: LookObserver) => Promise<Target>;
  readonly rules: Rules;
  readonly tool: Report['tool'];
  readonly blocklist: Report['blocklist'];
  /** Milliseconds between two looks when nothing seems to happen. */
  readonly interval: number;
  /** What came before; without one, what is there when the watch begins. */
  readonly baseline?: SavedInventory;
  /** Also tell what is there when the watch begins. */
  readonly initial: boolean;
  /** Gets the first record, which is no event, and then each event. */
  readonly began: (record: WatchRecord) => void;
  readonly happened: (event: WatchEvent) => void;
  readonly pace?: Partial<PaceLimits>;
  readonly places?: Pick<PlacesOptions, 'watch' | 'pollEvery'>;
}

/** How soon we try again when the target cannot be opened. */
const RETRY = 5000;

export class Watch {
  readonly #input: WatchInput;
  readonly #pace: Pace;
  readonly #places: Places;
  #state: State | undefined;
  #target: WatchEvent['target'] | undefined;
  /** The last look was not settled: whether or not anything changes, there has to be one that is. */
  #mustLook = false;
  /** Why the target could not be opened the last time. */
  #failure: string | undefined;

  constructor(input: WatchInput) {
    this.#input = input;
    this.#pace = new Pace(input.pace);
    this.#places = new Places({ ...input.places, changed: () => this.#pace.changed() });
  }

  /** How many directories are watched, and how many looked at. */
  get counts(): Places['counts'] {
    return this.#places.counts;
  }

  /** Until {@link stop}. Throws RootauditError when the target cannot be opened at the start. */
  async run(): Promise<void> {
    try {
      this.#begin(await this.#look());
      for (;;) {
        const { interval } = this.#input;
        const failed = this.#failure !== undefined;
        const { reason, settled } = await this.#pace.next(failed ? Math.min(RETRY, interval) : interval);
        if (reason === 'stop') return;
        const isNews = this.#places.takeNews();
        if (reason === 'time' || isNews || this.#mustLook) await this.#lookAgain(settled);
      }
    } finally {
      this.#places.close();
    }
  }

  /** Look at everything now. */
  rescan(): void {
    this.#pace.hurry();
  }

  stop(): void {
    this.#pace.stop();
  }

  async #look(): Promise<State> {
    const { open, rules } = this.#input;
    const start = performance.now();
    const interest = new Interest();
    const target = await open(interest);
    const state = readState(target, rules, this.#state?.roots);
    const { kind, reference, platform } = target;
    this.#target = { kind, reference, platform };
    this.#places.sync(interest, (path) => target.hostPath(path), reference);
    await target.close?.();
    this.#pace.looked(performance.now() - start);
    return state;
  }

  #begin(state: State): void {
    const { tool, blocklist, rules, baseline, initial, began } = this.#input;
    const { inventory, stores, problems } = state;
    const trusted = inventory.entries.filter(({ trust }) => trust === 'trusted');
    const watching: Watching = {
      type: 'watching',
      tool,
      blocklist,
      complete: inventory.complete,
      problems: problems.length,
      stores: stores.size,
      trusted: new Set(trusted.map(({ certificate }) => certificate.sha256)).size,
      directories: this.counts,
    };
    began(this.#record(watching));
    this.#state = state;
    if (initial) this.#tell(initialChanges(tool, state), { initial: true });
    if (!baseline) return;
    // A snapshot does not say what could not be read; what cannot be read now is no news either.
    const before = { ...stateOfSnapshot(baseline, rules), problems };
    const compared = compareStates(tool, before, state);
    this.#state = compared.state;
    this.#tell(compared.changes);
  }

  async #lookAgain(settled: boolean): Promise<void> {
    let now: State;
    this.#mustLook = !settled;
    try {
      now = await this.#look();
      this.#failure = undefined;
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (!this.#state) return;
    const { changes, state } = compareStates(this.#input.tool, this.#state, now, { settled });
    this.#state = state;
    this.#tell(changes);
  }

  /** The disk was taken away, or the directory is not there for a moment: nothing of that means that a root is gone. */
  #fail(error: unknown): void {
    if (!(error instanceof RootauditError || error instanceof FsError)) throw error;
    const { message } = error;
    if (message === this.#failure) return;
    this.#failure = message;
    const path = error instanceof FsError ? error.path : (this.#target?.reference ?? '/');
    const problem: Problem = { code: 'unreadable', path, message };
    this.#tell([{ type: 'problem', problem }]);
  }

  #tell(changes: readonly Change[], fields: Pick<WatchEvent, 'initial'> = {}): void {
    for (const change of changes) this.#input.happened({ ...this.#record(change), ...fields });
  }

  #record<Kind>(kind: Kind): WatchRecord<Kind> {
    if (!this.#target) throw new RangeError('an event before the first look');
    return {
      schemaVersion: SCHEMA_VERSION,
      id: crypto.randomUUID(),
      time: new Date().toISOString(),
      target: this.#target,
      ...kind,
    };
  }
}
