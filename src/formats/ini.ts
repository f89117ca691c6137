/**
 * Sections and keys of an INI file, as Mozilla's profiles.ini uses them: `[Section]`, `Key=value`, comments with
 * `;` or `#` at the start of a line. Values are kept as they are, without quotes or escapes.
 */

import { asBuffer } from '../core/bytes.ts';
import type { Diagnostic, Parsed } from '../core/errors.ts';

export interface IniSection {
  readonly name: string;
  readonly values: ReadonlyMap<string, string>;
}

const MAX_LINES = 100_000;

export function parseIni(bytes: Uint8Array): Parsed<IniSection> {
  const text = asBuffer(bytes)
    .toString('utf8')
    .replace(/^\ufeff/, '');
  const lines = text.split(/\r\n|\n|\r/, MAX_LINES + 1);
  const diagnostics: Diagnostic[] = [];
  if (lines.length > MAX_LINES) {
    const message = `more than ${MAX_LINES} lines`;
    diagnostics.push({ level: 'error', code: 'limit', message, line: MAX_LINES });
  }
  const entries: { name: string; values: Map<string, string> }[] = [];
  for (const line of lines.slice(0, MAX_LINES)) {
    const trimmed = line.trim();
    const equals = trimmed.indexOf('=');
    const [mark = ''] = trimmed;
    if (mark === '[') {
      entries.push({ name: trimmed.slice(1).split(']', 1)[0] ?? '', values: new Map() });
    } else if (equals > 0 && mark !== ';' && mark !== '#') {
      entries.at(-1)?.values.set(trimmed.slice(0, equals).trimEnd(), trimmed.slice(equals + 1).trimStart());
    }
  }
  return { entries, diagnostics };
}
