import { assert, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPax } from '../../src/formats/tar-pax.ts';

describe('records of a pax header', () => {
  it.each([
    ['one record', '12 path=abc\n', { values: { path: 'abc' }, malformed: false }],
    ['one that is taken back', '12 path=abc\n8 path=\n', { values: {}, malformed: false }],
    ['zeros after the last', '12 path=abc\n\0\0\0', { values: { path: 'abc' }, malformed: false }],
    // There is no further blank: this once went round for ever.
    [
      'something without a length after a record',
      '12 path=abc\nxyz',
      { values: { path: 'abc' }, malformed: true },
    ],
    ['a length of nothing', '12 path=abc\n0 path=x\n', { values: { path: 'abc' }, malformed: true }],
    ['a length beyond the end', '99 path=abc\n', { values: {}, malformed: true }],
    ['a length that ends within the keyword', '3 path=abc\n', { values: {}, malformed: true }],
    ['nothing', '', { values: {}, malformed: false }],
  ])('%s', (_, text, expected) => {
    expect(readPax(Buffer.from(text))).toEqual(expected);
  });

  it('end, whatever the bytes are', () => {
    assert(
      property(uint8Array({ maxLength: 40 }), (bytes) => {
        readPax(Buffer.concat([Buffer.from('12 path=abc\n'), bytes]));
      }),
    );
  });
});
