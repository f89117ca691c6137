/** What `rootaudit undo` does. */

import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RootauditError } from '../core/errors.ts';
import { count, visible } from '../core/text.ts';
import {
  baseOf,
  defaultJournalBase,
  listJournals,
  type JournalStatus,
  type JournalSummary,
} from '../removal/journal.ts';
import { withLock } from '../removal/lock.ts';
import { undo, type Undone } from '../removal/undo.ts';
import { jsonText } from '../render/shared/json-text.ts';
import { EXIT } from './exit-code.ts';
import type { Surroundings } from './options.ts';
import type { UndoCommandOptions } from './undo.ts';

/** Returns the exit code. */
export async function runUndo(
  name: string | undefined,
  options: UndoCommandOptions,
  { stdout, environment, terminal: { quiet } }: Surroundings,
): Promise<number> {
  const base = resolve(options.journal ?? defaultJournalBase(environment));
  if (options.list) {
    const journals = listJournals(base);
    stdout.write(options.format === 'json' ? jsonText(journals) : listText(journals, base));
    return EXIT.clean;
  }
  const directory = name === undefined ? newest(base) : findJournal(name, base);
  if (directory === undefined) {
    stdout.write(
      options.format === 'json' ? jsonText(null) : `There is nothing to undo in ${visible(base)}.\n`,
    );
    return EXIT.clean;
  }
  const undone = await withLock(baseOf(directory), () =>
    undo({
      directory,
      now: new Date(),
      force: options.force,
      ...(options.root !== undefined && { root: { host: hostOf(options.root), drives: false } }),
    }),
  );
  if (options.format === 'json') stdout.write(jsonText(undone));
  else if (!quiet) stdout.write(undoneText(undone));
  return EXIT.clean;
}

function hostOf(root: string): string {
  if (!existsSync(root)) throw new RootauditError(`${root} cannot be read`);
  return realpathSync(root).replace(/\/+$/, '');
}

function newest(base: string): string | undefined {
  return listJournals(base).find(({ status }) => status !== 'undone' && status !== 'empty')?.directory;
}

/** By its name, or by its path. */
function findJournal(name: string, base: string): string {
  const known = listJournals(base).find((each) => each.name === name);
  if (known) return known.directory;
  if (existsSync(join(name, 'journal.ndjson'))) return resolve(name);
  throw new RootauditError(`there is no journal ${name}`, 'rootaudit undo --list tells which there are.');
}

const STATUS_WORDS: Readonly<Record<JournalStatus, string>> = {
  done: 'done',
  unfinished: 'interrupted',
  undoing: 'undo interrupted',
  undone: 'undone',
  empty: 'nothing was changed',
};

function listText(journals: readonly JournalSummary[], base: string): string {
  if (journals.length === 0) return `There are no removals in ${visible(base)}.\n`;
  const lines = journals.map(({ name, root, status, certificates }) => {
    const shown = certificates.slice(0, 3).map((each) => each.slice(0, 16));
    const more = certificates.length > 3 ? ` and ${certificates.length - 3} more` : '';
    return `${name}  ${STATUS_WORDS[status].padEnd(20)}${visible(root)}  ${visible(shown.join(', '))}${more}\n`;
  });
  return `${lines.join('')}Each is a directory in ${visible(base)}: delete it when it is not to be undone any more.\n`;
}

function undoneText({ journal, restored, aside, notes }: Undone): string {
  const lines = [
    restored === 0
      ? 'Everything is as it was before the removal.'
      : `${count(restored, 'path')} put back, as before the removal.`,
    ...notes.map((note) => visible(note, 10_000)),
    ...(aside.length > 0
      ? [`Kept in ${journal.directory}/aside before it was taken away: ${aside.join(', ')}`]
      : []),
  ];
  return lines.map((line) => `${visible(line, 10_000)}\n`).join('');
}
