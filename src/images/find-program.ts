/** Programs of this machine, looked up in the directories of PATH alone: never in the current directory. */

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

/** Where Windows' own installers put what is not in PATH. */
const WINDOWS_DIRECTORIES = [String.raw`C:\Program Files\7-Zip`];

/** The first that is there. */
export function findProgram(names: readonly string[]): string | undefined {
  const isWindows = process.platform === 'win32';
  const directories = [
    ...(process.env['PATH'] ?? '').split(delimiter).filter((directory) => isAbsolute(directory)),
    ...(isWindows ? WINDOWS_DIRECTORIES : []),
  ];
  return names
    .flatMap((name) => directories.map((directory) => join(directory, isWindows ? `${name}.exe` : name)))
    .find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Nothing of our environment that could change what a program does, and one language and time zone for its output. */
export function plainEnvironment(): Record<string, string | undefined> {
  const kept = ['PATH', 'TMPDIR', 'SystemRoot', 'TEMP', 'TMP'];
  const environment = Object.fromEntries(
    kept.map((name) => [name, process.env[name]]).filter(([, value]) => value !== undefined),
  );
  return { ...environment, LC_ALL: 'C.UTF-8', TZ: 'UTC', HOME: '/nonexistent' };
}
