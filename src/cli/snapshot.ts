/** `rootaudit snapshot` */

import type { Command } from 'commander';
import { inventoryOf } from '../api/inventory.ts';
import { count, visible } from '../core/text.ts';
import { EXIT } from './exit-code.ts';
import { describe, type HelpDetails } from './help.ts';
import { withTarget } from './inventory.ts';
import { addTargetOptions, openChosenBlocklist, type Surroundings } from './options.ts';
import { checkPlace, writeOutputs } from './outputs.ts';
import { storeProgress } from './progress-words.ts';
import { passwordsOf } from './store-passwords.ts';
import { addImageOptions, type ImageOptions } from './targets.ts';

interface SnapshotOptions extends ImageOptions {
  readonly output: string;
  readonly allowIncomplete: boolean;
}

const DETAILS: HelpDetails = {
  about: [
    'Without a target this machine is saved; rootaudit scan --help says what a target is. The file is what rootaudit list -f json prints, and replaces an older one in one step.',
  ],
  exitCodes: [
    [0, 'written'],
    [2, 'it cannot be written, or the target cannot be read at all'],
    [3, 'written, but a store could not be read (--allow-incomplete turns this into 0)'],
  ],
  examples: [
    ['rootaudit snapshot -o monday.json', 'this machine'],
    ['rootaudit snapshot -o app.json app.tar', 'an image'],
    ['rootaudit diff monday.json live', 'what has changed since?'],
  ],
};

export function addSnapshotCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('snapshot [target]')
    .description('save every store and every certificate in it, to compare with later')
    .requiredOption('-o, --output <file>', 'where to', (file: string) => {
      checkPlace(file);
      return file;
    })
    .option('--allow-incomplete', 'exit with 0 although a store could not be read', false);
  addImageOptions(addTargetOptions(command), 'one').action(
    async (reference: string | undefined, options: SnapshotOptions) => {
      const { output, allowIncomplete } = options;
      const { quiet } = surroundings.terminal;
      const show = storeProgress(surroundings.terminal);
      const blocklist = openChosenBlocklist({}, surroundings);
      const inventory = await withTarget(reference, options, surroundings, (target) =>
        inventoryOf(target, passwordsOf(options), blocklist, show),
      );
      const format = [{ format: 'json', file: output }] as const;
      await writeOutputs('inventory', { format }, surroundings, (render, style) => [
        render(inventory, style),
      ]);
      const { stores, complete } = inventory;
      const certificates = stores.reduce((sum, { anchors }) => sum + anchors, 0);
      const unread = complete ? '' : ' Not everything could be read.';
      const what = `${count(stores.length, 'store')}, ${count(certificates, 'certificate')}`;
      if (!quiet) surroundings.stdout.write(`${visible(output)}: ${what}.${unread}\n`);
      process.exitCode = complete || allowIncomplete ? EXIT.clean : EXIT.incomplete;
    },
  );
  describe(command, DETAILS);
}
