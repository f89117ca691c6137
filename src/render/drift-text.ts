/** What changed between two audits, for people. */

import { count, visible } from '../core/text.ts';
import {
  hasChanges,
  type Drift,
  type DriftChange,
  type DriftPlace,
  type DriftStore,
} from '../report/drift.ts';
import { grid, type Row } from './grid.ts';
import { paletteFor, paragraph, symbolsFor, type Palette, type Style } from './style.ts';

/** Beyond this the JSON is the better reading; the layout of columns is quadratic in its rows. */
const MAX_SHOWN = 200;
/** Of roots that are on no blocklist, without --verbose. */
const MOST_OF_STORE = 10;
/** Of one root, without --verbose. */
const MOST_PLACES = 5;

export function driftText(drift: Drift, style: Style): string {
  const paint = paletteFor(style);
  const blocks = [
    style.quiet
      ? ''
      : paint.faint(`${sideText(drift.before)} ${symbolsFor(style).arrow} ${sideText(drift.after)}`),
    storesText('Stores that appeared', '+', drift.appearedStores, style),
    storesText('Stores that vanished', '-', drift.vanishedStores, style),
    changesText(paint.bad('Became trusted'), '+', drift.becameTrusted, 'trusted nowhere before', style),
    changesText(
      paint.good('No longer trusted'),
      '-',
      drift.stoppedBeingTrusted,
      'trusted nowhere now',
      style,
    ),
    changesText(paint.warn('Trusted otherwise'), '~', drift.changedTrust, '', style),
    ...(style.quiet ? [] : [...incompleteText(drift, paint, style), summary(drift, paint)]),
  ].filter((block) => block !== '');
  return blocks.length === 0 ? '' : `${blocks.join('\n\n')}\n`;
}

function sideText({ name, kind, reference }: Drift['before']): string {
  const of = kind === 'live' ? 'a machine as it ran' : reference;
  return visible(of === name ? name : `${name} (${of})`, 200);
}

function storesText(title: string, sign: string, stores: readonly DriftStore[], style: Style): string {
  if (stores.length === 0) return '';
  const rows = stores
    .slice(0, MAX_SHOWN)
    .map(({ application, path, trusted }): Row => [
      sign,
      visible(path),
      visible(application),
      `${trusted} trusted`,
    ]);
  return [title, grid(rows, style), ...more(stores.length, style)].join('\n');
}

function changesText(
  title: string,
  sign: string,
  changes: readonly DriftChange[],
  everywhere: string,
  style: Style,
): string {
  if (changes.length === 0) return '';
  const paint = paletteFor(style);
  const shown = shownOf(changes, style);
  const mostPlaces = style.verbose ? MAX_SHOWN : MOST_PLACES;
  const lines = shown.map((change) => {
    const { certificate, places } = change;
    const listed = listedText(change, paint);
    const where = change.everywhere ? `  ${paint.warn(everywhere)}` : '';
    return [
      `  ${sign} ${paint.strong(visible(certificate.subject || '(no readable name)'))}${listed}${where}`,
      paint.faint(`    SHA-256 ${certificate.sha256}`),
      ...places.slice(0, mostPlaces).map((place) => `    ${placeText(place, style)}`),
      ...more(places.length, style, Math.min(places.length, mostPlaces)).map((line) => `  ${line}`),
    ].join('\n');
  });
  return [title, ...lines, ...more(changes.length, style, shown.length)].join('\n');
}

/** How bad is not known where only an older report tells of it. */
function listedText({ advisories, severity }: DriftChange, paint: Palette): string {
  if (advisories.length === 0) return '';
  const names = visible(advisories.join(', '));
  return `  ${paint.severity(severity ?? 'high', severity === undefined ? names : `${severity}: ${names}`)}`;
}

/** What is on the blocklist, and of the rest the first of each store, so that a large store hides no small one. */
function shownOf(changes: readonly DriftChange[], { verbose }: Style): readonly DriftChange[] {
  if (verbose) return changes.slice(0, MAX_SHOWN);
  const perStore = new Map<string, number>();
  const timesIn = (store: string): number => perStore.get(store) ?? 0;
  const shown = changes.filter(({ advisories, places }) => {
    if (advisories.length > 0) return true;
    if (!places.some(({ store }) => timesIn(store) < MOST_OF_STORE)) return false;
    for (const { store } of places) perStore.set(store, timesIn(store) + 1);
    return true;
  });
  return shown.slice(0, MAX_SHOWN);
}

function placeText({ path, application, before, after }: DriftPlace, style: Style): string {
  const change = `${stateText(before)} ${symbolsFor(style).arrow} ${stateText(after)}`;
  return `${visible(path)}  ${visible(application)}: ${change}`;
}

function stateText({ trust, purposes }: DriftPlace['before']): string {
  return trust === 'trusted' && purposes.length < 5
    ? `trusted for ${purposes.join(', ')}`
    : TRUST_WORDS[trust];
}

const TRUST_WORDS = {
  absent: 'not there',
  present: 'held',
  mitigated: 'refused',
  embedded: 'built in',
  deleted: 'deleted by an upper layer',
  trusted: 'trusted',
} as const;

function more(all: number, style: Style, shown = Math.min(all, MAX_SHOWN)): readonly string[] {
  const { dots } = symbolsFor(style);
  return all > shown ? [`  ${dots} and ${all - shown} more; -f json has them all`] : [];
}

function incompleteText({ before, after }: Drift, paint: Palette, style: Style): readonly string[] {
  return [before, after]
    .filter(({ complete }) => !complete)
    .map(({ name }) => paint.warn(paragraph(`Not everything of ${name} could be read.`, style.width, '')));
}

function summary(drift: Drift, paint: Palette): string {
  const { compared, becameTrusted, stoppedBeingTrusted, changedTrust, appearedStores, vanishedStores } =
    drift;
  const scope =
    compared === 'findings' ? ' Only roots on the blocklist were compared: reports know no others.' : '';
  if (!hasChanges(drift)) return paint.good('Nothing changed.') + scope;
  const roots = `${becameTrusted.length} became trusted, ${stoppedBeingTrusted.length} stopped, ${changedTrust.length} trusted otherwise`;
  const stores = `${count(appearedStores.length, 'store')} appeared, ${vanishedStores.length} vanished`;
  return `Roots: ${roots}. ${stores}.${scope}`;
}
