/** `rootaudit list` */

import type { Command } from 'commander';
import { listStores } from '../audit/list.ts';
import { STORE_TYPES } from '../stores/index.ts';
import { addTargetOptions, openTarget, TOOL, type Surroundings, type TargetOptions } from './options.ts';
import { addFormatOption, writeOutputs, type OutputOptions } from './outputs.ts';

const HELP = `
Examples:
  $ rootaudit list                            every store, every certificate
  $ rootaudit list -f json | jq '.stores[] | {path, trusted}'`;

export function addListCommand(program: Command, surroundings: Surroundings): void {
  const command = program.command('list').description('print every trust store and every certificate in it');
  addTargetOptions(addFormatOption(command, 'inventory'))
    .addHelpText('after', HELP)
    .action(async (options: OutputOptions & TargetOptions) => {
      const inventory = listStores({
        target: await openTarget(options, surroundings),
        stores: STORE_TYPES,
        tool: TOOL,
        read: { storePasswords: options.storePassword },
      });
      await writeOutputs('inventory', options, surroundings, (render, style) => render(inventory, style));
    });
}
