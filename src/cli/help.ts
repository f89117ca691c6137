/**
 * What --help says beyond options: kept as data, because the manual pages are made of the same. Every command describes
 * itself with {@link describe}.
 */

import type { Argument, Command, Help, Option } from 'commander';
import { helpWidth } from './terminal.ts';
import { valuesOf } from './values.ts';

export interface HelpDetails {
  /** Paragraphs. */
  readonly about?: readonly string[];
  readonly exitCodes?: readonly (readonly [code: number, meaning: string])[];
  /** A command line, and what it is for. */
  readonly examples?: readonly (readonly [command: string, purpose: string])[];
}

const DETAILS = new WeakMap<Command, HelpDetails>();

export function describe(command: Command, details: HelpDetails): Command {
  DETAILS.set(command, details);
  return command.addHelpText('after', () => detailsText(details, helpWidth(process.stdout, process.env)));
}

export function detailsOf(command: Command): HelpDetails {
  return DETAILS.get(command) ?? {};
}

/** How all commands show their options. */
export const HELP_STYLE: Partial<Help> = {
  optionDescription: (option: Option) => `${option.description}${remarksOn(option)}`,
  argumentDescription: (argument: Argument) =>
    argument.argChoices
      ? `${argument.description} (${argument.argChoices.join(', ')})`
      : argument.description,
  subcommandTerm: (command: Command) => command.name(),
  minWidthToWrap: 20,
};

function remarksOn(option: Option): string {
  const { words } = valuesOf(option);
  const remarks = [
    ...(words === undefined ? [] : [words.join(', ')]),
    ...(defaultOf(option) === undefined ? [] : [`default: ${defaultOf(option)}`]),
    ...(option.envVar === undefined ? [] : [`env: ${option.envVar}`]),
  ];
  return remarks.length === 0 ? '' : ` (${remarks.join('; ')})`;
}

/** What is taken when nothing is said; that a switch is off by default goes without saying. */
export function defaultOf(option: Option): string | undefined {
  if (option.defaultValueDescription !== undefined) return option.defaultValueDescription;
  const value: unknown = option.defaultValue;
  return typeof value === 'string' ? value : undefined;
}

/** Where the second column of examples begins, where the first leaves room for it. */
const MOST_COMMAND = 38;

export function detailsText(
  { about = [], exitCodes = [], examples = [] }: HelpDetails,
  width: number,
): string {
  const column = Math.max(
    ...examples.map(([command]) => command.length).filter((length) => length <= MOST_COMMAND),
    0,
  );
  const blocks = [
    ...about.map((text) => wrap(text, width, '', '')),
    exitCodes.length === 0
      ? ''
      : [
          'Exit codes:',
          ...exitCodes.map(([code, meaning]) => wrap(meaning, width, `  ${code}  `, '     ')),
        ].join('\n'),
    examples.length === 0
      ? ''
      : ['Examples:', ...examples.map((example) => exampleText(example, column, width))].join('\n'),
  ];
  return blocks
    .filter((block) => block !== '')
    .map((block) => `\n${block}`)
    .join('\n');
}

function exampleText([command, purpose]: readonly [string, string], column: number, width: number): string {
  if (purpose === '') return `  $ ${command}`;
  const indent = ' '.repeat(column + 6);
  if (command.length <= column) return wrap(purpose, width, `  $ ${command.padEnd(column)}  `, indent);
  return `  $ ${command}\n${wrap(purpose, width, indent, indent)}`;
}

function wrap(text: string, width: number, first: string, others: string): string {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = others + word;
    } else line = isEmpty ? line + word : `${line} ${word}`;
    isEmpty = false;
  }
  return [...lines, line].join('\n');
}
