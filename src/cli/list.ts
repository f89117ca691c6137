/** `rootaudit list` */

import type { Command } from 'commander';
import { listStores } from '../audit/list.ts';
import { STORE_TYPES } from '../stores/index.ts';
import { styleOf } from './environment.ts';
import {
  addFormatOption,
  addTargetOptions,
  openTarget,
  rendererFor,
  TOOL,
  type CommonOptions,
  type Surroundings,
  type TargetOptions,
} from './options.ts';

const HELP = `
Examples:
  $ rootaudit list                            every store, every certificate
  $ rootaudit list -f json | jq '.stores[] | {path, trusted}'`;

export function addListCommand(program: Command, surroundings: Surroundings): void {
  const command = program.command('list').description('print every trust store and every certificate in it');
  addTargetOptions(addFormatOption(command))
    .addHelpText('after', HELP)
    .action(async (options: CommonOptions & TargetOptions) => {
      const inventory = listStores({
        target: await openTarget(options, surroundings),
        stores: STORE_TYPES,
        tool: TOOL,
        read: { storePasswords: options.storePassword },
      });
      const renderer = await rendererFor(options);
      const { stdout, environment } = surroundings;
      stdout.write(renderer.inventory(inventory, await styleOf(stdout, environment)));
    });
}
