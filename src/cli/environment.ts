/** What the process gives to the command line: the only place that asks for terminals and environment. */

import type { Style } from '../render/style.ts';

export type ColourChoice = 'auto' | 'always' | 'never';

type Environment = Readonly<Record<string, string | undefined>>;

interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Nobody reads lines of more than this, and nothing fits into less than that. */
const LEAST_COLUMNS = 40;
const MOST_COLUMNS = 1000;
const MOST_PARAGRAPH = 110;

/** COLUMNS, else what the terminal says; undefined where there is none. */
export function columnsFor({ isTTY, columns }: Screen, { COLUMNS }: Environment): number | undefined {
  const wanted = COLUMNS !== undefined && /^[1-9]\d{0,5}$/.test(COLUMNS) ? Number(COLUMNS) : undefined;
  const known = wanted ?? (isTTY === true && columns !== undefined && columns > 0 ? columns : undefined);
  return known === undefined ? undefined : Math.min(Math.max(known, LEAST_COLUMNS), MOST_COLUMNS);
}

export async function styleOf(
  stream: NodeJS.WriteStream,
  environment: NodeJS.ProcessEnv,
  choice: ColourChoice = 'auto',
): Promise<Style> {
  const columns = columnsFor(stream, environment);
  return {
    colour: await colourOf(stream, environment, choice),
    width: Math.min(columns ?? 100, MOST_PARAGRAPH),
    ...(columns !== undefined && { tableWidth: columns }),
    ascii: isAsciiOnly(stream, environment),
    verbose: false,
  };
}

async function colourOf(
  stream: Screen,
  environment: Environment,
  choice: ColourChoice,
): Promise<Style['colour']> {
  const wanted = wantsColour(stream, environment, choice);
  if (wanted === 'no') return 0;
  // Finding out what a terminal can do takes a while; into a pipe it is never asked.
  const { supportsColor } = await import('chalk');
  const level = supportsColor === false ? 0 : supportsColor.level;
  return wanted === 'must' && level === 0 ? 1 : level;
}

/** NO_COLOR (no-color.org), then FORCE_COLOR and CLICOLOR_FORCE, then CLICOLOR and the terminal. */
export function wantsColour(
  { isTTY = false }: Screen,
  environment: Environment,
  choice: ColourChoice,
): 'no' | 'may' | 'must' {
  if (choice !== 'auto') return choice === 'never' ? 'no' : 'must';
  const { NO_COLOR = '', FORCE_COLOR, CLICOLOR_FORCE = '', CLICOLOR, TERM } = environment;
  if (NO_COLOR !== '' || TERM === 'dumb' || FORCE_COLOR === '0' || FORCE_COLOR === 'false') return 'no';
  if (FORCE_COLOR !== undefined || (CLICOLOR_FORCE !== '' && CLICOLOR_FORCE !== '0')) return 'must';
  return isTTY && CLICOLOR !== '0' ? 'may' : 'no';
}

/**
 * A pipe takes UTF-8 unless the locale says otherwise. A terminal has to say that it does: by the locale, and on Windows
 * by being one of those that are known for it.
 */
export function isAsciiOnly(
  { isTTY = false }: Screen,
  environment: Environment,
  platform: NodeJS.Platform = process.platform,
): boolean {
  const { TERM } = environment;
  if (TERM === 'dumb') return true;
  if (platform === 'win32') {
    const { WT_SESSION, TERM_PROGRAM, ConEmuTask, TERMINUS_SUBLIME } = environment;
    const isModern = [WT_SESSION, TERM_PROGRAM, ConEmuTask, TERMINUS_SUBLIME, TERM].some(Boolean);
    return isTTY && !isModern;
  }
  const { LC_ALL, LC_CTYPE, LANG } = environment;
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== '');
  return locale === undefined ? isTTY : !/utf-?8/i.test(locale);
}
