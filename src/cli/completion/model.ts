/** The command line as completion sees it: names, values and words for people, safe to be written into a script. */

import type { Argument, Command, Option } from 'commander';
import { valuesOf, type Values } from '../values.ts';

export interface CompletedOption {
  /** "--format", "-f" */
  readonly names: readonly string[];
  readonly description: string;
  /** What follows; undefined for a switch. */
  readonly value?: CompletedValue;
  readonly isRepeatable: boolean;
}

export interface CompletedValue {
  /** For people: "file". */
  readonly name: string;
  readonly isOptional: boolean;
  readonly words: readonly string[];
  readonly paths: Values['paths'];
  readonly wordsTakeFile: boolean;
}

export interface CompletedCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletedOption[];
  readonly arguments: readonly (CompletedValue & { readonly isVariadic: boolean })[];
}

export interface CompletedProgram {
  readonly options: readonly CompletedOption[];
  readonly commands: readonly CompletedCommand[];
}

export function completedProgram(program: Command, advisories: readonly string[]): CompletedProgram {
  const help = program.createHelp();
  const optionsOf = (command: Command): readonly CompletedOption[] =>
    help.visibleOptions(command).map((option) => completedOption(option, advisories));
  const commands = help
    .visibleCommands(program)
    .filter((command) => command.name() !== 'help')
    .map((command) => ({
      name: command.name(),
      description: plain(command.description()),
      options: optionsOf(command),
      arguments: command.registeredArguments.map((argument) => ({
        ...completedValue(argument, argument.name(), !argument.required, advisories),
        isVariadic: argument.variadic,
      })),
    }));
  const names = commands.map(({ name }) => name);
  const helpCommand: CompletedCommand = {
    name: 'help',
    description: 'print the help of a command',
    options: [],
    arguments: [
      {
        name: 'command',
        isOptional: true,
        words: names,
        paths: undefined,
        wordsTakeFile: false,
        isVariadic: false,
      },
    ],
  };
  return { options: optionsOf(program), commands: [...commands, helpCommand] };
}

function completedOption(option: Option, advisories: readonly string[]): CompletedOption {
  const takesValue = option.required || option.optional;
  const name = /[<[]([^>[\]]*)/.exec(option.flags)?.[1]?.replace('...', '') ?? '';
  return {
    names: [option.short, option.long].filter((each) => each !== undefined),
    description: plain(option.description),
    isRepeatable: option.variadic || Array.isArray(option.defaultValue),
    ...(takesValue && { value: completedValue(option, name, !option.required, advisories) }),
  };
}

function completedValue(
  each: Option | Argument,
  name: string,
  isOptional: boolean,
  advisories: readonly string[],
): CompletedValue {
  const { words = [], paths, wordsTakeFile = false, advisories: takesAdvisories } = valuesOf(each);
  const all = [...words, ...(takesAdvisories ? advisories : [])];
  // No other character has to be quoted in any of the shells.
  return {
    name: plain(name),
    isOptional,
    words: all.filter((word) => /^[A-Za-z0-9][\w.-]*$/.test(word)),
    paths,
    wordsTakeFile,
  };
}

/** Windows PowerShell takes a script for what the code page says. */
function plain(text: string): string {
  return text.replaceAll(/[^ -~]+/g, '?');
}
