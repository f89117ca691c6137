/** What the process gives to the command line: the only place that asks for terminals and environment. */

import type { Style } from '../render/style.ts';

/** Colour on a terminal only; NO_COLOR (no-color.org) switches it off, FORCE_COLOR on. */
export async function styleOf(
  stream: NodeJS.WriteStream,
  environment: NodeJS.ProcessEnv,
  verbose = false,
): Promise<Style> {
  const width = Math.min(Math.max(stream.columns ?? 100, 40), 110);
  const refused = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  const forced = environment['FORCE_COLOR'];
  if (refused || forced === '0' || (forced === undefined && !stream.isTTY))
    return { colour: 0, width, verbose };
  // Finding out what a terminal can do takes a while; into a pipe it is never asked.
  const { supportsColor } = await import('chalk');
  const level = supportsColor === false ? 0 : supportsColor.level;
  return { colour: forced !== undefined && level === 0 ? 1 : level, width, verbose };
}
