/** Events on their way to somebody else: a few at a time, so many waiting and no more, and never in the way. */

export interface DeliveryOptions<Item> {
  /** How many at the same time. */
  readonly atOnce: number;
  /** How many may wait; what comes then is lost, and {@link lost} is called. */
  readonly mayWait?: number;
  /** Does not reject. Gives up when the signal says so. */
  readonly deliver: (item: Item, signal: AbortSignal) => Promise<void>;
  readonly lost: () => void;
}

const MAY_WAIT = 10_000;

export class Deliveries<Item> {
  readonly #options: DeliveryOptions<Item>;
  readonly #waiting: Item[] = [];
  readonly #stop = new AbortController();
  #active = 0;
  #idle: (() => void) | undefined;

  constructor(options: DeliveryOptions<Item>) {
    this.#options = options;
  }

  add(item: Item): void {
    if (this.#waiting.length >= (this.#options.mayWait ?? MAY_WAIT)) this.#options.lost();
    else {
      this.#waiting.push(item);
      this.#next();
    }
  }

  /** Resolves when everything is delivered, or after so many milliseconds; what is left then is given up. */
  async finish(within: number): Promise<void> {
    if (this.#active === 0) return;
    const timer = setTimeout(() => {
      for (const _ of this.#waiting.splice(0)) this.#options.lost();
      this.#stop.abort();
    }, within);
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    clearTimeout(timer);
  }

  #next(): void {
    while (this.#active < this.#options.atOnce && this.#waiting.length > 0) {
      const [item] = this.#waiting.splice(0, 1);
      if (item === undefined) return;
      this.#active++;
      void this.#options.deliver(item, this.#stop.signal).finally(() => {
        this.#active--;
        this.#next();
        if (this.#active === 0) this.#idle?.();
      });
    }
  }
}
