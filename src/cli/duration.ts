/** Spans of time as people write them: "90s", "5m", "1h", "1d". */

import { InvalidArgumentError } from 'commander';

const UNITS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);
/** No timer of Node runs longer. */
const MOST_DAYS = 24;

/** In milliseconds. A number by itself is seconds. */
export function parseDuration(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)([smhd]?)$/.exec(text.trim()) ?? [];
  const milliseconds = Number(number) * (UNITS.get(unit || 's') ?? 0);
  if (number === '') throw new InvalidArgumentError('A span of time is expected: 90s, 5m, 1h, 1d.');
  if (milliseconds < 1000) throw new InvalidArgumentError('At least a second is expected.');
  if (milliseconds > MOST_DAYS * 86_400_000)
    throw new InvalidArgumentError(`At most ${MOST_DAYS} days are possible.`);
  return milliseconds;
}
