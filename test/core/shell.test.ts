import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { canQuoteSh, decodePath, encodePath, quoteSh } from '../../src/core/shell.ts';
import { isVisible } from '../../src/core/text.ts';

const NASTY: readonly string[] = [
  '',
  ' ',
  'plain.crt',
  "it's",
  '"',
  '`touch /tmp/x`',
  '$(touch /tmp/x)',
  '${HOME}',
  '$HOME',
  ';',
  '&& true',
  '|cat',
  '> /tmp/x',
  '*',
  '?',
  '[a]',
  '~',
  '~root',
  '!history',
  '#comment',
  '\\',
  '\\n',
  "\\'",
  '-rf',
  '--',
  '=',
  'a=b',
  '%s',
  '%',
  'a\nb',
  '\nstart',
  'tab\there',
  '\u001b[31m',
  '\r',
  '\u007f',
  'bidi\u202eevil',
  'zero\u200bwidth',
  'Ünïcode 中文',
  "mix'\n$(id)`id`\u202e\\0101",
  '\\101',
  '\\0',
  'x'.repeat(5000),
  '(',
  ')',
  '{a,b}',
  '<(id)',
  '\udcff\udc80bytes',
];

const SHELLS = ['sh', 'dash', 'bash', 'zsh', 'busybox'].filter((shell) => {
  const args = shell === 'busybox' ? ['sh', '-c', 'true'] : ['-c', 'true'];
  return spawnSync(shell, args).status === 0;
});

describe.each(SHELLS)('quoteSh for %s', (shell) => {
  it('gives every nasty word back exactly, in one argument', () => {
    // One run of the shell prints all words, each after its own marker and before a NUL.
    const script = NASTY.map((word) => `printf '%s\\0' ${quoteSh(word)}`).join('\n');
    const args = shell === 'busybox' ? ['sh'] : [];
    const { stdout, stderr } = spawnSync(shell, args, { input: script });
    expect(stderr.toString()).toBe('');
    const expected = NASTY.flatMap((word) => [encodePath(word), Buffer.of(0)]);
    expect(stdout.equals(Buffer.concat(expected))).toBe(true);
  });
});

describe('quoteSh', () => {
  it('never prints a character that acts on a terminal', () => {
    const unsafe = NASTY.map(quoteSh).filter((quoted) => !isVisible(quoted));
    expect(unsafe).toEqual([]);
  });

  it.each(['nul\0inside', 'newline at the end\n'])('refuses %j, which no shell word can carry', (word) => {
    expect(canQuoteSh(word)).toBe(false);
    expect(() => quoteSh(word)).toThrow(RangeError);
  });
});

describe('file names as bytes', () => {
  it('survive decoding and encoding, UTF-8 or not', () => {
    for (const hex of [
      '61',
      'c3a9',
      'ff',
      '61ff62',
      'efbfbd',
      'c328',
      'f09f9880',
      'ed b0 80'.replaceAll(' ', ''),
    ]) {
      const bytes = Buffer.from(hex, 'hex');
      expect(encodePath(decodePath(bytes)).toString('hex')).toBe(hex);
    }
  });
});
