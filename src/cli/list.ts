/** `rootaudit list` */

import type { Command } from 'commander';
import { listStores } from '../audit/list.ts';
import { STORE_TYPES } from '../stores/index.ts';
import { describe, type HelpDetails } from './help.ts';
import { addTargetOptions, openTarget, TOOL, type Surroundings, type TargetOptions } from './options.ts';
import { addFormatOption, writeOutputs, type OutputOptions } from './outputs.ts';
import { storeWords } from './progress-words.ts';
import { passwordsOf } from './store-passwords.ts';

const DETAILS: HelpDetails = {
  exitCodes: [
    [0, 'the list is printed; what could not be read is in it'],
    [2, 'wrong usage, or the target cannot be read at all'],
  ],
  examples: [
    ['rootaudit list', 'every store, every certificate'],
    ['rootaudit list --root /mnt/disk', 'of a mounted disk or an unpacked image'],
    ["rootaudit list -f json | jq '.stores[] | {path, trusted}'", 'for a program'],
  ],
};

export function addListCommand(program: Command, surroundings: Surroundings): void {
  const command = program.command('list').description('print every trust store and every certificate in it');
  addTargetOptions(addFormatOption(command, 'inventory')).action(
    async (options: OutputOptions & TargetOptions) => {
      const { progress } = surroundings.terminal;
      const inventory = listStores({
        target: await openTarget(options, surroundings),
        stores: STORE_TYPES,
        tool: TOOL,
        read: { storePasswords: passwordsOf(options) },
        ...(progress && { progress: (state) => progress.show(() => storeWords(state)) }),
      });
      await writeOutputs('inventory', options, surroundings, (render, style) => render(inventory, style));
    },
  );
  describe(command, DETAILS);
}
