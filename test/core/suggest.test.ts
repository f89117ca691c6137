import { describe, expect, it } from 'vitest';
import { didYouMean } from '../../src/core/suggest.ts';

const NAMES = [
  'superfish',
  'kazakhstan',
  'trustcor',
  'trustcor-cross-signed',
  'cnnic',
  'retired-roots-japan',
];

describe('names that somebody may have meant', () => {
  it.each([
    ['a slip of the keys', 'suprefish', 'Did you mean superfish?'],
    ['capitals', 'SuperFish', 'Did you mean superfish?'],
    ['underscores', 'retired_roots_japan', 'Did you mean retired-roots-japan?'],
    ['a part of names', 'trust', 'Did you mean trustcor or trustcor-cross-signed?'],
    ['a slip and names that hold it', 'trustcor', 'Did you mean trustcor or trustcor-cross-signed?'],
    ['a part too short to tell', 'a', undefined],
    ['nothing', '', undefined],
    ['something else', 'no-such-thing', undefined],
    ['something very long', 'x'.repeat(1_000_000), undefined],
  ])('for %s', (_, word, expected) => {
    expect(didYouMean(word, NAMES)).toBe(expected);
  });
});
