/**
 * Preferences of Mozilla programs as they stand in prefs.js, user.js and the files of AutoConfig (mozilla.cfg). Those
 * are programs in JavaScript; here only plain calls with a name and a simple value are looked for, and nothing is run.
 */

export interface Preference {
  readonly name: string;
  readonly value: string | number | boolean;
  /** user_pref, pref, lockPref, defaultPref … */
  readonly call: string;
  /** From 1. */
  readonly line: number;
}

const MAX_PREFERENCES = 100_000;
const MAX_LINE = 1 << 16;
const CALL =
  /^\s*(user_pref|pref|sticky_pref|lockPref|defaultPref)\s*\(\s*(?:"([^"\\]{0,500})"|'([^'\\]{0,500})')\s*,\s*(?:(true|false)|(-?\d{1,15})|"((?:[^"\\]|\\.){0,5000})"|'((?:[^'\\]|\\.){0,5000})')\s*(?:,[^)]{0,100})?\)/;

/** One call per line, as the programs write them; what a comment holds does not count. */
export function parsePreferences(bytes: Uint8Array): readonly Preference[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const found: Preference[] = [];
  let inComment = false;
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    if (found.length >= MAX_PREFERENCES) break;
    if (line.length > MAX_LINE) continue;
    const wasInComment = inComment;
    if (/^\s*\/\*/.test(line) || inComment) inComment = !line.includes('*/');
    const match = wasInComment ? null : CALL.exec(line);
    if (!match) continue;
    const [, call = '', double, single, truth, digits, text1, text2] = match;
    const value =
      truth === undefined
        ? digits === undefined
          ? (text1 ?? text2 ?? '')
          : Number(digits)
        : truth === 'true';
    found.push({ name: double ?? single ?? '', value, call, line: index + 1 });
  }
  return found;
}
