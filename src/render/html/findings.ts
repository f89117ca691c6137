/** Each finding in full: the story, the fingerprints, where it is, how it leaves, who distrusts it. */

import { count } from '../../core/text.ts';
import { isEffective } from '../../report/acceptance.ts';
import type { Finding } from '../../report/report.ts';
import { acceptance, MATCH_WORDS } from '../shared/words.ts';
import { acceptedText, card, certificateFacts, privateKeyText } from './card.ts';
import { markup, shown, type Html } from './markup.ts';
import {
  badge,
  code,
  fit,
  heading,
  reference,
  restText,
  rootName,
  section,
  type Context,
  type IdOf,
} from './pieces.ts';
import { placesCount, placesList, TRUST_WORDS } from './places.ts';
import { programmeLines } from './programmes.ts';
import { removalBlocks } from './removal.ts';
import { findingsInOrder } from './roots.ts';
import { isLoud } from './verdict.ts';

const MAX_FINDINGS = 500;
const MAX_LENGTH = 12_000_000;
/** So many are open from the start: what must be read first. */
const MAX_OPEN = 3;
const MAX_UNFOLDED = 5;

interface FindingsSection {
  readonly html: Html | undefined;
  readonly idOf: IdOf;
}

export function findingsSection(context: Context): FindingsSection {
  const findings = findingsInOrder(context);
  if (findings.length === 0) return { html: undefined, idOf: () => undefined };
  const loud = findings.filter((finding) => isLoud(finding, context)).length;
  const idAt = (index: number): string => `${context.prefix}f${index + 1}`;
  const { shown: cards, rest } = fit(
    findings,
    { items: MAX_FINDINGS, length: MAX_LENGTH * context.share },
    (finding, i) => findingCard(finding, idAt(i), i < MAX_OPEN, context),
  );
  const ids = new Map(findings.slice(0, cards.length).map((finding, i) => [finding, idAt(i)]));
  const title = markup`Findings <span class="count">${count(findings.length, 'root')}</span>`;
  return {
    html: section(context, 'findings', title, [
      cards.slice(0, loud),
      quietGroup(cards.slice(loud), loud),
      restText(rest, 'finding'),
    ]),
    idOf: (finding) => ids.get(finding),
  };
}

/** Many, on most machines: they must not bury what follows. */
function quietGroup(cards: readonly Html[], loud: number): Html | undefined {
  if (cards.length === 0) return undefined;
  const what = loud === 0 ? 'listed' : 'more listed';
  return markup`<details class="quiet"${cards.length <= MAX_UNFOLDED ? markup` open` : undefined}><summary>${count(cards.length, `${what} root`)}, but no alarm</summary>
<p class="soft">Of little weight, held without being trusted, accepted by the policy, or known from the baseline.</p>
${cards}</details>
`;
}

function findingCard(finding: Finding, id: string, among: boolean, context: Context): Html {
  const { severity, certificate, title, summary, locations } = finding;
  const alarm = isLoud(finding, context);
  const places = locations.length === 1 ? '' : `: ${count(locations.length, 'place')}`;
  return card(context, {
    tint: alarm ? severity : 'info',
    badge: badge(severity),
    title: rootName(certificate),
    subtitle: shown(title, 200),
    state: stateText(finding),
    alarm,
    id,
    severity,
    open: among && alarm,
    body: [
      markup`<p class="story">${shown(summary, 3000)}</p>
`,
      privateKeyText(finding.privateKey),
      acceptedText(acceptance(finding)),
      certificateFacts(certificate, [
        ['Recognised', whyText(finding)],
        ['Advisory', advisoryText(finding)],
        ...programmeLines(finding),
      ]),
      heading(context, 2, undefined, `Where it is${places}`),
      placesList(locations, context),
      removal(finding, context),
      referencesText(finding, context),
    ],
  });
}

function stateText({ status, locations, waiver, known }: Finding): string {
  const [places, stores] = placesCount(locations);
  const where =
    places === stores ? count(stores, 'store') : `${count(places, 'place')} in ${count(stores, 'store')}`;
  const state = waiver ? 'waived' : known === true ? 'known' : TRUST_WORDS[status];
  return `${state} · ${where}`;
}

function whyText({ match, confidence }: Finding): string {
  return `${MATCH_WORDS[match]}${confidence ? `, confidence ${confidence}` : ''}`;
}

function advisoryText({ advisory }: Finding): Html {
  return markup`${code(advisory, 200)} <span class="soft">(<code>rootaudit explain</code> tells the whole story)</span>`;
}

function removal(finding: Finding, context: Context): Html | undefined {
  const { status, remediations, stillShippedBy } = finding;
  if (remediations.length > 0) return removalBlocks(remediations, context);
  if (!isEffective(status) || stillShippedBy.length === 0) return undefined;
  return markup`<p class="callout calm">Clean systems ship this root, so no removal is suggested; <code>--remove-shipped</code> prints the commands.</p>
`;
}

const MAX_REFERENCES = 20;

function referencesText({ references }: Finding, context: Context): Html | undefined {
  if (references.length === 0) return undefined;
  const { shown: links, rest } = fit(
    references,
    { items: MAX_REFERENCES },
    (address) => markup`<li>${reference(address)}</li>
`,
  );
  return markup`${heading(context, 2, undefined, 'Read more')}
<ul class="links">
${links}</ul>
${restText(rest, 'reference')}`;
}
