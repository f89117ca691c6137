/** `rootaudit selftest` */

import type { Command } from 'commander';
import { count } from '../core/text.ts';
import type { SelftestResult, SelftestRow } from '../selftest/selftest.ts';
import { STORE_TYPES } from '../stores/index.ts';
import { EXIT } from './exit-code.ts';
import { describe, type HelpDetails } from './help.ts';
import { TOOL, type Surroundings } from './options.ts';

const DETAILS: HelpDetails = {
  about: [
    'A certificate and a blocklist are made on the spot. Nothing outside of a temporary folder is read or written, and the folder is removed.',
  ],
  exitCodes: [
    [0, 'each planted certificate was found'],
    [1, 'one was missed, or a store without certificates was not noted'],
  ],
  examples: [['rootaudit selftest', 'does this installation find what it claims to find?']],
};

export function addSelftestCommand(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('selftest')
    .description('plant a certificate in a store of each type, and tell which of them are found')
    .action(async () => {
      const { selftest } = await import('../selftest/selftest.ts');
      const result = await selftest(STORE_TYPES, TOOL);
      const { stdout, terminal } = surroundings;
      const missed = result.rows.filter((row) => !isFound(row));
      stdout.write(terminal.quiet ? rowsText(missed.map(cellsOf)) : selftestText(result));
      process.exitCode = isComplete(result) ? EXIT.clean : EXIT.findings;
    });
  describe(command, DETAILS);
}

export function isComplete({ rows }: SelftestResult): boolean {
  return rows.every(isFound);
}

function isFound({ planted, found, told = true }: SelftestRow): boolean {
  return planted === found && told;
}

/** A line for each store. */
export function selftestText(result: SelftestResult): string {
  const lines = [
    ['store', 'form', 'planted', 'found', ''],
    ...result.rows.map(cellsOf),
    ...result.notCovered.map((store) => [store, '', '-', '-', 'not covered']),
  ];
  return `${rowsText(lines)}\n${summary(result)}\n`;
}

/** Nothing for no lines. */
function rowsText(lines: readonly (readonly string[])[]): string {
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

function cellsOf({ store, form, planted, found, trust, told }: SelftestRow): readonly string[] {
  if (told === undefined) return [store, form, String(planted), String(found), trust ?? 'MISSED'];
  return [store, form, '-', '-', told ? 'no certificates to find; noted as it should be' : 'MISSED'];
}

function summary({ rows, notCovered }: SelftestResult): string {
  const sum = (of: (row: SelftestRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const found = `${sum((row) => row.found)} of ${count(
    sum((row) => row.planted),
    'planted certificate',
  )} found.`;
  return notCovered.length === 0
    ? found
    : `${found} ${count(notCovered.length, 'store type')} not covered here.`;
}
