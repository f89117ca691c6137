/** Where a certificate is, and how it leaves: for findings and for violations of the policy. */

import { visible } from '../core/text.ts';
import type { Location, Report, StoreRemediation } from '../report/report.ts';
import { grid, type Row } from './grid.ts';
import { commandLines } from './shared/commands.ts';
import { paragraph, type Palette, type Style } from './style.ts';

export function locationsText(
  locations: readonly Location[],
  report: Report,
  paint: Palette,
  style: Style,
): string {
  const applications = new Map(report.stores.map(({ id, application }) => [id, application]));
  const rows = locations.map(
    ({ trust, path, entry, store, generatedFrom, expressed, waived, known }): Row => {
      const held = path.endsWith(`/${entry}`) ? path : `${path} (${entry})`;
      const origin = generatedFrom.length > 0 ? `${trust}, generated` : `${trust}: ${expressed}`;
      const accepted = waived === true ? ', waived' : known === true ? ', known' : '';
      const tint = trust === 'trusted' && accepted === '' ? paint.bad : paint.faint;
      return [tint(visible(origin) + accepted), visible(held), visible(applications.get(store) ?? '')];
    },
  );
  return grid(rows, style);
}

const DISPOSITION_WORDS = { safe: 'Remove', unsafe: 'Remove (with care)', manual: 'By hand' } as const;

/** The commands of one shell of Windows mean nothing, or something else, in the other. */
const SHELL_WORDS = { sh: '', cmd: ', in cmd.exe', powershell: ', in PowerShell' } as const;

export function remediationText(remediation: StoreRemediation, paint: Palette, style: Style): string {
  if (remediation.dockerfile) return dockerfileText(remediation, remediation.dockerfile, paint, style);
  const { disposition, shell, commands, undo, elevated, note } = remediation;
  const who = shell === 'sh' ? 'root' : 'administrator';
  const asRoot = elevated && commands.length > 0 ? `, as ${who}` : '';
  const where = commands.length > 0 ? SHELL_WORDS[shell] : '';
  return [
    `  ${paint.strong(`${DISPOSITION_WORDS[disposition]}${asRoot}${where}:`)}`,
    ...(note === undefined ? [] : [paragraph(note, style.width, '    ')]),
    ...commandLines(remediation).map((line) => `    ${visible(line, 100_000)}`),
    ...(undo.length === 0 ? [] : [paint.faint('  Undo:')]),
    ...undo.map((command) => paint.faint(`    ${visible(command, 100_000)}`)),
  ].join('\n');
}

/** An image is not changed: another is built from it. */
function dockerfileText(
  { disposition, note }: StoreRemediation,
  lines: readonly string[],
  paint: Palette,
  style: Style,
): string {
  const what = disposition === 'unsafe' ? DISPOSITION_WORDS.unsafe : DISPOSITION_WORDS.safe;
  return [
    `  ${paint.strong(`${what}, in a Dockerfile, as root:`)}`,
    ...(note === undefined ? [] : [paragraph(note, style.width, '    ')]),
    ...lines.map((line) => `    ${visible(line, 100_000)}`),
  ].join('\n');
}
