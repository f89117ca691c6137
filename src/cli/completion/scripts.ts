/** One writer for each shell. */

import type { Command } from 'commander';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import { completedProgram, type CompletedProgram } from './model.ts';
import { powershellScript } from './powershell.ts';
import { zshScript } from './zsh.ts';

const WRITERS: Readonly<Record<string, (program: CompletedProgram) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
  powershell: powershellScript,
};

/** `shell`: one of those that `rootaudit completion` takes. */
export function completionScript(shell: string, program: Command, advisories: readonly string[]): string {
  const write = WRITERS[shell];
  if (!write) throw new RangeError(`no completion for ${shell}`);
  return write(completedProgram(program, advisories));
}
