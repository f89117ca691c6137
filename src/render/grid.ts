/**
 * Columns without borders, aligned by the width that characters take on a terminal. What is too wide for it is broken
 * between words; where that does not help, the cells of a row flow over several lines. A path is never broken, so that
 * it can be copied.
 */

import { columnsOf } from './shared/columns.ts';
import type { Style } from './style.ts';

export type Row = readonly string[];

const INDENT = 2;
const GAP = 2;
/** A column of single words is no good reading. */
const LEAST = 20;

export function grid(rows: readonly Row[], { tableWidth = Number.POSITIVE_INFINITY }: Style): string {
  const natural = widthsOf(rows);
  const widths = fit(rows, natural, tableWidth);
  return rows.map((row) => (widths ? aligned(row, widths) : flowing(row, tableWidth))).join('\n');
}

function widthsOf(rows: readonly Row[], widthOf = columnsOf): readonly number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
    }
  }
  return widths;
}

function widthOfAll(widths: readonly number[]): number {
  return INDENT + GAP * Math.max(widths.length - 1, 0) + widths.reduce((sum, width) => sum + width, 0);
}

/** The widest columns give way first; undefined when the words are too long for that. */
function fit(rows: readonly Row[], natural: readonly number[], most: number): readonly number[] | undefined {
  let excess = widthOfAll(natural) - most;
  if (excess <= 0) return natural;
  const widths = [...natural];
  const least = widthsOf(rows, longestWord).map((word, column) =>
    Math.max(word, Math.min(natural[column] ?? 0, LEAST)),
  );
  while (excess > 0) {
    const room = widths.map((width, column) => width - (least[column] ?? 0));
    const widest = Math.max(...widths.filter((_, column) => (room[column] ?? 0) > 0));
    const column = widths.findIndex((width, index) => width === widest && (room[index] ?? 0) > 0);
    if (column < 0) return undefined;
    const others = Math.max(0, ...widths.filter((width) => width < widest));
    const step = Math.min(excess, room[column] ?? 0, Math.max(widest - others, 1));
    widths[column] = widest - step;
    excess -= step;
  }
  return widths;
}

function longestWord(cell: string): number {
  return Math.max(0, ...partsOf(cell).text.split(' ').map(columnsOf));
}

function aligned(row: Row, widths: readonly number[]): string {
  const cells = row.map((cell, column) => wrapped(cell, widths[column] ?? 0));
  const height = Math.max(1, ...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    `${' '.repeat(INDENT)}${cells
      .map((lines, column) => padded(lines[line] ?? '', widths[column] ?? 0))
      .join(' '.repeat(GAP))}`.trimEnd(),
  ).join('\n');
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columnsOf(text)));
}

/** One cell after the other; a new line, further in, where the next does not fit any more. */
function flowing(row: Row, most: number): string {
  const inner = ' '.repeat(INDENT * 2);
  const lines: string[] = [];
  let line = ' '.repeat(INDENT);
  for (const cell of row) {
    if (cell === '') continue;
    const isFirst = line.trim() === '';
    const joined = isFirst ? line + cell : line + ' '.repeat(GAP) + cell;
    if (columnsOf(joined) <= most) {
      line = joined;
      continue;
    }
    if (!isFirst) lines.push(line);
    const pieces = wrapped(cell, most - inner.length).map((piece) => inner + piece);
    if (isFirst && lines.length === 0) pieces[0] = (pieces[0] ?? '').slice(INDENT);
    lines.push(...pieces.slice(0, -1));
    line = pieces.at(-1) ?? inner;
  }
  return [...lines, line].join('\n');
}

/** Lines of at most `width` columns, but for longer words; each has the colour of the whole. */
function wrapped(cell: string, width: number): readonly string[] {
  if (columnsOf(cell) <= width) return [cell];
  const { before, text, after } = partsOf(cell);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (line !== '' && columnsOf(joined) > width) {
      lines.push(line);
      line = word;
    } else line = joined;
  }
  return [...lines, line].map((each) => before + each + after);
}

interface Parts {
  readonly before: string;
  readonly text: string;
  readonly after: string;
}

/** The colour around a text, and the text. Where there is more colour inside, nothing is taken apart. */
function partsOf(cell: string): Parts {
  const parts = /^((?:\u001b\[[\d;]*m)*)([^\u001b]*)((?:\u001b\[[\d;]*m)*)$/.exec(cell);
  if (!parts) return { before: '', text: cell.replaceAll(' ', '\u00a0'), after: '' };
  const [, before = '', text = '', after = ''] = parts;
  return { before, text, after };
}
