/** Bytes through a stream that transforms them, one piece ahead of the reader, so that both work at a time. */

import type { Duplex } from 'node:stream';
import { FormatError } from '../core/errors.ts';

export type Bytes = AsyncGenerator<Uint8Array, void, undefined>;

/** Throws {@link FormatError} when the stream finds the bytes damaged, and whatever `input` throws. */
export async function* through(stream: Duplex, input: AsyncIterable<Uint8Array>): Bytes {
  const feeding = new Feeding(stream);
  const fed = feeding.run(input);
  const pieces: AsyncIterator<unknown> = stream[Symbol.asyncIterator]();
  let next = ahead(pieces);
  try {
    for (;;) {
      const { value, done } = await next;
      if (done === true) break;
      next = ahead(pieces);
      if (value instanceof Uint8Array) yield value;
    }
    feeding.wake();
    await fed;
  } catch (error) {
    if (feeding.failed) throw feeding.error;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'Z_BUF_ERROR') throw new FormatError('truncated', 'it ends too early');
    if (!isDamage(code)) throw error;
    throw new FormatError('malformed', `it is damaged: ${error instanceof Error ? error.message : ''}`);
  } finally {
    feeding.stop();
    stream.destroy();
  }
  if (feeding.failed) throw feeding.error;
}

function isDamage(code: unknown): boolean {
  return typeof code === 'string' && /^(?:Z_|ZSTD_|ERR_ZSTD)/.test(code);
}

/** A failure is met when its piece is asked for, however much later that is. */
function ahead(pieces: AsyncIterator<unknown>): Promise<IteratorResult<unknown, unknown>> {
  const next = pieces.next();
  next.catch(() => {});
  return next;
}

class Feeding {
  failed = false;
  error: unknown;
  readonly #stream: Duplex;
  #stopped = false;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
    const wake = (): void => this.#wake?.();
    stream.on('drain', wake);
    stream.on('close', wake);
  }

  /** Never rejects. */
  async run(input: AsyncIterable<Uint8Array>): Promise<void> {
    let ready: Promise<void> | undefined;
    try {
      for await (const piece of input) {
        await ready;
        if (this.#stopped) return;
        // Bytes after the end of what is packed are looked at by nobody but the digest.
        ready = this.#isOpen() && !this.#stream.write(piece) ? this.#drained() : undefined;
      }
      await ready;
      if (this.#isOpen()) this.#stream.end();
    } catch (error) {
      this.failed = true;
      this.error = error;
      this.#stream.destroy();
    }
  }

  /** The stream has given all that it will. */
  wake(): void {
    this.#ended = true;
    this.#wake?.();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  #isOpen(): boolean {
    return !this.#ended && !this.#stream.destroyed && !this.#stream.writableEnded;
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#ended || this.#stopped) resolve();
      else this.#wake = resolve;
    });
  }
}
