/**
 * Columns without borders, aligned by the width that characters take on a terminal. What is too wide for it is broken
 * between words; where that does not help, the cells of a row flow over several lines. A path is never broken, so that
 * it can be copied.
 */

import Table from 'cli-table3';
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
  if (widths) return aligned(rows, widths);
  return rows.map((row) => flowing(row, natural, tableWidth)).join('\n');
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

/** Larger ones are laid out in parts: cli-table3 takes the square of the number of rows. */
const MAX_ROWS = 500;

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: ' '.repeat(INDENT),
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' '.repeat(GAP),
};

function aligned(rows: readonly Row[], widths: readonly number[]): string {
  const parts: string[] = [];
  for (let start = 0; start < rows.length; start += MAX_ROWS) {
    const table = new Table({
      chars: NO_BORDERS,
      style: { 'padding-left': 0, 'padding-right': 0, border: [], head: [], compact: true },
    });
    for (const row of rows.slice(start, start + MAX_ROWS)) {
      table.push(row.map((cell, column) => wrapped(cell, widths[column] ?? 0).join('\n')));
    }
    parts.push(table.toString());
  }
  return parts
    .join('\n')
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columnsOf(text)));
}

/** One cell after the other, the narrow ones aligned; a new line, further in, where the next does not fit any more. */
function flowing(row: Row, natural: readonly number[], most: number): string {
  const inner = ' '.repeat(INDENT * 2);
  const lines: string[] = [];
  let line = ' '.repeat(INDENT);
  for (const [column, cell] of row.entries()) {
    const width = natural[column] ?? 0;
    const isFirst = line.trim() === '';
    const before = isFirst ? line : line + ' '.repeat(GAP);
    if (columnsOf(before + cell) <= most) {
      line = width <= LEAST ? before + padded(cell, width) : before + cell;
      continue;
    }
    if (!isFirst) lines.push(line);
    const pieces = wrapped(cell, most - inner.length).map((piece) => inner + piece);
    if (isFirst && lines.length === 0) pieces[0] = (pieces[0] ?? '').slice(INDENT);
    lines.push(...pieces.slice(0, -1));
    line = pieces.at(-1) ?? inner;
  }
  return [...lines, line].map((each) => each.trimEnd()).join('\n');
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
