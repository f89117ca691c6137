/** Options that a variable of the environment can stand for, where not every command can do what others can. */

import type { Command, Option } from 'commander';

/**
 * Adds `option` with its variable. A variable speaks to all commands at once, so `parse` is told when the value is from
 * there: what another command understands is then no mistake.
 */
export function addVariableOption<Value>(
  command: Command,
  option: Option,
  variable: string,
  parse: (value: string, previous: Value, isVariable: boolean) => Value,
): Command {
  let isVariable = false;
  // Commander reads variables after the command line, and those only that it says nothing about.
  command.on(`optionEnv:${option.name()}`, () => {
    isVariable = true;
  });
  return command.addOption(
    option.env(variable).argParser((value: string, previous: Value) => parse(value, previous, isVariable)),
  );
}
