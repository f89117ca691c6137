/** Runs the built command as a user would. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../src/report/report.ts';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const COMMAND = fileURLToPath(new URL('../../bin/rootaudit.js', import.meta.url));

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function rootaudit(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  cwd?: string,
  input?: Uint8Array,
): Run {
  const { PATH, HOME } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    // Nothing is left in the cache of whoever runs the tests.
    env: { PATH, HOME, XDG_CACHE_HOME: '/dev/null', ...environment },
    ...(cwd !== undefined && { cwd }),
    ...(input && { input }),
  });
  return { status, stdout, stderr };
}

/** A scan's report; the caller says where and with which list. */
export function scanReport(args: readonly string[]): Report & { readonly exitCode: number | null } {
  const { status, stdout, stderr } = rootaudit(['scan', '--format', 'json', ...args]);
  if (stdout === '') throw new Error(`no report: ${stderr}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema has a test of its own
  const report = JSON.parse(stdout) as Report;
  return { ...report, exitCode: status };
}
