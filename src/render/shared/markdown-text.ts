/**
 * Text of any origin inside GitHub Flavored Markdown, so that nothing of it acts: no HTML, no link, no picture, no
 * mention of a person, no cell of a table that was not meant.
 */

import { visible } from '../../core/text.ts';

/** What CommonMark or GitHub gives a meaning to inside of a line; a colon is what makes an address of "https". */
const MARKS = /[\\`*_[\]<>|~&$]|:(?=\/\/)|\.(?<=\bwww\.)/gi;

/** The same at the beginning of a line: lists, headings, rules. */
const OPENERS = /^(?:[-+#=]|(\d{1,9})(?=[.)](?:\s|$)))/;

/** Text as prose, in one line. */
export function plain(text: string): string {
  return (
    visible(text, 2000)
      .trim()
      .replaceAll(MARKS, String.raw`\$&`)
      .replace(OPENERS, (opener, digits?: string) => (digits === undefined ? `\\${opener}` : `${digits}\\`))
      // GitHub looks for mentions and issues in the finished page, where no escape is left to stop it.
      .replaceAll('@', '＠')
      .replaceAll(/#(?=\d)|(?<=\bGH)-(?=\d)/gi, (mark) => (mark === '#' ? '＃' : '‐'))
  );
}

/**
 * A code span: names, paths and fingerprints. A pipe would end the cell of a table even here, and in a code span no
 * escape is sure to reach it, so it is written like the other characters that cannot be shown.
 */
export function code(text: string, maxLength = 300): string {
  const shown = visible(text, maxLength).replaceAll('|', String.raw`\x7c`);
  if (shown.trim() === '') return '` `';
  const runs = shown.match(/`+/g) ?? [];
  const delimiter = '`'.repeat(Math.max(0, ...runs.map((run) => run.length)) + 1);
  const pad = /^[` ]|[` ]$/.test(shown) ? ' ' : '';
  return delimiter + pad + shown + pad + delimiter;
}

/** A block of code whose fence no line of it can close. */
export function fence(language: string, lines: readonly string[]): string {
  const shown = lines.map((line) => visible(line, 100_000));
  const longest = Math.max(2, ...shown.flatMap((line) => (line.match(/`+/g) ?? []).map((run) => run.length)));
  const mark = '`'.repeat(longest + 1);
  return [`${mark}${language}`, ...shown, mark].join('\n');
}

/** An address as a link if it is plainly one, else as code. */
export function link(address: string): string {
  return /^https:\/\/[\w.~:/?#@!$&'()*+,;=%-]+$/.test(address) ? `<${address}>` : code(address, 1000);
}
