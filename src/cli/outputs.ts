/** `--format`, which can be given several times: what goes to standard output, and what into files. */

import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { didYouMean } from '../core/suggest.ts';
import { visible } from '../core/text.ts';
import { allFormats, formatsFor, isMachineFormat, loadRenderer, type Format } from '../render/index.ts';
import type { Pieces, Renderer, Subject } from '../render/renderer.ts';
import type { Style } from '../render/style.ts';
import { styleOf } from './environment.ts';
import type { Surroundings } from './options.ts';
import { suggestValues } from './values.ts';
import { addVariableOption } from './variables.ts';
import { writeTo, writeWhole } from './write.ts';

interface Output {
  readonly format: Format;
  /** Standard output without one. */
  readonly file?: string;
}

/** What a variable of the environment asks for, and this command does not print. */
interface Unsupported {
  readonly command: string;
  readonly unsupported: Format;
  readonly file?: string;
}

export interface OutputOptions {
  readonly format: readonly (Output | Unsupported)[];
}

/** Adds `--format` with the formats that there are of `subject`. */
export function addFormatOption(
  command: Command,
  subject: Subject,
  formats: readonly Format[] = formatsFor(subject),
): Command {
  const option = new Option(
    '-f, --format <format[=file]>',
    'how to print; <format>=<file> writes into a file; repeatable',
  ).default([], 'table');
  const parse = (value: string, previous: Outputs, isVariable: boolean): Outputs => {
    // Several in a variable, one in each line.
    const values = value.split('\n').map((line) => line.trim());
    return values
      .filter((each) => each !== '' || values.length === 1)
      .reduce((outputs, each) => addOutput(each, outputs, { command, formats, isVariable }), previous);
  };
  suggestValues(option, { words: formats, wordsTakeFile: true });
  return addVariableOption(command, option, VARIABLE, parse);
}

const VARIABLE = 'ROOTAUDIT_FORMAT';

type Outputs = OutputOptions['format'];

interface Allowed {
  readonly command: Command;
  readonly formats: readonly Format[];
  readonly isVariable: boolean;
}

function addOutput(value: string, previous: Outputs, { command, formats, isVariable }: Allowed): Outputs {
  const [name = '', file] = splitOnce(value);
  const format = formats.find((known) => known === name);
  if (format === undefined) {
    const unsupported = allFormats().find((known) => known === name);
    if (unsupported !== undefined && isVariable) {
      return [...previous, { command: command.name(), unsupported, ...(file !== undefined && { file }) }];
    }
    const wrong = unsupported === undefined ? '' : `${command.name()} does not print ${unsupported}. `;
    const meant = didYouMean(name, formats);
    throw new InvalidArgumentError(
      `${wrong}Allowed formats are ${formats.join(', ')}.${meant ? ` ${meant}` : ''}`,
    );
  }
  if (file === '') throw new InvalidArgumentError('A file name has to follow the equals sign.');
  if (file === undefined) {
    const taken = previous.find((output) => output.file === undefined);
    if (taken && 'format' in taken) {
      throw new InvalidArgumentError(
        `Standard output has ${taken.format} already; give the others files: ${format}=<file>.`,
      );
    }
    return [...previous, { format }];
  }
  if (previous.some((output) => output.file !== undefined && resolve(output.file) === resolve(file)))
    throw new InvalidArgumentError('Two formats cannot go into one file.');
  checkPlace(file);
  return [...previous, { format, file }];
}

function splitOnce(value: string): readonly [string] | readonly [string, string] {
  const at = value.indexOf('=');
  return at < 0 ? [value] : [value.slice(0, at), value.slice(at + 1)];
}

/** Before a scan that may take long, not after it. */
export function checkPlace(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    throw new InvalidArgumentError('That is a directory, not a file.');
  if (!statSync(dirname(file), { throwIfNoEntry: false })?.isDirectory())
    throw new InvalidArgumentError(`The directory ${visible(dirname(file))} does not exist.`);
}

/** How standard output is written for people. */
export async function outputStyle({ stdout, environment, terminal }: Surroundings): Promise<Style> {
  const { colour, verbose, quiet } = terminal;
  return { ...(await styleOf(stdout, environment, colour)), verbose, quiet };
}

/** What a variable asks of other commands is passed over; where that leaves nothing to be seen, there is the default. */
function chosenOutputs(outputs: Outputs, verbose: boolean): readonly Output[] {
  const known = outputs.filter((output) => 'format' in output);
  const others = outputs.filter((output) => 'unsupported' in output);
  for (const { command, unsupported } of verbose ? others : [])
    process.stderr.write(`rootaudit: ${command} does not print ${unsupported}, which ${VARIABLE} asks for\n`);
  const isSilent = known.every(({ file }) => file !== undefined);
  const isMeantToBe = known.length > 0 && others.every(({ file }) => file !== undefined);
  return isSilent && !isMeantToBe ? [{ format: 'table' }, ...known] : known;
}

/** Renders everything that was asked for and writes it to its place; the files after what can be seen at once. */
export async function writeOutputs<Kind extends Subject>(
  subject: Kind,
  { format: outputs }: OutputOptions,
  surroundings: Surroundings,
  render: (renderer: NonNullable<Renderer[Kind]>, style: Style, format: Format) => Pieces,
  details: Partial<Style> = {},
): Promise<void> {
  const { stdout, terminal } = surroundings;
  terminal.progress?.clear();
  for (const { format, file } of chosenOutputs(outputs, terminal.verbose).toSorted(standardOutputFirst)) {
    const plain = file !== undefined || isMachineFormat(format);
    const style = plain ? { ...PLAIN, verbose: terminal.verbose } : await outputStyle(surroundings);
    const pieces = render(await loadRenderer(format, subject), { ...style, ...details }, format);
    if (file === undefined) await writeTo(stdout, style.ascii ? inAscii(pieces) : pieces);
    else writeWhole(file, pieces);
  }
}

function* inAscii(pieces: Pieces): Generator<string> {
  for (const piece of pieces) yield piece.replaceAll(CUT_OFF, '...');
}

/** What {@link visible} puts after a text that is too long. */
const CUT_OFF = /…(?= \(\d+ characters\))/g;

const PLAIN: Style = { colour: 0, width: 100, verbose: false };

function standardOutputFirst(a: Output, b: Output): number {
  return Number(a.file !== undefined) - Number(b.file !== undefined);
}
