import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { isVisible } from '../../src/core/text.ts';
import { canQuoteCmd, canQuotePowerShell, quoteCmd, quotePowerShell } from '../../src/core/windows-shell.ts';

const NASTY = [
  '',
  ' ',
  'two  spaces',
  "it's",
  '‘left’ ‚low‛ quotes',
  '“double” quotes',
  '"',
  '`n`0`$',
  '$HOME $(1+1) ${env:PATH}',
  ';',
  '&& echo x',
  '| echo x',
  '> x',
  '^',
  '!x!',
  '%PATH%',
  '*',
  '@(1,2)',
  '@splat',
  '#comment',
  '--%',
  '-Option',
  '/s',
  '1kb',
  '0x10',
  'a,b',
  '{script}',
  '[int]',
  '(1)',
  String.raw`C:\Users\name`,
  'C:\\ends with\\',
  'ends with two\\\\',
  '\u202eevil',
  'zero\u200bwidth',
  'line\nbreak',
  'tab\there',
  '\u001b[31m',
  'Ünïcode 根 🌱',
  '\udc80',
];

describe('quoteCmd', () => {
  it.each([
    ['plain', 'plain'],
    [String.raw`C:\Users\x.reg`, String.raw`C:\Users\x.reg`],
    [String.raw`HKLM\SOFTWARE\A B`, String.raw`"HKLM\SOFTWARE\A B"`],
    ['', '""'],
    ['a&b|c>d^e', '"a&b|c>d^e"'],
    ["it's", `"it's"`],
    ['-f', '"-f"'],
    ['C:\\ends with\\', '"C:\\ends with\\\\"'],
  ])('writes %j as %s', (word, quoted) => {
    expect(quoteCmd(word)).toBe(quoted);
  });

  it.each(['%PATH%', 'say "x"', 'line\nbreak', 'nul\0', '\u202eevil'])('refuses %j', (word) => {
    expect(canQuoteCmd(word)).toBe(false);
    expect(() => quoteCmd(word)).toThrow(RangeError);
  });
});

describe('quotePowerShell', () => {
  it.each([
    ['plain', 'plain'],
    ['two words', "'two words'"],
    ['', "''"],
    ["it's", "'it''s'"],
    ['‘a’', "'‘‘a’’'"],
    ['‚low‛', "'‚‚low‛‛'"],
    ['$x `n "q"', `'$x \`n "q"'`],
    ['1kb', "'1kb'"],
    ['-f', "'-f'"],
    ['a\nb', "(''+'a'+[char]0x000a+'b')"],
    ['\u202eevil', "(''+[char]0x202e+'evil')"],
  ])('writes %j as %s', (word, quoted) => {
    expect(quotePowerShell(word)).toBe(quoted);
  });

  it('refuses NUL', () => {
    expect(canQuotePowerShell('a\0')).toBe(false);
    expect(() => quotePowerShell('a\0')).toThrow(RangeError);
  });

  it('never prints a character that acts on a terminal', () => {
    expect(NASTY.map(quotePowerShell).filter((quoted) => !isVisible(quoted))).toEqual([]);
  });

  it('leaves no quote open and none unpaired', () => {
    // What PowerShell takes for a quote is doubled inside quotes: without the pairs, only the outer two are left.
    for (const quoted of NASTY.map(quotePowerShell).filter((each) => each.startsWith("'"))) {
      const inside = quoted.slice(1, -1).replaceAll(/(['\u2018-\u201b])\1/g, '');
      expect(inside).not.toMatch(/['\u2018-\u201b]/);
    }
  });

  const hasPowerShell = spawnSync('pwsh', ['-NoProfile', '-Command', '1']).status === 0;
  it.skipIf(!hasPowerShell)(`gives every word back exactly${hasPowerShell ? '' : ' (needs pwsh)'}`, () => {
    const words = NASTY.filter((word) => word !== '\udc80');
    const script = words.map(
      (word) => `[Console]::Out.Write((Write-Output ${quotePowerShell(word)}) + [char]0)`,
    );
    const { stdout } = spawnSync('pwsh', ['-NoProfile', '-Command', script.join('\n')]);
    expect(stdout.toString().split('\0').slice(0, -1)).toEqual(words);
  });
});
