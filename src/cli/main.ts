/** The command line: parses arguments, runs a command, and turns whatever goes wrong into words and an exit code. */

import { Command, CommanderError } from 'commander';
import { RootauditError } from '../core/errors.ts';
import { EXIT } from './exit-code.ts';
import { addDiffCommand } from './diff.ts';
import { addExplainCommand } from './explain.ts';
import { tellFailure } from './failure.ts';
import { addInitCommand } from './init.ts';
import { addListCommand } from './list.ts';
import { TOOL, type Surroundings } from './options.ts';
import { addRemoveCommand } from './remove.ts';
import { addScanCommand } from './scan.ts';
import { addSelftestCommand } from './selftest.ts';
import { addSnapshotCommand } from './snapshot.ts';
import { addUndoCommand } from './undo.ts';

const HELP = `
Examples:
  $ rootaudit scan               which roots does this machine trust that must go?
  $ rootaudit list               every trust store and every certificate in it
  $ rootaudit explain superfish  the story of one of them
  $ rootaudit selftest           does this installation find what it claims to find?`;

/** `argv` as the process has it. Sets process.exitCode. */
export async function main(argv: readonly string[], packageRoot: string): Promise<void> {
  const surroundings: Surroundings = { packageRoot, environment: process.env, stdout: process.stdout };
  // A reader that has seen enough (`| head`) closes the pipe; that is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  const program = new Command('rootaudit')
    .description('Whom does this machine trust to read its encrypted traffic, and who among them must go?')
    .version(TOOL.version)
    .showHelpAfterError('(add --help for help)')
    .addHelpText('after', HELP);
  // Before the commands are added: they inherit it.
  program.exitOverride();
  addScanCommand(program, surroundings);
  addListCommand(program, surroundings);
  addExplainCommand(program, surroundings);
  addRemoveCommand(program, surroundings);
  addUndoCommand(program, surroundings);
  addSnapshotCommand(program, surroundings);
  addDiffCommand(program, surroundings);
  addInitCommand(program, surroundings);
  addSelftestCommand(program, surroundings);
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    process.exitCode = reportFailure(error);
  }
}

function reportFailure(error: unknown): number {
  // Commander has already said what is wrong; help and version end with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.clean : EXIT.usage;
  if (error instanceof RootauditError) {
    tellFailure(error);
    return EXIT.usage;
  }
  // A defect of ours. Node would end with 1, which promises a finding.
  process.stderr.write(
    `rootaudit: internal error, please report it\n${error instanceof Error ? error.stack : ''}\n`,
  );
  return EXIT.usage;
}
