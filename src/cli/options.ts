/** Options that several commands share, and the values they stand for. */

import { join } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { openBlocklist, type Blocklist } from '../blocklist/load.ts';
import type { Target } from '../core/target.ts';
import packageJson from '../../package.json' with { type: 'json' };

export const TOOL = { name: packageJson.name, version: packageJson.version } as const;

/** What the command line needs from its surroundings. */
export interface Surroundings {
  /** Directory of the installed package: holds blocklists/ and dist/. */
  readonly packageRoot: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WriteStream;
}

export interface TargetOptions {
  readonly root?: string;
  /** True without a serial number. */
  readonly adb?: string | true;
  readonly storePassword: readonly string[];
}

export interface BlocklistOptions {
  readonly blocklist?: string;
}

export function addBlocklistOption(command: Command): Command {
  return command.option('--blocklist <directory>', 'use this blocklist instead of the one that came along');
}

export function addTargetOptions(command: Command): Command {
  return command
    .option('--root <directory>', 'audit the system whose root is mounted or unpacked here, not this machine')
    .addOption(new Option('--adb [serial]', 'audit the Android device that adb reaches').conflicts('root'))
    .addOption(
      new Option('--store-password <password>', 'try this password on keystores too (repeatable)')
        .argParser((value: string, previous: readonly string[]) => [...previous, value])
        .default([], 'the well-known ones only'),
    );
}

export async function openTarget(
  { root, adb }: TargetOptions,
  { environment }: Surroundings,
): Promise<Target> {
  if (root === '') throw new InvalidArgumentError('--root needs a directory.');
  if (adb !== undefined) {
    return (await import('../targets/adb.ts')).openAdb(adb === true ? {} : { serial: adb });
  }
  if (root === undefined) return openThisMachine(environment);
  return (await import('../targets/directory.ts')).openDirectory(root);
}

async function openThisMachine(environment: NodeJS.ProcessEnv): Promise<Target> {
  const { openLive, openLiveWindows } = await import('../targets/live.ts');
  if (process.platform === 'darwin') {
    const { openTrustSettings } = await import('../targets/trust-settings.ts');
    return { ...openLive(environment), trustSettings: openTrustSettings() };
  }
  if (process.platform !== 'win32') return openLive(environment);
  const { openRegistry } = await import('../targets/registry.ts');
  return openLiveWindows(environment, openRegistry(environment));
}

export function openChosenBlocklist(
  { blocklist }: BlocklistOptions,
  { packageRoot }: Surroundings,
): Blocklist {
  if (blocklist !== undefined) return openBlocklist(blocklist);
  return openBlocklist(join(packageRoot, 'blocklists'), join(packageRoot, 'dist', 'blocklist.json'));
}
