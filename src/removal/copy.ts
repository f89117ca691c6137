/**
 * Copies with everything that belongs to a file: owner, mode, times to the nanosecond, extended attributes, and with
 * them access lists and the labels of SELinux. The system's own cp(1) knows them all; Node knows the first three, and
 * those not exactly.
 */

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  cpSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { RootauditError } from '../core/errors.ts';
import { quietEnvironment } from './tool.ts';
import { bytesOf, syncDirectory } from './place.ts';

/** So that a command line never gets too long. */
const MAX_ARGUMENTS = 200;
/** Generous: a copy of a trust store takes milliseconds. */
const COPY_TIMEOUT = 120_000;

interface Outcome {
  readonly ok: boolean;
  readonly message: string;
}

function runQuietly(command: string, args: readonly string[]): Outcome {
  const { status, stderr, error } = spawnSync(command, args, {
    env: quietEnvironment(),
    encoding: 'utf8',
    timeout: COPY_TIMEOUT,
    maxBuffer: 1 << 20,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const text = error ? error.message : stderr.trim();
  return { ok: status === 0 && !error, message: text.slice(0, 500) };
}

/** Files, links and whole directories into the directory `to`, under their own names. */
export function copyInto(sources: readonly string[], to: string): void {
  if (process.platform === 'win32') {
    for (const source of sources) copyOnWindows(source, to);
    return;
  }
  for (let at = 0; at < sources.length; at += MAX_ARGUMENTS) {
    const { ok, message } = runQuietly('cp', [
      '-a',
      '--',
      ...sources.slice(at, at + MAX_ARGUMENTS),
      `${to}/.`,
    ]);
    if (!ok) throw copyFailure(message);
  }
}

/** CopyFile of Windows keeps the times of a file exactly, which Node could set to a millisecond only. */
function copyOnWindows(source: string, to: string): void {
  const name = source.slice(Math.max(source.lastIndexOf('/'), source.lastIndexOf('\\')) + 1);
  cpSync(source, join(to, name), { recursive: true, verbatimSymlinks: true });
}

/** The messages of cp are those of the C library, in English. */
function copyFailure(message: string): Error {
  const code = /No space left/.test(message)
    ? 'ENOSPC'
    : /quota exceeded/i.test(message)
      ? 'EDQUOT'
      : /Read-only file system/.test(message)
        ? 'EROFS'
        : /Permission denied/.test(message)
          ? 'EACCES'
          : /Operation not permitted/.test(message)
            ? 'EPERM'
            : undefined;
  if (code === undefined) return new RootauditError(`a copy could not be made: ${message}`);
  return Object.assign(new Error(message), { code });
}

/** By which a program that we start finds an open file, whatever its name. Linux only. */
export function descriptorPath(descriptor: number): string {
  return `/proc/${process.pid}/fd/${descriptor}`;
}

/** Gives the open file `to` the owner, mode and attributes of the open file `from`; its content is written after this. */
export function copyAttributes(
  from: { readonly descriptor: number; readonly path: string },
  to: { readonly descriptor: number; readonly path: string },
): void {
  const stat = fstatSync(from.descriptor);
  if (process.platform === 'win32') return;
  // GNU's cp copies attributes alone; others copy the content too, which is overwritten then.
  const gnu = ['--attributes-only', '--preserve=all', '--', from.path, to.path];
  if (!runQuietly('cp', gnu).ok) runQuietly('cp', ['-p', '--', from.path, to.path]);
  // For where cp is not to be had, and for names that it cannot be given.
  const got = fstatSync(to.descriptor);
  if (got.uid !== stat.uid || got.gid !== stat.gid) fchownSync(to.descriptor, stat.uid, stat.gid);
  if ((fstatSync(to.descriptor).mode & 0o7777) !== (stat.mode & 0o7777)) {
    fchmodSync(to.descriptor, stat.mode & 0o7777);
  }
}

/** Gives `to` the times of `from`. */
export function copyTimes(from: string, to: string, fallback: string): void {
  if (process.platform !== 'win32' && runQuietly('touch', ['-c', '-r', from, '--', to]).ok) return;
  const seconds = Number(BigInt(fallback) / 1000n) / 1e6;
  utimesSync(bytesOf(to), seconds, seconds);
}

export function syncFile(path: string): void {
  // Windows syncs only what may be written to; a file that is read-only there has been written by CopyFile.
  const isReadOnly = process.platform === 'win32' && (statSync(path).mode & 0o200) === 0;
  if (isReadOnly) return;
  const access = process.platform === 'win32' ? constants.O_RDWR : constants.O_RDONLY;
  const descriptor = openSync(bytesOf(path), access | (constants.O_NOFOLLOW ?? 0));
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Makes a directory of copies last. Many are left to the system, which syncs a whole file system at once faster. */
export function syncCopies(directory: string): void {
  if (process.platform === 'win32' || runQuietly('sync', ['-f', directory]).ok) return;
  const visit = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) visit(join(path, entry.name));
      else if (entry.isFile()) syncFile(join(path, entry.name));
    }
    syncDirectory(path);
  };
  visit(directory);
}
