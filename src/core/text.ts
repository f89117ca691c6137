/** Text from certificates, paths and nicknames is hostile: it is shown only through {@link visible}. */

/**
 * Characters that move the cursor, change the direction of text, hide, or start a terminal sequence: C0, DEL, C1,
 * bidirectional controls, zero-width and other format characters, line and paragraph separators, variation
 * selectors, lone surrogates, private-use and unassigned code points.
 */
const UNSAFE =
  // oxlint-disable-next-line no-misleading-character-class -- each of them is meant by itself
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u{115f}\u{1160}\u{3164}\u{ffa0}\u{fe00}-\u{fe0f}\u{e0100}-\u{e01ef}]/u;
const ALL_UNSAFE = new RegExp(UNSAFE, 'gu');

/** True when a terminal shows `text` as it is. */
export function isVisible(text: string): boolean {
  return !UNSAFE.test(text);
}

/** `text` with every unsafe character written as \xNN or \u{N}, so that nothing hides and nothing acts. */
export function visible(text: string, maxLength = 1000): string {
  const shown = text.replaceAll(ALL_UNSAFE, (character) => {
    const point = character.codePointAt(0) ?? 0;
    return point < 0x100
      ? String.raw`\x${point.toString(16).padStart(2, '0')}`
      : String.raw`\u{${point.toString(16)}}`;
  });
  return shown.length > maxLength ? `${shown.slice(0, maxLength)}… (${shown.length} characters)` : shown;
}

/** "1 store", "2 stores". */
export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${grouped(n)} ${n === 1 ? noun : plural}`;
}

/** A whole number as English writes it: "1,234,567". The locales of the language would cost 12 ms of the start. */
export function grouped(n: number): string {
  return String(n).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}
