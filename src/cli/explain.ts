/** `rootaudit explain` */

import type { Command } from 'commander';
import { explainWhat } from '../api/explain.ts';
import { describe, type HelpDetails } from './help.ts';
import {
  addBlocklistOption,
  openChosenBlocklist,
  type BlocklistOptions,
  type Surroundings,
} from './options.ts';
import { addFormatOption, writeOutputs, type OutputOptions } from './outputs.ts';
import { suggestArguments } from './values.ts';

const DETAILS: HelpDetails = {
  exitCodes: [
    [0, 'the story is told, or it is not on the blocklist'],
    [2, 'wrong usage, or the file cannot be read'],
  ],
  examples: [
    ['rootaudit explain kazakhstan', 'an advisory'],
    ['rootaudit explain 00309c73', 'a fingerprint, or its first eight digits'],
    ['rootaudit explain suspicious.crt', 'each certificate in a PEM, DER or Java keystore file'],
    ['rootaudit explain authroot.stl', 'what a trust list of Windows names that is on the blocklist'],
  ],
};

export function addExplainCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('explain <what>')
    .description('tell the story of one root: a fingerprint, a certificate file or an advisory');
  addBlocklistOption(addFormatOption(command, 'explanations')).action(
    async (what: string, options: BlocklistOptions & OutputOptions) => {
      const explanations = explainWhat(what, openChosenBlocklist(options, surroundings));
      await writeOutputs('explanations', options, surroundings, (render, style) => [
        render(explanations, style),
      ]);
    },
  );
  suggestArguments(describe(command, DETAILS), { advisories: true, paths: 'files' });
}
