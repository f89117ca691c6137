/** JSON that may be looked at: JSON.stringify leaves C1 and bidirectional controls as they are. */

/** `indent` 0 is one line, as in NDJSON. */
export function jsonText(value: unknown, indent: 0 | 2 = 2): string {
  return `${JSON.stringify(value, null, indent).replaceAll(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )}\n`;
}
