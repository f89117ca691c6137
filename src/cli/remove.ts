/** `rootaudit remove`: its options. What it does is loaded when it is asked for. */

import { Option, type Command } from 'commander';
import { SEVERITIES, type Severity } from '../blocklist/advisory.ts';
import { describe, type HelpDetails } from './help.ts';
import { SCRIPT_LANGUAGES, type ScriptLanguage } from '../scripts/languages.ts';
import { addBlocklistOption, type BlocklistOptions, type Surroundings } from './options.ts';
import { addPasswordOptions, type PasswordOptions } from './store-passwords.ts';
import { suggestArguments } from './values.ts';

export interface RemoveOptions extends BlocklistOptions, PasswordOptions {
  readonly severity: Severity;
  readonly apply: boolean;
  readonly yes: boolean;
  readonly root?: string;
  readonly distrust: boolean;
  readonly journal?: string;
  readonly force: boolean;
  readonly format: 'table' | 'json';
  readonly removeShipped: boolean;
  readonly suspected: boolean;
  readonly image?: string;
  readonly platform?: string;
  readonly plainHttp: boolean;
  readonly script?: ScriptLanguage;
  readonly output?: string;
}

const DETAILS: HelpDetails = {
  about: [
    'A root is named by the SHA-256 of the certificate, by its first eight digits when it is on the blocklist, or by an advisory.',
    'Without --apply nothing is changed: the plan is printed. With it, everything that is touched is copied first, each step is written down before it is taken, and every store is read again afterwards. rootaudit undo goes back.',
    'Without root, what belongs to you is done, and the rest is named with the command for it. A store that turns out to be impossible to change is left as it is and named; all others are done.',
  ],
  exitCodes: [
    [0, 'nothing has to go; with --apply: everything went, and no store trusts it any more'],
    [1, 'something has to go; with --apply: something is still trusted, as the output says'],
    [2, 'wrong usage, or it could not be done; with --apply the output says whether anything was changed'],
    [3, 'nothing (more) has to go, but a store could not be read'],
  ],
  examples: [
    ['rootaudit remove', 'what would be done about everything that scan finds?'],
    ['sudo rootaudit remove --apply', 'do it, after a question'],
    ['rootaudit remove superfish', 'about one advisory'],
    ['rootaudit remove 00309c73', 'about one certificate on the blocklist'],
    ['rootaudit remove <SHA-256> --apply --yes', 'about any certificate, in a script'],
    ['rootaudit remove --root /mnt/disk', 'about a mounted disk or an unpacked image'],
    ['rootaudit remove --script sh -o clean.sh', 'the plan as a script that needs no rootaudit'],
    ['rootaudit remove --image app.tar --script dockerfile', 'what builds a clean image from it'],
  ],
};

export function addRemoveCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('remove [roots...]')
    .description('take dangerous roots out of every store: all of them, or those that are named');
  addPasswordOptions(addBlocklistOption(command))
    .addOption(
      new Option('--severity <severity>', 'without roots: everything that is this bad or worse')
        .choices([...SEVERITIES])
        .default('medium'),
    )
    .option('--apply', 'do it: copy, change, and read every store again', false)
    .option('-y, --yes', 'do not ask before anything is changed', false)
    .option('--distrust', 'where a store can refuse a root for good, prefer that to removing it', false)
    .option('--remove-shipped', 'also roots that clean systems ship', false)
    .option('--suspected', 'also roots that are suspected by their name alone', false)
    .option('--force', 'also while a program that is running has the store open', false)
    .addOption(new Option('--journal <directory>', 'keep copies and journal here').env('ROOTAUDIT_JOURNAL'))
    .option('--root <directory>', 'work on the system whose root is mounted or unpacked here')
    .addOption(
      new Option(
        '--image <reference>',
        'plan for an image: an archive, a layout, or one in a registry',
      ).conflicts('root'),
    )
    .option('--platform <os/arch>', 'with --image: which one of several (default: that of this machine)')
    .option('--plain-http', 'with --image: read a registry on this machine without TLS', false)
    .addOption(
      new Option('--script <language>', 'print the plan as a script that needs nothing but the platform')
        .choices([...SCRIPT_LANGUAGES])
        .conflicts('apply'),
    )
    .option('-o, --output <file>', 'with --script: write it into this file')
    .addOption(
      new Option('-f, --format <format>', 'how to print').choices(['table', 'json']).default('table'),
    )
    .action(async (roots: readonly string[], options: RemoveOptions) => {
      const { runRemove } = await import('./remove-run.ts');
      process.exitCode = await runRemove(roots, options, surroundings);
    });
  suggestArguments(describe(command, DETAILS), { advisories: true });
}
