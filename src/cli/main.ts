/** The command line: parses arguments, runs a command, and turns whatever goes wrong into words and an exit code. */

import { existsSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';
import { addCheckCommand } from './check.ts';
import { addCompletionCommand } from './completion.ts';
import { EXIT } from './exit-code.ts';
import { addDiffCommand } from './diff.ts';
import { addExplainCommand } from './explain.ts';
import { tellFailure } from './failure.ts';
import { describe, HELP_STYLE, type HelpDetails } from './help.ts';
import { addInitCommand } from './init.ts';
import { addListCommand } from './list.ts';
import { TOOL, type Surroundings } from './options.ts';
import { addRemoveCommand } from './remove.ts';
import { addScanCommand } from './scan.ts';
import { addSelftestCommand } from './selftest.ts';
import { addSnapshotCommand } from './snapshot.ts';
import { addTerminalOptions, helpOption, helpWidth, terminalFor, type Terminal } from './terminal.ts';
import { addUndoCommand } from './undo.ts';
import { addWatchCommand } from './watch.ts';

const DETAILS: HelpDetails = {
  about: [
    'rootaudit COMMAND --help tells more about each. What a command line does not say is taken from the environment, then from the policy, then from the default.',
  ],
  examples: [
    ['rootaudit scan', 'which roots does this machine trust that must go?'],
    ['rootaudit list', 'every trust store and every certificate in it'],
    ['rootaudit explain superfish', 'the story of one of them'],
    ['rootaudit remove', 'how would they leave? (a plan; nothing is changed)'],
    ['rootaudit selftest', 'does this installation find what it claims to find?'],
  ],
};

/** The one source of --help, completion and the manual pages. */
export function createProgram(surroundings: Omit<Surroundings, 'terminal'>): {
  readonly program: Command;
  readonly terminal: () => Terminal | undefined;
} {
  let terminal: Terminal | undefined;
  const { environment } = surroundings;
  const whole: Surroundings = {
    ...surroundings,
    get terminal() {
      return (terminal ??= terminalFor(program, program, environment));
    },
  };
  const program = new Command('rootaudit')
    .description('Whom does this machine trust to read its encrypted traffic, and who among them must go?')
    .version(TOOL.version, '-V, --version', 'print the version')
    .addHelpOption(helpOption())
    .helpCommand('help [command]', 'print the help of a command')
    .enablePositionalOptions()
    .configureHelp(HELP_STYLE)
    .configureOutput({
      getOutHelpWidth: () => helpWidth(process.stdout, environment),
      getErrHelpWidth: () => helpWidth(process.stderr, environment),
      outputError: (text, write) => write(text.replace(/^error: /, 'rootaudit: ')),
    })
    .showHelpAfterError('(add --help for help)')
    .hook('preAction', (_, command) => {
      terminal = terminalFor(program, command, environment);
    });
  // Before the commands are added: they inherit it.
  program.exitOverride();
  addScanCommand(program, whole);
  addListCommand(program, whole);
  addExplainCommand(program, whole);
  addCheckCommand(program, whole);
  addRemoveCommand(program, whole);
  addUndoCommand(program, whole);
  addSnapshotCommand(program, whole);
  addDiffCommand(program, whole);
  addWatchCommand(program, whole);
  addInitCommand(program, whole);
  addSelftestCommand(program, whole);
  addCompletionCommand(program, whole);
  for (const command of [program, ...program.commands]) addTerminalOptions(command);
  describe(program, DETAILS);
  return { program, terminal: () => terminal };
}

/** `argv` as the process has it. Sets process.exitCode. */
export async function main(argv: readonly string[], packageRoot: string): Promise<void> {
  // A reader that has seen enough (`| head`) closes the pipe; that is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    process.stderr.write(`rootaudit: standard output cannot be written: ${error.message}\n`);
    process.exit(EXIT.usage);
  });
  forgetEmptyVariables(process.env);
  const surroundings = { packageRoot, environment: process.env, stdout: process.stdout };
  const { program, terminal } = createProgram(surroundings);
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    terminal()?.progress?.clear();
    process.exitCode = reportFailure(error, argv);
  } finally {
    terminal()?.progress?.clear();
  }
}

const SWITCHES: ReadonlySet<string> = new Set(['ROOTAUDIT_NO_PROGRESS', 'ROOTAUDIT_NO_CACHE']);

/** An empty variable is none, as is a switch that is set to no. */
function forgetEmptyVariables(environment: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('ROOTAUDIT_')) continue;
    const value = environment[name] ?? '';
    if (value === '' || (SWITCHES.has(name) && /^(?:0|no|false|off)$/i.test(value))) delete environment[name];
  }
}

function reportFailure(error: unknown, argv: readonly string[]): number {
  // Commander has already said what is wrong; help and version end with 0.
  if (error instanceof CommanderError) {
    if (error.code === 'commander.unknownCommand') hintAtScan(argv);
    return error.exitCode === 0 ? EXIT.clean : EXIT.usage;
  }
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

/** `rootaudit /mnt/disk` */
function hintAtScan(argv: readonly string[]): void {
  const first = argv.slice(2).find((word) => !word.startsWith('-'));
  if (first === undefined || !(/[/\\:]/.test(first) || existsSync(first))) return;
  process.stderr.write(`To look at it: rootaudit scan ${visible(first)}\n`);
}
