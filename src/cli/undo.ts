/** `rootaudit undo`: its options. What it does is loaded when it is asked for. */

import { Option, type Command } from 'commander';
import { describe, type HelpDetails } from './help.ts';
import type { Surroundings } from './options.ts';
import { suggestArguments } from './values.ts';

export interface UndoCommandOptions {
  readonly list: boolean;
  readonly force: boolean;
  readonly journal?: string;
  readonly root?: string;
  readonly format: 'table' | 'json';
}

const DETAILS: HelpDetails = {
  about: [
    'Without an argument, the newest removal that was not yet undone is. What was removed with sudo is undone with sudo.',
    'Journals and the copies in them are kept. Each is a directory, which --list tells: delete it (rm -r) when the removal is not to be undone any more.',
  ],
  exitCodes: [
    [0, 'everything is as it was before the removal, or there is nothing to undo'],
    [2, 'wrong usage, or it could not be done; nothing was put back where the output does not say otherwise'],
  ],
  examples: [
    ['rootaudit undo --list', 'which removals are there?'],
    ['sudo rootaudit undo', 'undo the last one'],
    ['rootaudit undo 20260102T030405678Z-0a1b2c3d', 'undo this one'],
  ],
};

export function addUndoCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('undo [journal]')
    .description('put back byte for byte what a removal changed')
    .option('--list', 'print the removals that are there to be undone', false)
    .option('--force', 'also put back what somebody changed since', false)
    .addOption(new Option('--journal <directory>', 'where the journals are kept').env('ROOTAUDIT_JOURNAL'))
    .option('--root <directory>', 'where the root that was changed is mounted now')
    .addOption(
      new Option('-f, --format <format>', 'how to print').choices(['table', 'json']).default('table'),
    )
    .action(async (journal: string | undefined, options: UndoCommandOptions) => {
      const { runUndo } = await import('./undo-run.ts');
      process.exitCode = await runUndo(journal, options, surroundings);
    });
  suggestArguments(describe(command, DETAILS), { paths: 'directories' });
}
