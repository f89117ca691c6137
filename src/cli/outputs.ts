/** `--format`, which can be given several times: what goes to standard output, and what into files. */

import { realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { RootauditError } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';
import { visible } from '../core/text.ts';
import { formatsFor, isMachineFormat, loadRenderer, type Format } from '../render/index.ts';
import type { Renderer, Subject } from '../render/renderer.ts';
import type { Style } from '../render/style.ts';
import { styleOf } from './environment.ts';
import type { Surroundings } from './options.ts';
import { suggestValues } from './values.ts';

interface Output {
  readonly format: Format;
  /** Standard output without one. */
  readonly file?: string;
}

export interface OutputOptions {
  readonly format: readonly Output[];
}

/** Adds `--format` with the formats that there are of `subject`. */
export function addFormatOption(command: Command, subject: Subject): Command {
  const formats = formatsFor(subject);
  return command.addOption(
    suggestValues(
      new Option(
        '-f, --format <format[=file]>',
        'how to print; <format>=<file> writes into a file; repeatable',
      )
        .env('ROOTAUDIT_FORMAT')
        .argParser((value: string, previous: readonly Output[]) => addOutputs(value, previous, formats))
        .default([], 'table'),
      { words: formats, wordsTakeFile: true },
    ),
  );
}

/** Several in a variable of the environment, one in each line. */
function addOutputs(
  value: string,
  previous: readonly Output[],
  formats: readonly Format[],
): readonly Output[] {
  const values = value.split('\n').map((line) => line.trim());
  return values
    .filter((each) => each !== '' || values.length === 1)
    .reduce((outputs, each) => addOutput(each, outputs, formats), previous);
}

function addOutput(
  value: string,
  previous: readonly Output[],
  formats: readonly Format[],
): readonly Output[] {
  const [name = '', file] = splitOnce(value);
  const format = formats.find((known) => known === name);
  if (format === undefined) {
    const meant = didYouMean(name, formats);
    throw new InvalidArgumentError(`Allowed formats are ${formats.join(', ')}.${meant ? ` ${meant}` : ''}`);
  }
  if (file === '') throw new InvalidArgumentError('A file name has to follow the equals sign.');
  if (file === undefined) {
    const taken = previous.find((output) => output.file === undefined);
    if (taken) {
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

/** Renders everything that was asked for and writes it to its place; the files after what can be seen at once. */
export async function writeOutputs<Kind extends Subject>(
  subject: Kind,
  { format: outputs }: OutputOptions,
  surroundings: Surroundings,
  render: (renderer: NonNullable<Renderer[Kind]>, style: Style) => string,
  details: Partial<Style> = {},
): Promise<void> {
  const { stdout, terminal } = surroundings;
  terminal.progress?.clear();
  const all: readonly Output[] = outputs.length === 0 ? [{ format: 'table' }] : outputs;
  for (const { format, file } of all.toSorted(standardOutputFirst)) {
    const plain = file !== undefined || isMachineFormat(format);
    const style = plain ? { ...PLAIN, verbose: terminal.verbose } : await outputStyle(surroundings);
    const text = render(await loadRenderer(format, subject), { ...style, ...details });
    if (file === undefined) stdout.write(style.ascii ? text.replaceAll(CUT_OFF, '...') : text);
    else writeWhole(file, text);
  }
}

/** What {@link visible} puts after a text that is too long. */
const CUT_OFF = /…(?= \(\d+ characters\))/g;

const PLAIN: Style = { colour: 0, width: 100, verbose: false };

function standardOutputFirst(a: Output, b: Output): number {
  return Number(a.file !== undefined) - Number(b.file !== undefined);
}

/** A reader sees the old file or the new one, never a part. What is no regular file (a pipe, /dev/null) is written into. */
export function writeWhole(file: string, text: string): void {
  try {
    const old = statSync(file, { throwIfNoEntry: false });
    if (old && !old.isFile()) {
      writeFileSync(file, text);
      return;
    }
    // A link stays one: its target is what is replaced.
    replaceFile(old ? realpathSync(file) : file, text, old && old.mode & 0o7777);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RootauditError(`${file} cannot be written: ${reason}`, undefined, { cause: error });
  }
}

function replaceFile(file: string, text: string, mode: number | undefined): void {
  const name = `.${basename(file).slice(0, 100)}.${process.pid}-${process.hrtime.bigint().toString(36)}.tmp`;
  const temporary = join(dirname(file), name);
  try {
    writeFileSync(temporary, text, { flag: 'wx', ...(mode !== undefined && { mode }) });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
