/** Roots that somebody added, for people: a line each, with what is known of how it came. */

import { count, visible } from '../core/text.ts';
import type { FileOrigin, Report, UnrecognisedRoot } from '../report/report.ts';
import { grid, type Row } from './grid.ts';
import { shortName } from './shared/words.ts';
import { symbolsFor, type Palette, type Style } from './style.ts';

const MAX_SHOWN = 20;

export function unrecognisedText({ unrecognised = [] }: Report, paint: Palette, style: Style): string {
  if (unrecognised.length === 0) return '';
  const shown = style.verbose ? unrecognised : unrecognised.slice(0, MAX_SHOWN);
  const rows = shown.map(({ certificate, origins, locations, privateKey }): Row => [
    certificate.sha256.slice(0, 8),
    visible(shortName(certificate.subject) || '(no readable name)', 50),
    paint.faint(origins.length === 0 ? visible(locations[0]?.path ?? '', 100) : originText(origins)),
    privateKey === undefined ? '' : paint.bad('its private key lies on this disk'),
  ]);
  const rest = unrecognised.length - shown.length;
  return [
    `${count(unrecognised.length, 'trusted root')} that no root programme ships: somebody added ${unrecognised.length === 1 ? 'it' : 'them'}. Is each of them yours?`,
    grid(rows, style),
    ...keysText(shown),
    ...(rest > 0
      ? [paint.faint(`  ${symbolsFor(style).dots} and ${rest} more (--verbose prints them)`)]
      : []),
  ].join('\n');
}

/** "/etc/x.pem, 2026-01-02, package corp 1.2, and 2 more files" */
function originText(origins: readonly FileOrigin[]): string {
  const [first] = origins;
  if (!first) return '';
  const { path, modified, user, package: owner } = first;
  const parts = [
    visible(path, 100),
    ...(modified === null ? [] : [modified.slice(0, 10)]),
    ...(owner === undefined ? [] : [`package ${visible(owner, 60)}`]),
    ...(user === undefined || owner !== undefined ? [] : [`owner ${visible(user, 40)}`]),
    ...(origins.length > 1 ? [`and ${count(origins.length - 1, 'more file')}`] : []),
  ];
  return parts.join(', ');
}

function keysText(roots: readonly UnrecognisedRoot[]): readonly string[] {
  return roots.flatMap(({ certificate, privateKey }) =>
    privateKey === undefined
      ? []
      : [
          `  Private key of ${certificate.sha256.slice(0, 8)}: ${visible(privateKey)}. Whoever reads it can impersonate every site.`,
        ],
  );
}
