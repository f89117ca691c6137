/** Quoting for the shells that remediation commands are printed for. */

import type { ReplacedLine } from './remediation.ts';
import { isVisible } from './text.ts';

/** Everything that needs no quotes in a POSIX shell, and cannot be taken for an option or an assignment. */
const PLAIN = /^[A-Za-z0-9_./:@%+,][A-Za-z0-9_./:@%+,-]*$/;

/**
 * One word for a POSIX shell (sh, dash, bash, zsh). Words with control, bidirectional or otherwise invisible
 * characters are written as printf escapes, so that the command can be read, copied and run as shown.
 * Throws RangeError for a word no shell can carry: one with NUL, or one that ends in a newline.
 */
export function quoteSh(word: string): string {
  if (PLAIN.test(word)) return word;
  if (word.includes('\0')) throw new RangeError('a shell word cannot hold a NUL character');
  if (isVisible(word)) return `'${word.replaceAll("'", String.raw`'\''`)}'`;
  // Command substitution drops newlines at the end.
  if (word.endsWith('\n')) throw new RangeError('a shell word made by printf cannot end in a newline');
  const octal = Array.from(encodePath(word), (byte) =>
    /[A-Za-z0-9_./:@+, -]/.test(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `\\${byte.toString(8).padStart(3, '0')}`,
  ).join('');
  return `"$(printf '%b' '${octal.replaceAll(/\\([0-7]{3})/g, String.raw`\0$1`)}')"`;
}

/** True when {@link quoteSh} can carry the word. */
export function canQuoteSh(word: string): boolean {
  return !word.includes('\0') && !(word.endsWith('\n') && !isVisible(word));
}

/**
 * File names are bytes. A name that is not UTF-8 is carried in strings with each foreign byte 0x80..0xff as the
 * lone surrogate U+DC80..U+DCFF (the way of PEP 383); this gives the bytes back.
 */
export function encodePath(path: string): Buffer {
  if (!/[\udc80-\udcff]/.test(path)) return Buffer.from(path, 'utf8');
  const parts: Buffer[] = [];
  for (const character of path) {
    const unit = character.charCodeAt(0);
    const foreign = character.length === 1 && unit >= 0xdc80 && unit <= 0xdcff;
    parts.push(foreign ? Buffer.of(unit - 0xdc00) : Buffer.from(character, 'utf8'));
  }
  return Buffer.concat(parts);
}

/** The other way round: bytes of a file name as a string that {@link encodePath} turns back exactly. */
export function decodePath(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd') || Buffer.from(text, 'utf8').equals(bytes)) return text;
  return Array.from(bytes, (byte) => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)).join('');
}

/** A script for sed, of POSIX, that replaces lines that are exactly what they are to be. None holds a newline. */
export function sedScript(lines: readonly ReplacedLine[]): string {
  return lines
    .map(({ from, to }) => {
      const pattern = from.replaceAll(/[\\.*[\]^$|]/g, String.raw`\$&`);
      return `s|^${pattern}$|${to.replaceAll(/[\\&|]/g, String.raw`\$&`)}|`;
    })
    .join(';');
}
