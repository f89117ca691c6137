/** `rootaudit completion`: a script for a shell, made of the same definitions as --help. */

import { Argument, type Command } from 'commander';
import { describe, type HelpDetails } from './help.ts';
import { openChosenBlocklist, type Surroundings } from './options.ts';

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;

const DETAILS: HelpDetails = {
  about: [
    'The script knows the commands, options and advisories of this version: make it anew after an update, or let the shell ask for it at each start, as in the examples.',
  ],
  exitCodes: [
    [0, 'the script is printed'],
    [2, 'wrong usage'],
  ],
  examples: [
    ["echo 'source <(rootaudit completion bash)' >> ~/.bashrc", 'bash'],
    ["echo 'source <(rootaudit completion zsh)' >> ~/.zshrc", 'zsh, after the line with compinit'],
    ['rootaudit completion fish > ~/.config/fish/completions/rootaudit.fish', 'fish'],
    ['rootaudit completion powershell >> $PROFILE', 'PowerShell'],
  ],
};

export function addCompletionCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell that will run the script').choices(SHELLS))
    .description('print a script that completes commands, options and names in a shell')
    .action(async (shell: string) => {
      const { completionScript } = await import('./completion/scripts.ts');
      const advisories = openChosenBlocklist({}, surroundings).advisoryIds();
      surroundings.stdout.write(completionScript(shell, program, advisories));
    });
  describe(command, DETAILS);
}
