/** The command line as data: its definitions, without running anything. */

import type { Command } from 'commander';
import { createProgram } from '../../src/cli/main.ts';
import { PROJECT } from './rootaudit.ts';

export function program(): Command {
  return createProgram({ packageRoot: PROJECT, environment: {}, stdout: process.stdout }).program;
}

/** Those that --help lists. */
export function commandsOf(of: Command): readonly Command[] {
  return of
    .createHelp()
    .visibleCommands(of)
    .filter((command) => command.name() !== 'help');
}
