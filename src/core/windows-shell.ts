/** Quoting for the two shells of Windows. Neither can carry every word: what it cannot, is refused. */

import { isVisible } from './text.ts';

const PLAIN = /^[A-Za-z0-9_.:\\/+][A-Za-z0-9_.:\\/+-]*$/;

/**
 * True when {@link quoteCmd} can carry the word: cmd.exe replaces %NAME% even inside quotes, and the way around it
 * differs between its prompt and a batch file; a quote or a control character inside a word has no form that both
 * cmd.exe and the program understand.
 */
export function canQuoteCmd(word: string): boolean {
  return !/[%"]/.test(word) && isVisible(word);
}

/** One word for a program started by cmd.exe, with delayed expansion off, as it is by default. */
export function quoteCmd(word: string): string {
  if (!canQuoteCmd(word))
    throw new RangeError('cmd.exe cannot carry a word with %, a quote or control characters');
  if (PLAIN.test(word)) return word;
  // The program, not cmd.exe, takes a backslash before a quote for an escape.
  return `"${word.replace(/\\+$/, '$&$&')}"`;
}

/** PowerShell takes the typographic single quotes for quotes too (CharTraits.IsSingleQuote). */
const POWERSHELL_QUOTES = /['\u2018-\u201b]/g;
/** What begins or joins words without being quoted in PowerShell, and what reads as a number, is left out. */
const POWERSHELL_PLAIN = /^[A-Za-z_\\/][A-Za-z0-9_.:\\/]*$/;

/** True when {@link quotePowerShell} can carry the word. */
export function canQuotePowerShell(word: string): boolean {
  return !word.includes('\0');
}

/**
 * One word for PowerShell, exact for its own commands. A double quote inside reaches other programs exactly from
 * version 7.3 on only. Characters that cannot be seen are written by their number.
 */
export function quotePowerShell(word: string): string {
  if (!canQuotePowerShell(word)) throw new RangeError('a PowerShell word cannot hold a NUL character');
  if (POWERSHELL_PLAIN.test(word)) return word;
  if (isVisible(word)) return singleQuoted(word);
  const parts: string[] = [];
  let visible = '';
  // By UTF-16 units, which is what [char] makes; a pair that can be seen stays together.
  for (const character of word) {
    if (isVisible(character)) {
      visible += character;
      continue;
    }
    if (visible !== '') parts.push(singleQuoted(visible));
    visible = '';
    for (let i = 0; i < character.length; i++) {
      parts.push(`[char]0x${character.charCodeAt(i).toString(16).padStart(4, '0')}`);
    }
  }
  if (visible !== '') parts.push(singleQuoted(visible));
  // The empty text in front makes it a sum of texts.
  return `(${["''", ...parts].join('+')})`;
}

function singleQuoted(text: string): string {
  return `'${text.replaceAll(POWERSHELL_QUOTES, '$&$&')}'`;
}
