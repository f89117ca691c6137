/** Running a tool: its own words, no shell, and bounds on its time and on what it says. */

import { spawn } from 'node:child_process';
import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { RootauditError } from '../core/errors.ts';

export interface ToolResult {
  /** Null where it was ended: by its time, or by a signal. */
  readonly status: number | null;
  /** The end of what it said, on both streams. */
  readonly output: string;
}

/** The system's update commands take seconds; one that takes this long hangs. */
const TIMEOUT = 10 * 60_000;
const MAX_OUTPUT = 64 << 10;

/** Where administration tools lie that the PATH of a user does not name. */
const SYSTEM_DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** What a tool needs to be found and to speak in bytes that we understand. What could make it run other code is left out. */
export function quietEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, SystemRoot, TEMP, JAVA_HOME, USER, LOGNAME, WINEPREFIX } = process.env;
  const path =
    process.platform === 'win32'
      ? PATH
      : [
          ...new Set(
            [...(PATH ?? '').split(':'), ...SYSTEM_DIRECTORIES].filter((each) => each.startsWith('/')),
          ),
        ].join(':');
  const kept = { PATH: path, HOME, SystemRoot, TEMP, JAVA_HOME, USER, LOGNAME, WINEPREFIX };
  return {
    ...Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)),
    LC_ALL: 'C.UTF-8',
  };
}

export interface ToolOptions {
  /** Directory to run in. */
  readonly cwd?: string;
  readonly home?: string;
  readonly timeout?: number;
}

export function runTool(
  argv: readonly string[],
  { cwd, home, timeout = TIMEOUT }: ToolOptions = {},
): Promise<ToolResult> {
  const [command, ...args] = argv;
  if (command === undefined || command === '') throw new RootauditError('a step names no command');
  const environment = quietEnvironment();
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env: home === undefined ? environment : { ...environment, HOME: home },
      ...(cwd !== undefined && { cwd }),
      // Ctrl-C is for us: a tool that is at work is not torn out of it.
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    let output = '';
    const keep = (text: string): void => {
      output = (output + text).slice(-MAX_OUTPUT);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    const timer = setTimeout(() => {
      keep(`\n(ended after ${Math.round(timeout / 1000)} seconds)`);
      endGroup(child.pid);
    }, timeout);
    const settle = (status: number | null): void => {
      clearTimeout(timer);
      resolve({ status, output: output.trim() });
    };
    child.once('error', (error) => {
      keep(error.message);
      settle(null);
    });
    child.once('close', settle);
  });
}

/** With everything that it started. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It ended by itself just now.
  }
}

/** Where the command lies; undefined when it is not installed. */
export function findTool(command: string): string | undefined {
  if (process.platform === 'win32') return command;
  return placesOf(command, (quietEnvironment()['PATH'] ?? '').split(delimiter)).find(isExecutable);
}

/** Whether a root that is entered by chroot(8) seems to have the command: what its links lead to is not followed. */
export function hasTool(root: string, command: string): boolean {
  return placesOf(command, SYSTEM_DIRECTORIES).some(
    (place) => lstatSync(`${root}${place}`, { throwIfNoEntry: false }) !== undefined,
  );
}

function placesOf(command: string, directories: readonly string[]): readonly string[] {
  return command.includes('/') ? [command] : directories.map((directory) => join(directory, command));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
