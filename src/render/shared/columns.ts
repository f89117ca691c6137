/** How many columns text takes on a terminal. */

/** What {@link paletteFor} puts around a text: it takes no room. */
const COLOURS = /\u001b\[[\d;]*m/g;
/** East Asian Wide and Fullwidth (UAX #11) in their large ranges, and pictures. */
const WIDE =
  /[\u{1100}-\u{115f}\u{2e80}-\u{303e}\u{3041}-\u{4dbf}\u{4e00}-\u{a4cf}\u{a960}-\u{a97f}\u{ac00}-\u{d7a3}\u{f900}-\u{faff}\u{fe10}-\u{fe19}\u{fe30}-\u{fe6f}\u{ff00}-\u{ff60}\u{ffe0}-\u{ffe6}\u{17000}-\u{18dff}\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;
const COMBINING = /\p{Mn}|\p{Me}/u;

export function columnsOf(text: string): number {
  const shown = text.includes('\u001b') ? text.replaceAll(COLOURS, '') : text;
  if (/^[ -~]*$/.test(shown)) return shown.length;
  let columns = 0;
  for (const character of shown) columns += COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return columns;
}

/** The beginning of `text`, in at most so many columns. For text without colours. */
export function cutTo(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let left = columns;
  let end = 0;
  for (const character of text) {
    left -= columnsOf(character);
    if (left < 0) break;
    end += character.length;
  }
  return text.slice(0, end);
}
