/**
 * What is going on, on standard error, for anything that takes longer than half a second. There are no timers: whoever
 * works says where it is as often as it likes, also in the middle of work that never waits, and the clock is looked at
 * then.
 */

import { cutTo } from '../render/shared/columns.ts';

export interface Progress {
  /** `text` is asked for when it is time to show something; it holds nothing that {@link visible} has not seen. */
  readonly show: (text: () => string) => void;
  /** What goes before every line until the next call: "2 of 5, app.tar". */
  readonly about: (task: string | undefined) => void;
  /** Takes the line away, before something else is written or asked. */
  readonly clear: () => void;
}

/** What is needed of a stream. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressRules {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `--verbose`: plain lines where nobody can write over one. */
  readonly verbose: boolean;
  /** `--no-progress` and `--quiet` say no. */
  readonly wanted: boolean;
  /** Milliseconds. */
  readonly now?: () => number;
}

/** Milliseconds until the first line, and between two. */
const PATIENCE = 500;
const INTERVAL = 100;
/** Into a pipe, where every line stays. */
const PLAIN_INTERVAL = 2000;
const CLEAR_LINE = '\r\u001b[K';
const MOST_COLUMNS = 500;

/** Undefined where nobody would see it. */
export function progressOn(stream: ProgressStream, rules: ProgressRules): Progress | undefined {
  if (!rules.wanted) return undefined;
  const { CI = '', TERM } = rules.environment;
  const isWatched = stream.isTTY === true && TERM !== 'dumb' && (CI === '' || CI === 'false');
  if (!isWatched && !rules.verbose) return undefined;
  return new Line(stream, isWatched, rules.now ?? Date.now);
}

class Line implements Progress {
  readonly #stream: ProgressStream;
  readonly #isWatched: boolean;
  readonly #now: () => number;
  #next: number;
  #isShown = false;
  #task: string | undefined;

  constructor(stream: ProgressStream, isWatched: boolean, now: () => number) {
    this.#stream = stream;
    this.#isWatched = isWatched;
    this.#now = now;
    this.#next = now() + PATIENCE;
  }

  readonly show = (text: () => string): void => {
    const now = this.#now();
    if (now < this.#next) return;
    this.#next = now + (this.#isWatched ? INTERVAL : PLAIN_INTERVAL);
    const line = this.#task === undefined ? text() : `${this.#task}: ${text()}`;
    this.#stream.write(
      this.#isWatched ? CLEAR_LINE + cutTo(line, this.#columns - 1) : `${cutTo(line, MOST_COLUMNS)}\n`,
    );
    this.#isShown = this.#isWatched;
  };

  readonly about = (task: string | undefined): void => {
    this.#task = task;
  };

  readonly clear = (): void => {
    if (this.#isShown) this.#stream.write(CLEAR_LINE);
    this.#isShown = false;
    this.#next = this.#now() + PATIENCE;
  };

  /** Asked for anew, because windows change. */
  get #columns(): number {
    const { columns } = this.#stream;
    return columns !== undefined && columns > 1 ? Math.min(columns, MOST_COLUMNS) : 80;
  }
}
