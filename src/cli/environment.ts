/** What the process gives to the command line: the only place that asks for terminals and environment. */

import { supportsColor } from 'chalk';
import type { Style } from '../render/style.ts';

/** Colour on a terminal only; NO_COLOR (no-color.org) switches it off, FORCE_COLOR on. */
export function styleOf(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv, verbose = false): Style {
  const width = Math.min(Math.max(stream.columns ?? 100, 40), 110);
  const noColour = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  const forced = environment['FORCE_COLOR'];
  if (noColour || forced === '0') return { colour: 0, width, verbose };
  const level = supportsColor === false ? 0 : supportsColor.level;
  if (forced !== undefined) return { colour: level === 0 ? 1 : level, width, verbose };
  return { colour: stream.isTTY ? level : 0, width, verbose };
}
