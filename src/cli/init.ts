/** `rootaudit init` */

import { existsSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { RootauditError } from '../core/errors.ts';
import { POLICY_FILE } from '../policy/load.ts';
import { POLICY_TEMPLATE } from '../policy/template.ts';
import { describe, type HelpDetails } from './help.ts';
import type { Surroundings } from './options.ts';

interface InitOptions {
  readonly force: boolean;
}

const DETAILS: HelpDetails = {
  about: ['docs/policy.md explains every setting.'],
  exitCodes: [
    [0, 'written'],
    [2, 'wrong usage, or it is there already, or it cannot be written'],
  ],
  examples: [['rootaudit init', 'write it, then edit it']],
};

export function addInitCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('init')
    .description(`write a ${POLICY_FILE} with every setting explained into this directory`)
    .option('--force', 'replace the one that is there', false)
    .action(({ force }: InitOptions) => {
      writePolicy(force);
      const { stdout, terminal } = surroundings;
      if (!terminal.quiet)
        stdout.write(`${POLICY_FILE} is written. Edit it; rootaudit scan finds it from here.\n`);
    });
  describe(command, DETAILS);
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
