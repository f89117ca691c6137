/** Options that several commands share, and the values they stand for. */

import { Option, type Command } from 'commander';
import { openChosen } from '../api/blocklist.ts';
import * as targets from '../api/targets.ts';
import type { Blocklist } from '../blocklist/load.ts';
import type { Target } from '../core/target.ts';
import { RootauditError } from '../core/errors.ts';
import { addPasswordOptions, type PasswordOptions } from './store-passwords.ts';
import type { Terminal } from './terminal.ts';

export { TOOL } from '../api/tool.ts';

/** What the command line needs from its surroundings. */
export interface Surroundings {
  /** Directory of the installed package: holds blocklists/ and dist/. */
  readonly packageRoot: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WriteStream;
  /** What the options of every command say; known when a command runs. */
  readonly terminal: Terminal;
}

export interface TargetOptions extends targets.TargetChoice, PasswordOptions {}

export interface BlocklistOptions {
  readonly blocklist?: string;
}

export function addBlocklistOption(command: Command): Command {
  return command.addOption(
    new Option('--blocklist <directory>', 'use this blocklist instead of the one that came along').env(
      'ROOTAUDIT_BLOCKLIST',
    ),
  );
}

export function addTargetOptions(command: Command): Command {
  return addPasswordOptions(
    command
      .option(
        '--root <directory>',
        'audit the system whose root is mounted or unpacked here, not this machine',
      )
      .addOption(new Option('--adb [serial]', 'audit the Android device that adb reaches').conflicts('root')),
  );
}

export async function openTarget(options: TargetOptions, { environment }: Surroundings): Promise<Target> {
  checkRoot(options);
  return targets.openTarget(options, environment);
}

export function checkRoot({ root }: TargetOptions): void {
  if (root === '') throw new RootauditError('--root needs a directory');
}

export function openChosenBlocklist(
  { blocklist }: BlocklistOptions,
  { packageRoot }: Surroundings,
): Blocklist {
  return openChosen(blocklist, packageRoot);
}
