/**
 * The registry of a running Windows through its own reg.exe: no library of ours, and no elevation for what everyone may
 * read. reg.exe exports into files only, so each key goes through a file that is gone afterwards.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FsError, type Registry } from '../core/target.ts';

const TIMEOUT = 60_000;
const MAX_OUTPUT = 64 << 20;

export function openRegistry(environment: Readonly<Record<string, string | undefined>>): Registry {
  // By its path: whatever lies in the current directory or in PATH under this name is not asked.
  const program = join(environment['SystemRoot'] ?? 'C:\\Windows', 'System32', 'reg.exe');
  const lists = new Map<string, readonly string[] | undefined>();

  const list = (key: string): readonly string[] | undefined => {
    if (lists.has(key)) return lists.get(key);
    const { status, stdout } = run(program, ['query', key], key);
    const names = status === 0 ? subkeyNames(stdout) : undefined;
    lists.set(key, names);
    return names;
  };

  /** reg.exe says "not found" and "denied" in the language of the system, and with one exit code. */
  const exists = (key: string): boolean => {
    const slash = key.lastIndexOf('\\');
    if (slash < 0) return true;
    const names = list(key.slice(0, slash));
    const name = key.slice(slash + 1).toLowerCase();
    return names ? names.some((each) => each.toLowerCase() === name) : exists(key.slice(0, slash));
  };

  const orDenied = (key: string): undefined => {
    if (exists(key)) throw new FsError('denied', key, 'reg.exe may not read this key');
    return undefined;
  };

  return {
    export: (key) => exportKey(program, key) ?? orDenied(key),
    list: (key) => list(key) ?? orDenied(key) ?? [],
  };
}

function exportKey(program: string, key: string): Uint8Array | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'rootaudit-'));
  try {
    const file = join(directory, 'key.reg');
    const { status } = run(program, ['export', key, file, '/y'], key);
    return status === 0 ? readFileSync(file) : undefined;
  } catch (error) {
    if (error instanceof FsError) throw error;
    throw new FsError('io', key, `cannot be read with reg.exe (${String(error)})`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function run(
  program: string,
  args: readonly string[],
  key: string,
): { readonly status: number | null; readonly stdout: string } {
  const { error, status, stdout } = spawnSync(program, args, {
    encoding: 'latin1',
    maxBuffer: MAX_OUTPUT,
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: TIMEOUT,
    windowsHide: true,
  });
  if (error) throw new FsError('io', key, `reg.exe cannot be run (${error.message})`);
  return { status, stdout };
}

/** Keys stand at the start of a line, by their full name; values are indented. */
function subkeyNames(output: string): readonly string[] {
  return output
    .split(/\r?\n/)
    .filter((line) => line.startsWith('HKEY_'))
    .map((line) => line.slice(line.lastIndexOf('\\') + 1).trimEnd());
}
