/** Shells that scripts are run with: those that are there. */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTemporaryDirectory } from './tree.ts';

interface Shell {
  readonly name: string;
  readonly command: readonly string[];
}

export const SHELLS: readonly Shell[] = [
  ['dash'],
  ['bash'],
  ['bash', '--posix'],
  ['busybox', 'sh'],
  ['ksh'],
  ['zsh', '--emulate', 'sh'],
]
  .filter(([command = '', ...options]) => spawnSync(command, [...options, '-c', ':']).status === 0)
  .map((command) => ({ name: command.join(' '), command }));

export interface Ran {
  readonly status: number | null;
  readonly output: string;
}

interface Place {
  /** Where the copies are kept. */
  readonly backup: string;
  readonly cwd?: string;
}

export function runShell(
  { command: [command = '', ...options] }: Shell,
  script: string,
  args: readonly string[],
  { backup, cwd }: Place,
): Ran {
  const { status, stdout, stderr } = spawnSync(command, [...options, script, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ROOTAUDIT_BACKUP: backup },
    ...(cwd !== undefined && { cwd }),
  });
  return { status, output: stdout + stderr };
}

export function savedScript(text: string): string {
  const file = join(makeTemporaryDirectory(), 'script.sh');
  writeFileSync(file, text);
  return file;
}
