/** How many commands a report prints for people, and who does the rest: `rootaudit remove` plans all of it together. */

import { canQuoteSh, quoteSh } from '../core/shell.ts';
import { count, visible } from '../core/text.ts';
import { isAccepted, isEffective } from '../report/acceptance.ts';
import type { Finding, Report } from '../report/report.ts';
import { symbolsFor, type Palette, type Style } from './style.ts';

/** A root that is in one bundle is often in twenty. */
const MOST_OF_ONE = 3;
const MOST_OF_ALL = 12;

/** For how many stores each finding has its commands printed. */
export function removalsShown(
  findings: readonly Finding[],
  { verbose }: Style,
): ReadonlyMap<Finding, number> {
  let room = MOST_OF_ALL;
  return new Map(
    findings.map((finding) => {
      const { length } = finding.remediations;
      const shown = verbose ? length : Math.min(length, MOST_OF_ONE, room);
      room -= shown;
      return [finding, shown];
    }),
  );
}

/** What is said of the stores whose commands are not printed; nothing when there are none. */
export function moreRemovals(
  { remediations, certificate: { sha256 } }: Finding,
  shown: number,
  { target }: Report,
  paint: Palette,
  style: Style,
): readonly string[] {
  const rest = remediations.length - shown;
  if (rest === 0) return [];
  const command = removeCommand(target, sha256.slice(0, 8));
  const where =
    shown === 0
      ? `It can be removed from ${count(rest, 'store')}`
      : `${symbolsFor(style).dots} and from ${count(rest, 'more store')}`;
  const lines =
    command === undefined
      ? [`  ${where}: --verbose prints the commands.`]
      : [`  ${where}: --verbose prints the commands, and this plans all of it together:`, `    ${command}`];
  return ['', ...lines.map((line) => paint.faint(line))];
}

/** The last line of a report with alarms: what to do about them. */
export function nextStep({ findings, target }: Report): string {
  const alarms = findings.filter(
    (finding) =>
      isEffective(finding.status) &&
      finding.severity !== 'low' &&
      finding.severity !== 'info' &&
      !isAccepted(finding) &&
      finding.remediations.length > 0,
  );
  const command = removeCommand(target);
  if (alarms.length === 0 || command === undefined) return '';
  return `To remove them: ${command} (a plan; nothing is changed without --apply)`;
}

function removeCommand({ kind, reference }: Report['target'], what?: string): string | undefined {
  const words = ['rootaudit remove', ...(what === undefined ? [] : [what])];
  if (kind === 'live') return words.join(' ');
  if (kind !== 'directory' || !canQuoteSh(reference) || visible(reference) !== reference) return undefined;
  return [...words, '--root', quoteSh(reference)].join(' ');
}
