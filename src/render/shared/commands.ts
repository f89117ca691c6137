/** Commands that depend on each other: most lists begin with a check that the file is still the scanned one. */

import type { StoreRemediation } from '../../report/report.ts';

/**
 * A line for each command; in a POSIX shell they are joined, so that nothing is changed after a check that fails, also
 * when somebody pastes all of them into a terminal.
 */
export function commandLines({
  shell,
  commands,
}: Pick<StoreRemediation, 'shell' | 'commands'>): readonly string[] {
  if (shell !== 'sh') return commands;
  return commands.map(grouped).map((command, k) => (k < commands.length - 1 ? `${command} &&` : command));
}

/** The same in one line. */
export function commandLine({ shell, commands }: Pick<StoreRemediation, 'shell' | 'commands'>): string {
  if (shell === 'sh') return commandLines({ shell, commands }).join(' ');
  return commands.join(shell === 'powershell' ? '; ' : ' && ');
}

/** `a && b || c && d` would go on with d although a has failed. */
function grouped(command: string, _: number, { length }: readonly string[]): string {
  return length > 1 && /\|\||;/.test(command) ? `{ ${command}; }` : command;
}
