/** `rootaudit watch` */

import { Option, type Command } from 'commander';
import { SEVERITIES, type Severity } from '../blocklist/advisory.ts';
import { RootauditError } from '../core/errors.ts';
import { parseDuration } from './duration.ts';
import { describe, type HelpDetails } from './help.ts';
import { addBlocklistOption, type BlocklistOptions, type Surroundings } from './options.ts';
import { addPasswordOptions, type PasswordOptions } from './store-passwords.ts';

export interface WatchOptions extends BlocklistOptions, PasswordOptions {
  readonly root?: string;
  /** Milliseconds, as is the other. */
  readonly interval: number;
  readonly execTimeout: number;
  readonly initial: boolean;
  readonly baseline?: string;
  readonly severity?: Severity;
  readonly unverifiedNames: boolean;
  readonly webhook?: string;
  readonly webhookTokenFile?: string;
  /** What follows it is the command. */
  readonly exec: boolean;
}

const DETAILS: HelpDetails = {
  about: [
    'Each event is a line of JSON on standard output: root-trusted, root-removed, trust-changed, store-appeared, store-vanished, problem; docs/watch.schema.json describes them. The first line has the type watching and tells what is watched. What is there at the start is taken for granted, unless --initial or --baseline say otherwise.',
    'A change is noticed by the events of the file system, or within seconds where it has none (network file systems, more directories than the system lets us watch). What is no file, as the registry of a running Windows, is looked at every --interval.',
    '--exec runs the command once for each event, without a shell and at most four at a time: the event is on its standard input, its main parts are in ROOTAUDIT_EVENT_TYPE, _TIME, _SHA256, _SUBJECT, _SEVERITY, _ADVISORY, _STORE, _PATH and _MESSAGE, and what it prints goes to standard error. Everything after --exec belongs to the command.',
    'SIGHUP looks at everything at once (in a terminal it ends the watch), SIGINT and SIGTERM end it.',
  ],
  exitCodes: [
    [0, 'ended by a signal, or nobody reads standard output any more'],
    [2, 'wrong usage, or the target or the blocklist cannot be read at all'],
  ],
  examples: [
    ['sudo rootaudit watch', 'this machine, with the stores of every user'],
    ['rootaudit watch --severity high --exec notify-send "A root that must go"', ''],
    ['rootaudit watch --baseline monday.json --webhook https://siem.example.org/hook', ''],
    ['rootaudit watch --root /mnt/disk --initial', 'a mounted disk, and what is wrong with it already'],
  ],
};

export function addWatchCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('watch [command...]')
    .description('wait, and tell of each root that becomes trusted, or is no longer')
    .usage('[options] [--exec <command> [arguments...]]')
    .passThroughOptions()
    .option(
      '--root <directory>',
      'watch the system whose root is mounted or unpacked here, not this machine',
    );
  addPasswordOptions(addBlocklistOption(command))
    .addOption(
      new Option('--interval <time>', 'also look at everything this often')
        .argParser(parseDuration)
        // The registry of a running Windows tells nothing by itself.
        .default(
          process.platform === 'win32' ? 300_000 : 3_600_000,
          process.platform === 'win32' ? '5m' : '1h',
        ),
    )
    .option(
      '--initial',
      'first tell which stores, listed and unrecognised roots, and problems are there',
      false,
    )
    .addOption(
      new Option(
        '--baseline <snapshot.json>',
        'first tell what has changed since this file of rootaudit snapshot',
      ).conflicts('initial'),
    )
    .addOption(
      new Option(
        '--severity <severity>',
        'of roots, tell only of those on the blocklist that are this bad or worse, and nothing of stores; info includes roots that no programme ships; problems are always told',
      ).choices(SEVERITIES),
    )
    .option('--unverified-names', 'also suspect roots by name patterns nobody has seen in use', false)
    .option('--webhook <url>', 'also post each event as JSON: https, or http to this machine')
    .option(
      '--webhook-token-file <file>',
      'send the token in this file (or in ROOTAUDIT_WEBHOOK_TOKEN) along, as Authorization: Bearer',
    )
    .addOption(
      new Option('--exec-timeout <time>', 'end a command that takes longer')
        .argParser(parseDuration)
        .default(30_000, '30s'),
    )
    .option('--exec', 'run the command that follows for each event', false)
    .action(async (words: readonly string[], options: WatchOptions) => {
      checkCommand(words, options);
      const { runWatch } = await import('./watch-run.ts');
      await runWatch(words, options, surroundings);
    });
  describe(command, DETAILS);
}

function checkCommand(words: readonly string[], { exec }: WatchOptions): void {
  const [first] = words;
  if (exec && (first === undefined || first === ''))
    throw new RootauditError('--exec needs a command', 'rootaudit watch --exec <command> [arguments...]');
  if (!exec && first !== undefined) {
    throw new RootauditError(
      `watch takes no target: ${first}`,
      'A directory is watched with --root, a command is run with --exec.',
    );
  }
}
