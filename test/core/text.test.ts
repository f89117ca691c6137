import { describe, expect, it } from 'vitest';
import { count, isVisible, visible } from '../../src/core/text.ts';

describe('visible', () => {
  it.each([
    ['a terminal sequence', '\u001b[31mred', String.raw`\x1b[31mred`],
    ['a C1 control sequence', '\u009b31m', String.raw`\x9b31m`],
    ['a carriage return that overwrites', 'good\rbad', String.raw`good\x0dbad`],
    ['a newline', 'a\nb', String.raw`a\x0ab`],
    ['a bell and a backspace', '\u0007\b', String.raw`\x07\x08`],
    ['a bidirectional override', 'a\u202eb', String.raw`a\u{202e}b`],
    ['a zero-width space', 'a\u200bb', String.raw`a\u{200b}b`],
    ['a tag character', 'a\u{e0041}b', String.raw`a\u{e0041}b`],
    ['a line separator', 'a\u2028b', String.raw`a\u{2028}b`],
    ['a lone surrogate', 'a\udc80b', String.raw`a\u{dc80}b`],
    ['a variation selector', 'a\ufe0fb', String.raw`a\u{fe0f}b`],
  ])('shows %s instead of sending it', (_what, text, shown) => {
    expect(visible(text)).toBe(shown);
    expect(isVisible(text)).toBe(false);
  });

  it.each(['CN=Főtanúsítvány', 'Қазақстан', '中文', 'plain (2048)'])('leaves %s alone', (text) => {
    expect(visible(text)).toBe(text);
    expect(isVisible(text)).toBe(true);
  });

  it('cuts what would fill the screen', () => {
    expect(visible('x'.repeat(5000), 10)).toBe(`${'x'.repeat(10)}… (5000 characters)`);
  });
});

describe('count', () => {
  it.each([
    [0, '0 stores'],
    [1, '1 store'],
    [999, '999 stores'],
    [12345, '12,345 stores'],
    [1_234_567, '1,234,567 stores'],
  ])('says %i as "%s"', (n, text) => expect(count(n, 'store')).toBe(text));
});
