/** What can stand for a value of an option or an argument: for completion in a shell. */

import type { Argument, Command, Option } from 'commander';

export interface Values {
  readonly words?: readonly string[];
  /** Also the ids of the blocklist. */
  readonly advisories?: true;
  readonly paths?: 'files' | 'directories';
  /** The words may be followed by an equals sign and the name of a file. */
  readonly wordsTakeFile?: true;
}

const VALUES = new WeakMap<Option | Argument, Values>();

export function suggestValues<Each extends Option | Argument>(each: Each, values: Values): Each {
  VALUES.set(each, values);
  return each;
}

/** For the arguments of a command, in their order. */
export function suggestArguments(command: Command, ...values: readonly Values[]): Command {
  for (const [index, each] of values.entries()) {
    const argument = command.registeredArguments[index];
    if (argument) suggestValues(argument, each);
  }
  return command;
}

/** What was said, else what the name in the brackets tells: `<file>`, `<directory>`, `[paths...]`. */
export function valuesOf(each: Option | Argument): Values {
  const known = VALUES.get(each);
  if (known) return known;
  if (each.argChoices) return { words: each.argChoices };
  const name = 'flags' in each ? (/[<[]([^>\]]*)/.exec(each.flags)?.[1] ?? '') : each.name();
  if (/director(?:y|ies)$/.test(name)) return { paths: 'directories' };
  return /^(?:paths?|files?)\b|\.json$|targets?|reference/.test(name) ? { paths: 'files' } : {};
}
