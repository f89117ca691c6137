/** The real tools that these tests hold rootaudit against. A suite whose tools are missing is skipped, with the reason. */

import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';

/** Programs from PyPI, of which Debian has old versions or none; scripts/system-tools.mjs installs them. */
export const PYTHON_TOOLS = process.env['ROOTAUDIT_PYTHON_TOOLS'] ?? '/nonexistent';

/** Where the system's own tools lie, whatever PATH the tests were started with. */
const TOOL_DIRECTORIES = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  PYTHON_TOOLS,
];

export const TOOL_ENVIRONMENT = { PATH: TOOL_DIRECTORIES.join(':'), LC_ALL: 'C.UTF-8', HOME: '/nonexistent' };

export function findTool(name: string): string | undefined {
  return TOOL_DIRECTORIES.map((directory) => join(directory, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** `describe`, skipped visibly where a tool, or the right to chroot, is missing. */
export function describeWith(needs: readonly string[], name: string, tests: () => void): void {
  const missing = needs.filter((need) =>
    need === 'root' ? process.getuid?.() !== 0 : findTool(need) === undefined,
  );
  const reason = missing.length === 0 ? '' : ` (needs ${missing.join(', ')})`;
  describe.skipIf(missing.length > 0)(`${name}${reason}`, tests);
}

/** Standard output of a tool that has to succeed. */
export function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, {
    env: TOOL_ENVIRONMENT,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { env: TOOL_ENVIRONMENT }).status === 0;
}

/** Runs commands as a person would who pastes them into a root shell that stops at the first failure. */
export function runScript(commands: readonly string[]): void {
  run('sh', ['-e', '-c', commands.join('\n')]);
}
