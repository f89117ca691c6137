/** How values are written in the registry as text: lists of hex octets, and texts with escapes. */

import { FormatError } from '../core/errors.ts';

const HEX: readonly number[] = Array.from({ length: 128 }, (_, code) => {
  const digit = parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(digit) ? -1 : digit;
});
const SPACE = new Set(Array.from(' \t\r\n\\', (character) => character.charCodeAt(0)));
const COMMA = 0x2c;

/** `30,82,04,…`, over several lines that each end in a backslash. Throws FormatError. */
export function decodeHexList(text: string, start: number, end: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(Math.ceil((end - start) / 2) + 1);
  let length = 0;
  let octet = 0;
  let digits = 0;
  for (let at = start; at <= end; at++) {
    const code = at === end ? COMMA : text.charCodeAt(at);
    if (SPACE.has(code)) continue;
    if (code === COMMA) {
      // An empty list, and a comma at the end, are no octets.
      if (digits > 0) bytes[length++] = octet;
      octet = 0;
      digits = 0;
      continue;
    }
    const digit = HEX[code] ?? -1;
    if (digit < 0 || digits === 2)
      throw new FormatError('malformed', 'list of octets that is no list of octets');
    octet = octet * 16 + digit;
    digits++;
  }
  return Buffer.from(bytes.subarray(0, length));
}

const WINE_LETTERS: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  e: '\u001b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** regedit escapes the quote and the backslash; Wine also other characters, as C does: \n, \x20ac, \0. */
export function unescapeText(text: string, wine: boolean): string {
  if (!text.includes('\\')) return text;
  if (!wine) return text.replaceAll(/\\([\\"])/g, '$1');
  return text.replaceAll(/\\(?:x([0-9a-fA-F]{1,4})|([0-7]{1,3})|(.))/gs, (_all, hex, octal, other) => {
    if (typeof hex === 'string') return String.fromCharCode(parseInt(hex, 16));
    if (typeof octal === 'string') return String.fromCharCode(parseInt(octal, 8));
    return typeof other === 'string' ? (WINE_LETTERS[other] ?? other) : '';
  });
}
