/** `rootaudit list` */

import type { Command } from 'commander';
import { inventoryOf } from '../api/inventory.ts';
import { describe, type HelpDetails } from './help.ts';
import { withTarget } from './inventory.ts';
import { addTargetOptions, openChosenBlocklist, type Surroundings } from './options.ts';
import { addFormatOption, writeOutputs, type OutputOptions } from './outputs.ts';
import { storeProgress } from './progress-words.ts';
import { passwordsOf } from './store-passwords.ts';
import { addImageOptions, type ImageOptions } from './targets.ts';

const DETAILS: HelpDetails = {
  about: ['Without a target this machine is listed; rootaudit scan --help says what a target is.'],
  exitCodes: [
    [0, 'the list is printed; what could not be read is in it'],
    [2, 'wrong usage, or the target cannot be read at all'],
  ],
  examples: [
    ['rootaudit list', 'every store, every certificate'],
    ['rootaudit list --root /mnt/disk', 'of a mounted disk or an unpacked image'],
    ['rootaudit list app.tar', 'of an image'],
    ["rootaudit list -f json | jq '.stores[] | {path, trusted}'", 'for a program'],
  ],
};

export function addListCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('list [target]')
    .description('print every trust store and every certificate in it');
  addImageOptions(addTargetOptions(addFormatOption(command, 'inventory')), 'one').action(
    async (reference: string | undefined, options: OutputOptions & ImageOptions) => {
      const show = storeProgress(surroundings.terminal);
      const blocklist = openChosenBlocklist({}, surroundings);
      const inventory = await withTarget(reference, options, surroundings, (target) =>
        inventoryOf(target, passwordsOf(options), blocklist, show),
      );
      await writeOutputs('inventory', options, surroundings, (render, style) => [render(inventory, style)]);
    },
  );
  describe(command, DETAILS);
}
