/**
 * When to look: soon after a change, but not while files are still being written, and never so often that it costs
 * more than a part of one processor.
 */

export interface PaceLimits {
  /** A look waits until nothing has changed for so long (milliseconds, like the others) … */
  readonly quiet: number;
  /** … but not longer than this after the first change. */
  readonly longest: number;
  /** How long changes may go on before a look counts as settled all the same. */
  readonly unsettled: number;
  /** After a look we rest for so many times as long as it took. */
  readonly rest: number;
}

const DEFAULT_LIMITS: PaceLimits = { quiet: 300, longest: 2000, unsettled: 10_000, rest: 4 };

interface Due {
  /** change: because of {@link Pace.changed}. */
  readonly reason: 'change' | 'time' | 'stop';
  /** Nothing changed while we waited. */
  readonly settled: boolean;
}

export class Pace {
  readonly #limits: PaceLimits;
  #firstChange: number | undefined;
  #lastChange = 0;
  /** Since when no look was settled. */
  #unsettledSince: number | undefined;
  #restUntil = 0;
  #urgent = false;
  #stopped = false;
  #wake: (() => void) | undefined;

  constructor(limits: Partial<PaceLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  changed(): void {
    this.#lastChange = performance.now();
    if (this.#firstChange !== undefined) return;
    this.#firstChange = this.#lastChange;
    this.#wake?.();
  }

  /** Look now. */
  hurry(): void {
    this.#urgent = true;
    this.#wake?.();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  /** A look took so long. */
  looked(duration: number): void {
    this.#restUntil = performance.now() + duration * this.#limits.rest;
  }

  /** When to look next: at a change, and after `longest` at the latest. */
  async next(longest: number): Promise<Due> {
    const latest = performance.now() + longest;
    for (;;) {
      if (this.#stopped) return { reason: 'stop', settled: true };
      const now = performance.now();
      if (this.#urgent || now >= latest) return this.#look('time', now);
      const due = this.#dueForChange();
      if (due !== undefined && now >= due) return this.#look('change', now);
      await this.#sleep(Math.min(due ?? latest, latest) - now);
    }
  }

  #dueForChange(): number | undefined {
    const { quiet, longest } = this.#limits;
    if (this.#firstChange === undefined) return undefined;
    return Math.max(this.#restUntil, Math.min(this.#lastChange + quiet, this.#firstChange + longest));
  }

  #look(reason: Due['reason'], now: number): Due {
    this.#urgent = false;
    const { quiet, unsettled } = this.#limits;
    const isQuiet = this.#firstChange === undefined || now - this.#lastChange >= quiet;
    this.#firstChange = undefined;
    if (isQuiet || now - (this.#unsettledSince ?? now) >= unsettled) {
      this.#unsettledSince = undefined;
      return { reason, settled: true };
    }
    this.#unsettledSince ??= now;
    // There has to be another look that is settled, also when nothing changes any more.
    this.#firstChange = this.#lastChange;
    return { reason, settled: false };
  }

  #sleep(duration: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, Math.ceil(duration)));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
