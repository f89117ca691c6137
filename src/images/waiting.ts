/** Waiting that ends: with a timeout, or when the work is called off. */

/** The code is that of a connection error, see network/connection-errors.ts. */
class TimeoutError extends Error {
  readonly code = 'ROOTAUDIT_TIMEOUT';
}

/** Rejects after `milliseconds`, or when the signal aborts. */
export async function withTimeout<Value>(
  promise: Promise<Value>,
  milliseconds: number,
  signal: AbortSignal,
): Promise<Value> {
  let end = (): void => {};
  const over = new Promise<never>((_resolve, reject) => {
    const abort = (): void => reject(new Error('aborted'));
    if (signal.aborted) return abort();
    const timer = setTimeout(() => reject(new TimeoutError('no answer')), Math.max(milliseconds, 1));
    signal.addEventListener('abort', abort, { once: true });
    end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    end();
  }
}

/** Throws the reason of `signal` when it aborts. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await withTimeout(new Promise<never>(() => {}), milliseconds, signal);
  } catch {
    signal.throwIfAborted();
  }
}
