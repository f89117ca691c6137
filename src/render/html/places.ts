/** Where a certificate is. */

import type { Purpose } from '../../core/trust.ts';
import { isEffective } from '../../report/acceptance.ts';
import type { FindingStatus, Location } from '../../report/report.ts';
import { markup, shown, type Html } from './markup.ts';
import { code, fit, name, restText, type Context } from './pieces.ts';

export const TRUST_WORDS: Readonly<Record<FindingStatus, string>> = {
  trusted: 'trusted',
  embedded: 'built in',
  present: 'held, not trusted',
  deleted: 'deleted later',
  mitigated: 'refused',
};

const PURPOSE_WORDS: Readonly<Record<Purpose, string>> = {
  serverAuth: 'servers',
  clientAuth: 'clients',
  emailProtection: 'e-mail',
  codeSigning: 'code',
  timeStamping: 'time stamps',
};
const ALL_PURPOSES = Object.keys(PURPOSE_WORDS).length;

const MAX_PLACES = 100;
const MAX_PLACES_LENGTH = 200_000;

export function placesList(locations: readonly Location[], context: Context): Html {
  const { shown: places, rest } = fit(
    locations,
    { items: MAX_PLACES, length: MAX_PLACES_LENGTH },
    (location) => placeItem(location, context),
  );
  return markup`<ul class="places">
${places}</ul>
${restText(rest, 'place')}`;
}

function placeItem(location: Location, context: Context): Html {
  const { path, entry, trust, lines, store: id, generatedFrom, expressed, purposes } = location;
  const store = context.stores.get(id);
  const bad = isEffective(trust) && location.waived !== true && location.known !== true;
  const range = lines === undefined ? '' : lines.first === lines.last ? '' : `–${lines.last}`;
  const at = lines === undefined ? '' : `:${lines.first}${range}`;
  const handle = path.endsWith(`/${entry}`) || entry === '' ? undefined : markup` as ${code(entry, 300)}`;
  const facts = [
    store && markup`${name(store.application)}`,
    generatedFrom.length > 0 ? 'a copy that goes with its source' : markup`says ${code(expressed, 200)}`,
    purposes.length > 0 ? `for ${purposesText(purposes)}` : undefined,
    location.waived === true ? 'waived' : undefined,
    location.known === true ? 'known from the baseline' : undefined,
  ].filter((fact) => fact !== undefined);
  return markup`<li><span class="trust ${bad ? 'bad' : 'calm'}">${TRUST_WORDS[trust]}</span>
<div>${code(path + at)}${handle}<br>
<span class="soft">${facts.map((fact, i) => (i === 0 ? fact : markup` · ${fact}`))}</span>${layersText(location, context)}</div></li>
`;
}

function purposesText(purposes: readonly Purpose[]): string {
  if (purposes.length === ALL_PURPOSES) return 'everything';
  return purposes.map((purpose) => PURPOSE_WORDS[purpose]).join(', ');
}

/** "3 places in 2 stores", of those where it is in effect. */
export function placesCount(locations: readonly Location[]): readonly [places: number, stores: number] {
  const effective = locations.filter(({ trust }) => isEffective(trust));
  const counted = effective.length > 0 ? effective : locations;
  return [counted.length, new Set(counted.map(({ store }) => store)).size];
}

function layersText({ layer, deletedIn }: Location, context: Context): Html | undefined {
  if (layer === undefined) return undefined;
  const deleted = deletedIn === undefined ? undefined : markup`; deleted in ${layerText(deletedIn, context)}`;
  return markup`<br><span class="soft">From ${layerText(layer, context)}${deleted}</span>`;
}

function layerText(index: number, { report }: Context): Html {
  const layers = report.target.image?.layers ?? [];
  const createdBy = layers[index]?.createdBy;
  return markup`layer ${index + 1} of ${layers.length}${createdBy === undefined ? '' : markup`: ${code(shown(createdBy, 300))}`}`;
}
