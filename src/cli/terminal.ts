/** The options that every command has, and what they make of the terminal. */

import { Option, type Command } from 'commander';
import { columnsFor, type ColourChoice } from './environment.ts';
import { progressOn, type Progress } from './progress.ts';

export interface Terminal {
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly colour: ColourChoice;
  /** Undefined where nobody would see it. */
  readonly progress: Progress | undefined;
}

interface TerminalOptions {
  readonly quiet?: true;
  readonly verbose?: true;
  readonly color?: ColourChoice;
  readonly progress?: boolean;
}

const GROUP = 'Options of every command:';

/** For the program, before its commands are added: they inherit it. */
export function helpOption(): Option {
  return new Option('-h, --help', 'print this').helpGroup(GROUP);
}

export function addTerminalOptions(command: Command): Command {
  const options = [
    new Option(
      '-q, --quiet',
      'print what was found and nothing else; the exit code tells the rest',
    ).conflicts('verbose'),
    new Option('-v, --verbose', 'print every finding in full, and progress also into a pipe'),
    new Option('--color <when>', 'colour the output')
      .choices(['auto', 'always', 'never'])
      .default('auto')
      .env('ROOTAUDIT_COLOR'),
    new Option('--no-progress', 'do not show on standard error how far it is').env('ROOTAUDIT_NO_PROGRESS'),
  ];
  for (const option of options) command.addOption(option.helpGroup(GROUP));
  return command;
}

/** They may stand before the name of the command as well; what stands after it is what counts. */
export function terminalFor(program: Command, command: Command, environment: NodeJS.ProcessEnv): Terminal {
  const chosen = (key: keyof TerminalOptions): unknown => {
    const from = [command, program].find((each) => each.getOptionValueSource(key) === 'cli') ?? command;
    return from.getOptionValue(key);
  };
  const quiet = chosen('quiet') === true;
  const verbose = chosen('verbose') === true && !(quiet && command.getOptionValueSource('quiet') === 'cli');
  const colour = chosen('color');
  return {
    quiet: quiet && !verbose,
    verbose,
    colour: colour === 'always' || colour === 'never' ? colour : 'auto',
    progress: progressOn(process.stderr, {
      environment,
      verbose,
      wanted: chosen('progress') !== false && !quiet,
    }),
  };
}

/** For help: within this, whatever the width of the window. */
const LEAST_HELP = 64;
const MOST_HELP = 100;

export function helpWidth(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): number {
  return Math.min(Math.max(columnsFor(stream, environment) ?? 80, LEAST_HELP), MOST_HELP);
}
