import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBerkeleyHash, readBerkeleyHash } from '../../src/formats/berkeley-hash.ts';
import { hashFile, hashPage, pairsPage } from '../support/berkeley-hash.ts';

const text = (value: string): Buffer => Buffer.from(value);

function pairs(file: Uint8Array): string[] {
  return readBerkeleyHash(file).entries.map(
    ({ key, data }) => `${Buffer.from(key).toString()}=${Buffer.from(data).toString()}`,
  );
}

function codes(file: Uint8Array): string[] {
  return readBerkeleyHash(file).diagnostics.map(({ level, code }) => `${level} ${code}`);
}

describe('a Berkeley DB hash file', () => {
  it.each([true, false])('gives its pairs in either byte order (little-endian: %s)', (littleEndian) => {
    const page = pairsPage(
      [
        [text('one'), text('first')],
        [text('two'), text('')],
      ],
      { littleEndian },
    );
    const file = hashFile([page], { littleEndian, pairs: 2 });
    expect(isBerkeleyHash(file)).toBe(true);
    expect(pairs(file)).toEqual(['one=first', 'two=']);
    expect(codes(file)).toEqual([]);
  });

  it('goes on in overflow pages', () => {
    const file = hashFile([
      pairsPage([[text('a'), text('1')]], {}, 1),
      pairsPage([[text('b'), text('2')]], {}, 2),
      pairsPage([[text('c'), text('3')]]),
    ]);
    expect(pairs(file)).toEqual(['a=1', 'b=2', 'c=3']);
  });

  it('has large pairs over several pages: the key whole, the data after it', () => {
    const [part, rest] = [text('x'.repeat(490)), text('y'.repeat(100))];
    const file = hashFile([
      pairsPage([[text('a'), text('1')]], {}, 1),
      hashPage(
        [
          [509, 2],
          [2, 0],
        ],
        [[509, text('key')]],
      ),
      hashPage(
        [
          [22, 2],
          [3, 0],
        ],
        [[22, part]],
      ),
      hashPage(
        [
          [412, 3],
          [4, 0],
        ],
        [[412, rest]],
      ),
      pairsPage([[text('z'), text('9')]]),
    ]);
    expect(pairs(file)).toEqual(['a=1', `key=${part.toString()}${rest.toString()}`, 'z=9']);
    expect(codes(file)).toEqual([]);
  });

  it('has large pairs whose key takes two pages, with the data beginning behind it', () => {
    const file = hashFile([
      pairsPage([], {}, 1),
      hashPage(
        [
          [500, 1],
          [2, 0],
        ],
        [[500, text('long key, wi')]],
      ),
      hashPage(
        [
          [505, 3],
          [3, 500],
        ],
        [
          [505, text('th more')],
          [500, text('data,')],
        ],
        {},
        0,
      ),
      hashPage([[508, 3]], [[508, text('more')]]),
    ]);
    expect(pairs(file)).toEqual(['long key, with more=data,more']);
  });

  it('has large keys whose data ends on the same page', () => {
    const file = hashFile([
      pairsPage([], {}, 1),
      hashPage(
        [
          [505, 3],
          [2, 500],
        ],
        [
          [505, text('the key')],
          [500, text('data!')],
        ],
        {},
        3,
      ),
      pairsPage([[text('z'), text('9')]]),
    ]);
    expect(pairs(file)).toEqual(['the key=data!', 'z=9']);
  });

  const page = pairsPage([[text('a'), text('1')]]);
  const good = hashFile([page], { pairs: 1 });
  const patched = (at: number, value: number): Buffer => {
    const file = Buffer.from(good);
    file.writeUInt32BE(value, at);
    return file;
  };
  it.each<[string, Uint8Array, string]>([
    ['of no bytes', Buffer.alloc(0), 'error truncated'],
    ['that is something else', Buffer.alloc(600, 1), 'error malformed'],
    ['cut in its header', good.subarray(0, 100), 'error truncated'],
    ['of another version', patched(4, 3), 'error unsupported'],
    ['with an unknown byte order', patched(8, 1), 'error malformed'],
    ['with a page size that is no power of two', patched(12, 1000), 'error malformed'],
    ['with a page size of nothing', patched(12, 0), 'error malformed'],
    ['with more buckets than it can hold', patched(40, 0xffffffff), 'error malformed'],
    ['cut in a page', good.subarray(0, 1000), 'error truncated'],
    ['cut before its pages', good.subarray(0, 512), 'error truncated'],
    ['with an index larger than its page', hashFile([Buffer.alloc(512, 0xfe)]), 'error malformed'],
    ['with a pair outside its page', hashFile([hashPage([[600, 500]], [])]), 'error malformed'],
    ['with a pair inside its index', hashFile([hashPage([[100, 4]], [])]), 'error malformed'],
    ['whose pages go in a circle', hashFile([pairsPage([], {}, 1), pairsPage([], {}, 1)]), 'error malformed'],
    [
      'whose large pair breaks off',
      hashFile([
        hashPage(
          [
            [500, 2],
            [9, 0],
          ],
          [],
        ),
      ]),
      'error malformed',
    ],
  ])('%s is an error', (_, file, expected) => {
    expect(codes(file)).toEqual([expected]);
  });

  it('that counts more pairs than it has is told in a note', () => {
    const file = hashFile([page], { pairs: 5 });
    expect(readBerkeleyHash(file).diagnostics).toEqual([
      { level: 'note', code: 'note', message: '1 of 5 entries found' },
    ]);
  });

  it('that is damaged never makes the reader throw, and never gives more bytes than it has', () => {
    const file = hashFile([
      pairsPage([[text('a'), text('1')]], {}, 1),
      hashPage(
        [
          [509, 2],
          [2, 0],
        ],
        [[509, text('key')]],
      ),
      hashPage(
        [
          [22, 2],
          [3, 0],
        ],
        [[22, text('x'.repeat(490))]],
      ),
      hashPage(
        [
          [412, 3],
          [4, 0],
        ],
        [[412, text('y'.repeat(100))]],
      ),
      pairsPage([[text('z'), text('9')]]),
    ]);
    const edit = fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.nat(file.length), fc.array(edit, { maxLength: 20 }), (length, edits) => {
        const bytes = Buffer.from(file);
        for (const [at, value] of edits) bytes[at] = value;
        const { entries } = readBerkeleyHash(bytes.subarray(0, length));
        const total = entries.reduce((sum, { key, data }) => sum + key.length + data.length, 0);
        expect(total).toBeLessThanOrEqual(length);
      }),
      { numRuns: 500, interruptAfterTimeLimit: 10_000 },
    );
  });
});
