/** `rootaudit init` */

import { existsSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { RootauditError } from '../core/errors.ts';
import { POLICY_FILE } from '../policy/load.ts';
import { POLICY_TEMPLATE } from '../policy/template.ts';
import type { Surroundings } from './options.ts';

interface InitOptions {
  readonly force: boolean;
}

export function addInitCommand(program: Command, { stdout }: Surroundings): void {
  program
    .command('init')
    .description(`write a ${POLICY_FILE} with every setting explained into this directory`)
    .option('--force', 'replace the one that is there', false)
    .action(({ force }: InitOptions) => {
      writePolicy(force);
      stdout.write(`${POLICY_FILE} is written. Edit it; rootaudit scan finds it from here.\n`);
    });
}

function writePolicy(force: boolean): void {
  try {
    // Without --force it must not be there, not even as a link to nowhere.
    writeFileSync(POLICY_FILE, POLICY_TEMPLATE, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    if (!force && existsSync(POLICY_FILE)) {
      throw new RootauditError(`${POLICY_FILE} is there already`, '--force replaces it.', { cause: error });
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new RootauditError(`${POLICY_FILE} cannot be written: ${reason}`, undefined, { cause: error });
  }
}
