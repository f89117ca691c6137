/**
 * Words of PowerShell scripts. PowerShell 5.1 reads a script without a mark in the code page of the machine, so only
 * ASCII is written: everything else stands there by its number.
 */

import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';

/** An expression that is exactly this text, and can stand as a value of a hash table or in an array. */
export function powerShellText(text: string): string {
  if (text.includes('\0'))
    throw new RootauditError(`no command can be given ${visible(text)}, which holds a NUL`);
  const parts = text.match(/[\x20-\x7e]+|[^\x20-\x7e]/g) ?? [];
  const written = parts.map((part) =>
    /^[\x20-\x7e]/.test(part)
      ? `'${part.replaceAll("'", "''")}'`
      : `[char]0x${part.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  if (written.length === 0) return "''";
  if (written.length === 1 && written[0]?.startsWith("'") === true) return written[0];
  // The empty text in front makes it a sum of texts.
  return `(${["''", ...written].join(' + ')})`;
}

export function powerShellList(values: readonly string[]): string {
  return `@(${values.join(', ')})`;
}

const LINE = 100;

/** Bytes as an expression. */
export function powerShellBytes(content: Uint8Array): string {
  const lines = Buffer.from(content)
    .toString('base64')
    .match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [''];
  return `[Convert]::FromBase64String(@(\n${lines.map((line) => `            '${line}'`).join('\n')}\n        ) -join '')`;
}

/** Fit for a comment, or for a message that shows a name. */
export function asciiText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?');
}
