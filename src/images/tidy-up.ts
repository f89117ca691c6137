/** What has to be undone when the program ends, also when it is interrupted: temporary files and mounts. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const waiting = new Set<() => void>();

/** `tidy` runs once: when the function that is returned is called, or else when the program ends. */
export function tidyUp(tidy: () => void): () => void {
  if (waiting.size === 0) listen();
  const once = (): void => {
    if (!waiting.delete(once)) return;
    if (waiting.size === 0) stopListening();
    tidy();
  };
  waiting.add(once);
  return once;
}

function listen(): void {
  process.on('exit', all);
  for (const signal of SIGNALS) process.on(signal, interrupted);
}

function stopListening(): void {
  process.off('exit', all);
  for (const signal of SIGNALS) process.off(signal, interrupted);
}

function all(): void {
  for (const tidy of waiting) tidy();
}

function interrupted(signal: NodeJS.Signals): void {
  all();
  // Nobody listens any more: it ends the program, as it would have done.
  process.kill(process.pid, signal);
}
