import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../src/cli/duration.ts';

describe('parseDuration', () => {
  it.each([
    ['1', 1000],
    ['90s', 90_000],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
    [' 24d ', 2_073_600_000],
  ])('reads %j', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it.each(['', '0', '0.5s', '25d', '-1h', '1 h', '1w', '1e9', '1h30m', 'h', '99999999999s', 'NaN'])(
    'refuses %j',
    (text) => {
      expect(() => parseDuration(text)).toThrow(/expected|possible/);
    },
  );
});
