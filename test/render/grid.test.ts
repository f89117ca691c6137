import { array, assert, integer, property, stringMatching } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grid } from '../../src/render/grid.ts';
import { columnsOf, cutTo } from '../../src/render/shared/columns.ts';
import type { Style } from '../../src/render/style.ts';

const style = (tableWidth?: number): Style => ({
  colour: 0,
  width: 100,
  verbose: false,
  ...(tableWidth !== undefined && { tableWidth }),
});
const PATH = '/usr/share/ca-certificates/mozilla/TrustCor_ECA-1.crt';

describe('columns', () => {
  it.each([
    ['plain text', 4, 'text'],
    ['nothing', 0, ''],
    ['wide letters', 4, '日本'],
    ['full-width forms', 2, 'Ａ'],
    ['letters with marks of their own', 1, 'e\u0301'],
    ['pictures', 2, '🔒'],
    ['colours, which take no room', 3, '\u001b[1m\u001b[31mred\u001b[39m\u001b[22m'],
    ['letters of other alphabets', 6, 'Привет'],
  ])('of %s', (_, expected, text) => {
    expect(columnsOf(text)).toBe(expected);
  });

  it.each([
    ['short', 10, 'short'],
    ['much too long', 4, 'much'],
    ['日本語', 5, '日本'],
    ['日本語', 1, ''],
    ['🔒🔒', 3, '🔒'],
  ])('cuts %s to %i', (text, columns, expected) => {
    expect(cutTo(text, columns)).toBe(expected);
  });
});

describe('a grid', () => {
  it('aligns its columns, also those with wide letters', () => {
    const rows = [
      ['low', '日本', 'x'],
      ['critical', 'a', ''],
    ];
    expect(grid(rows, style())).toBe('  low       日本  x\n  critical  a');
  });

  it('is as wide as it has to be where there is no end of the line', () => {
    expect(grid([[PATH.repeat(10), 'application']], style())).toBe(`  ${PATH.repeat(10)}  application`);
  });

  it('breaks the widest column between words', () => {
    const rows = [
      ['low', 'A certificate authority with a long name', 'one'],
      ['high', 'Short', 'two'],
    ];
    expect(grid(rows, style(40))).toBe(
      [
        '  low   A certificate authority  one',
        '        with a long name',
        '  high  Short                    two',
      ].join('\n'),
    );
  });

  it('never breaks a path: the cells flow over several lines instead', () => {
    const rows = [
      ['trusted: selected in ca-certificates.conf', PATH, 'ca-certificates'],
      ['trusted, generated', '/etc/ssl/certs/a.pem', 'OpenSSL'],
    ];
    expect(grid(rows, style(60))).toBe(
      [
        '  trusted: selected in ca-certificates.conf',
        `    ${PATH}`,
        '    ca-certificates',
        '  trusted, generated  /etc/ssl/certs/a.pem  OpenSSL',
      ].join('\n'),
    );
  });

  it('keeps the colour of a cell on each of its lines', () => {
    const red = (text: string): string => `\u001b[31m${text}\u001b[39m`;
    expect(grid([[red('several words in one colour that do not fit'), 'x']], style(40))).toBe(
      `  ${red('several words in one colour that do')}  x\n  ${red('not fit')}`,
    );
  });

  it('is quick with many rows', () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => [
      String(index),
      PATH,
      'a name of several words',
    ]);
    const before = performance.now();
    grid(rows, style(80));
    expect(performance.now() - before).toBeLessThan(5000);
  });

  it('loses no word and stays within the width unless a word is longer', () => {
    const cell = stringMatching(/^[a-z/]{0,30}(?: [a-z/]{1,30}){0,5}$/);
    assert(
      property(
        array(array(cell, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
        integer({ min: 40, max: 200 }),
        (rows, width) => {
          const text = grid(rows, style(width));
          const words = (all: string): readonly string[] => all.split(/\s+/).filter(Boolean).toSorted();
          expect(words(text)).toEqual(words(rows.flat().join(' ')));
          for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});
