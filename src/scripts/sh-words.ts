/** Words of POSIX shell scripts. Unlike a command to be pasted, a script has a variable for what quoting cannot carry. */

import { RootauditError } from '../core/errors.ts';
import { canQuoteSh, quoteSh } from '../core/shell.ts';
import { isVisible, visible } from '../core/text.ts';

/** How a script says a newline that command substitution would drop. */
const NEWLINE = '"$newline"';

/** One word; `$newline` is a newline. Throws RootauditError for a word with NUL, which no program can be given. */
export function shWord(word: string, newline = NEWLINE): string {
  if (word.includes('\0'))
    throw new RootauditError(`no command can be given ${visible(word)}, which holds a NUL`);
  if (word === '') return "''";
  if (canQuoteSh(word)) return quoteSh(word);
  const text = word.replace(/\n+$/, '');
  const newlines = newline.repeat(word.length - text.length);
  return `${text === '' ? '' : quoteSh(text)}${newlines}`;
}

/** Options of ours, which are not to be quoted only for the eye. */
const OPTION = /^-{1,2}[A-Za-z][A-Za-z-]*$/;

export function shWords(argv: readonly string[], newline = NEWLINE): string {
  return argv.map((word) => (OPTION.test(word) ? word : shWord(word, newline))).join(' ');
}

/** A word in which `placeholder` stands for what `expression` ("$copies") gives. */
export function shWordWith(word: string, placeholder: string, expression: string): string {
  if (!word.includes(placeholder)) return OPTION.test(word) ? word : shWord(word);
  return word
    .split(placeholder)
    .map((part) => (part === '' ? '' : shWord(part)))
    .join(`"${expression}"`);
}

/** Lines of a here-document that nobody can leave, or commands that print the bytes. */
export function shContent(
  content: Uint8Array,
): { readonly hereDocument: string } | { readonly printf: string } {
  const text = Buffer.from(content).toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(content) && text.endsWith('\n');
  const isPlain = text.split('\n').every((line) => isVisible(line.replaceAll('\t', ' ')));
  return isText && isPlain ? { hereDocument: text } : { printf: printfLines(content) };
}

const BYTES_PER_LINE = 64;

function printfLines(content: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < content.length; at += BYTES_PER_LINE) {
    const octal = Array.from(content.subarray(at, at + BYTES_PER_LINE), octalOf).join('');
    lines.push(`printf '${octal}'`);
  }
  return lines.join('\n');
}

/** For printf's format: what is plain stays readable. */
function octalOf(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[A-Za-z0-9 ,.:;=+/_-]/.test(character) ? character : `\\${byte.toString(8).padStart(3, '0')}`;
}
