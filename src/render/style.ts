/** What a renderer may know besides the data, and the few words of colour that all share. */

import { Chalk, type ChalkInstance } from 'chalk';
import type { Severity } from '../blocklist/advisory.ts';
import { visible } from '../core/text.ts';

export interface Style {
  /** 0 (none) to 3 (true colour). */
  readonly colour: 0 | 1 | 2 | 3;
  /** Columns that paragraphs stay within. */
  readonly width: number;
  /** Columns of the terminal, for tables; undefined where nobody sees an end of the line. */
  readonly tableWidth?: number;
  /** What reads it may know no other characters: our own arrows and dots are made of ASCII. */
  readonly ascii?: boolean;
  /** Nothing but what was found: a line for each reason to fail, no notes and no sums. */
  readonly quiet?: boolean;
  /** Findings that are no alarm in full too, not only in a line each. */
  readonly verbose: boolean;
  /** From which severity on a trusted root is a failure, for formats that pass and fail; medium if nobody says. */
  readonly failOn?: Severity;
  /** ISO 8601, for formats that have to say when they were written. */
  readonly now?: string;
  /** How the process will end, for formats that tell it. */
  readonly exit?: { readonly code: number; readonly meaning: string };
}

export interface Palette {
  readonly severity: (severity: Severity, text: string) => string;
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
}

export function paletteFor({ colour }: Style): Palette {
  const chalk = new Chalk({ level: colour });
  const bySeverity: Readonly<Record<Severity, ChalkInstance>> = {
    critical: chalk.bold.white.bgRed,
    high: chalk.bold.red,
    medium: chalk.bold.yellow,
    low: chalk.cyan,
    info: chalk.dim,
  };
  return {
    severity: (severity, text) => bySeverity[severity](text),
    strong: (text) => chalk.bold(text),
    faint: (text) => chalk.dim(text),
    good: (text) => chalk.green(text),
    bad: (text) => chalk.red(text),
    warn: (text) => chalk.yellow(text),
  };
}

/** What we draw ourselves; names and paths stay as they are. */
export function symbolsFor({ ascii = false }: Style): { readonly arrow: string; readonly dots: string } {
  return ascii ? { arrow: '->', dots: '...' } : { arrow: '→', dots: '…' };
}

/** Text of any origin, made visible and broken into lines of at most `width` columns, each after `indent`. */
export function paragraph(text: string, width: number, indent = '  '): string {
  const lines: string[] = [];
  let line = '';
  for (const word of visible(text, 10_000).split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((each) => indent + each).join('\n');
}
