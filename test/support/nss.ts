/** Real SQLite and NSS databases for tests, made by python3's sqlite3 module and by certutil where they exist. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestCertificate } from './certificates.ts';

function works(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).error === undefined;
}

export const hasPython = spawnSync('python3', ['-c', 'import sqlite3'], { stdio: 'ignore' }).status === 0;
/** NSS's certutil: Windows has another program of that name. */
export const hasCertutil = process.platform !== 'win32' && works('certutil', ['-H']);

/** Distributions build NSS without its old databases (dbm). */
export const hasLegacyNss = hasCertutil && canMakeLegacy();

function canMakeLegacy(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'rootaudit-dbm-'));
  try {
    return (
      spawnSync('certutil', ['-N', '-d', `dbm:${directory}`, '--empty-password'], { stdio: 'ignore' })
        .status === 0
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Says in the list of tests why some were skipped. */
export function unless(available: boolean, what: string): string {
  return available ? '' : ` (skipped: ${what} is missing)`;
}

/** Runs a script in `directory`; what it prints is the result. */
export function python(directory: string, script: string): string {
  const prelude = 'import sqlite3, json, os, shutil, sys\n';
  return execFileSync('python3', ['-'], {
    cwd: directory,
    input: prelude + script,
    encoding: 'utf8',
    maxBuffer: 256 << 20,
  });
}

export function certutil(...args: readonly string[]): string {
  return execFileSync('certutil', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** An NSS database with an empty password. */
export function makeNssDatabase(directory: string, type: 'sql' | 'dbm' = 'sql'): void {
  mkdirSync(directory, { recursive: true });
  certutil('-N', '-d', `${type}:${directory}`, '--empty-password');
}

export function addToNss(
  directory: string,
  certificate: TestCertificate,
  nickname: string,
  trust: string,
  type: 'sql' | 'dbm' = 'sql',
): void {
  const file = join(directory, 'add.pem');
  writeFileSync(file, certificate.pem);
  certutil('-A', '-d', `${type}:${directory}`, '-n', nickname, '-t', trust, '-i', file);
  execFileSync('rm', [file]);
}
