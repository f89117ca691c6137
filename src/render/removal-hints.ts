/** How many commands a report prints for people, and who does the rest: `rootaudit remove` plans all of it together. */

import { canQuoteSh, quoteSh } from '../core/shell.ts';
import { count, visible } from '../core/text.ts';
import { isUrgent } from '../report/acceptance.ts';
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
  const alarms = findings.filter((finding) => isUrgent(finding) && finding.remediations.length > 0);
  const command = removeCommand(target);
  if (alarms.length === 0 || command === undefined) return '';
  const promise =
    target.kind === 'image' ? 'lines for a Dockerfile' : 'a plan; nothing is changed without --apply';
  return `To remove them: ${command} (${promise})`;
}

function removeCommand(target: Report['target'], what?: string): string | undefined {
  const place = placeWords(target);
  return place && ['rootaudit remove', ...(what === undefined ? [] : [what]), ...place].join(' ');
}

function placeWords(target: Report['target']): readonly string[] | undefined {
  const { kind, reference, image } = target;
  if (kind === 'live') return [];
  if (kind === 'directory') return canType(reference) ? ['--root', quoteSh(reference)] : undefined;
  if (kind !== 'image' || !image || target.platform === 'win32') return undefined;
  // What was named, without what tells the images of one archive apart.
  const { name, platform } = image;
  const told = [name, platform].filter((part) => part !== undefined).map((part) => visible(part, 300));
  const marks = [told.join(', '), ...told].map((mark) => ` (${mark})`);
  const mark = marks.find((each) => reference.endsWith(each)) ?? '';
  const named = reference.slice(0, reference.length - mark.length);
  // Standard input cannot be read again.
  if (named === '-' || !canType(named)) return undefined;
  const one =
    platform !== undefined && mark.endsWith(`${platform})`) ? ['--platform', quoteSh(platform)] : [];
  return ['--image', quoteSh(named), ...one, '--script dockerfile'];
}

function canType(reference: string): boolean {
  return canQuoteSh(reference) && visible(reference) === reference;
}
