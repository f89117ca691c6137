/** `--store-password` and `--store-password-file`: passwords for keystores, tried beside the well-known ones. */

import { closeSync, openSync, readSync } from 'node:fs';
import { InvalidArgumentError, Option, type Command } from 'commander';

export interface PasswordOptions {
  readonly storePassword: readonly string[];
  readonly storePasswordFile: readonly string[];
}

export function addPasswordOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--store-password <password>',
        'also try this password on keystores; repeatable; other users of the machine can see it',
      )
        .env('ROOTAUDIT_STORE_PASSWORD')
        .argParser((value: string, previous: readonly string[]) => [...previous, value])
        .default([]),
    )
    .addOption(
      new Option(
        '--store-password-file <file>',
        'also try the passwords in this file, one in each line; repeatable',
      )
        .env('ROOTAUDIT_STORE_PASSWORD_FILE')
        .argParser((value: string, previous: readonly string[]) => [...previous, ...readPasswords(value)])
        .default([]),
    );
}

export function passwordsOf({ storePassword, storePasswordFile }: PasswordOptions): readonly string[] {
  return [...storePassword, ...storePasswordFile];
}

/** Far more than anybody has. */
const MOST_BYTES = 64 << 10;

/** A pipe is as good as a file: `--store-password-file <(pass show keystore)`. */
function readPasswords(file: string): readonly string[] {
  const text = readBounded(file).replace(/^\ufeff/, '');
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const passwords = lines.filter((line) => line !== '');
  if (passwords.length === 0) throw new InvalidArgumentError('There is no password in that file.');
  return passwords;
}

function readBounded(file: string): string {
  const bytes = Buffer.alloc(MOST_BYTES + 1);
  let length = 0;
  try {
    const fd = openSync(file, 'r');
    try {
      for (let got = -1; got !== 0 && length < bytes.length; length += got) {
        got = readSync(fd, bytes, length, bytes.length - length, null);
      }
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new InvalidArgumentError(`That file cannot be read: ${reason}.`);
  }
  if (length > MOST_BYTES) throw new InvalidArgumentError('That file is too large to hold passwords.');
  return bytes.toString('utf8', 0, length);
}
