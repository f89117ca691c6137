/** What came of a removal, for people. */

import { canQuoteSh, quoteSh } from '../core/shell.ts';
import { count, visible } from '../core/text.ts';
import type { RemovalPlan, RemovalResult } from '../report/removal-plan.ts';
import { grid, type Row } from './grid.ts';
import { commandText } from './removal-actions.ts';
import { paletteFor, paragraph, type Palette, type Style } from './style.ts';

export function joinBlocks(blocks: readonly string[]): string {
  const shown = blocks.filter((block) => block !== '');
  return shown.length === 0 ? '' : `${shown.join('\n\n')}\n`;
}

/** `asRoot` is the command that does the rest. */
export function resultText(result: RemovalResult, style: Style, asRoot: string): string {
  const paint = paletteFor(style);
  const { done, skipped, failed, needRoot, left, alsoLost, problems, journal, verified } = result;
  return joinBlocks([
    done.length === 0
      ? 'Nothing was changed.'
      : ['Done', ...done.map((each) => `  ${visible(each, 10_000)}`)].join('\n'),
    skipped.length === 0
      ? ''
      : [
          paint.warn('To be run as root in the system itself'),
          ...skipped.map((argv) => `  ${visible(commandText(argv))}`),
        ].join('\n'),
    failed.length === 0
      ? ''
      : [
          paint.bad('Could not be done, and was left as it is'),
          ...failed.map(({ application, path, reason }) =>
            paragraph(`${application} (${path}): ${reason}`, style.width),
          ),
        ].join('\n'),
    needRoot.length === 0
      ? ''
      : [
          paint.warn('Left out, because root or administrator is needed'),
          ...needRoot.map((each) => `  ${visible(each, 10_000)}`),
          `Do it with: ${visible(asRoot, 10_000)}`,
        ].join('\n'),
    left.length === 0
      ? ''
      : [
          paint.bad('Still trusted'),
          grid(
            left.map(({ sha256, path, entry, application }): Row => [
              sha256.slice(0, 16),
              visible(`${path} (${entry})`),
              visible(application),
            ]),
            style,
          ),
        ].join('\n'),
    alsoLost.length === 0
      ? ''
      : [
          paint.warn('No longer trusted either, since copies were made anew'),
          ...alsoLost.map(({ sha256, store }) => `  ${sha256}  ${visible(store)}`),
        ].join('\n'),
    problemsText(problems, paint, style),
    verified ? paint.good('Every store was read again: none trusts what had to go.') : '',
    journal === null
      ? ''
      : `Undo: rootaudit undo ${visible(canQuoteSh(journal) ? quoteSh(journal) : journal)}`,
  ]);
}

const MAX_PROBLEMS_SHOWN = 20;

export function problemsText(problems: RemovalPlan['problems'], paint: Palette, style: Style): string {
  if (problems.length === 0) return '';
  const shown = problems
    .slice(0, MAX_PROBLEMS_SHOWN)
    .map(({ path, message }) => paragraph(`${path}: ${message}`, style.width));
  return [
    paint.warn(`${count(problems.length, 'problem')}: what could not be read may trust the certificates too`),
    ...shown,
  ].join('\n');
}
