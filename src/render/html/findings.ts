/** Each finding in full: the story, the fingerprints, where it is, how it leaves, who distrusts it. */

import { count } from '../../core/text.ts';
import { isEffective } from '../../report/acceptance.ts';
import type { CertificateSummary, Finding } from '../../report/report.ts';
import { acceptance, MATCH_WORDS } from '../shared/words.ts';
import { markup, shown, type Content, type Html } from './markup.ts';
import {
  badge,
  code,
  day,
  fit,
  heading,
  reference,
  restText,
  rootName,
  section,
  type Context,
} from './pieces.ts';
import { placesCount, placesList, TRUST_WORDS } from './places.ts';
import { programmeLines } from './programmes.ts';
import { removalBlocks } from './removal.ts';
import { isLoud } from './verdict.ts';

export const MAX_FINDINGS = 500;
const MAX_LENGTH = 12_000_000;
/** So many are open from the start: what must be read first. */
const MAX_OPEN = 3;

/** Where a finding is on the page. */
export function findingId({ prefix }: Pick<Context, 'prefix'>, index: number): string {
  return `${prefix}f${index + 1}`;
}

export function findingsSection(context: Context): Html | undefined {
  const { findings } = context.report;
  if (findings.length === 0) return undefined;
  let open = 0;
  let quiet = false;
  const { shown: cards, rest } = fit(
    inOrder(context),
    { items: MAX_FINDINGS, length: MAX_LENGTH * context.share },
    ({ finding, index }) => {
      const loud = isLoud(finding, context);
      const isOpen = loud && open++ < MAX_OPEN;
      const divider = !loud && !quiet ? quietDivider(context) : undefined;
      quiet ||= !loud;
      return markup`${divider}${findingCard(finding, index, isOpen, context)}`;
    },
  );
  const title = markup`Findings <span class="count">${count(findings.length, 'root')}</span>`;
  return section(context, 'findings', title, [cards, restText(rest, 'finding')]);
}

/** Alarms first; otherwise as the report has them. */
export function inOrder(
  context: Context,
): readonly { readonly finding: Finding; readonly index: number }[] {
  const all = context.report.findings.map((finding, index) => ({ finding, index }));
  return [
    ...all.filter(({ finding }) => isLoud(finding, context)),
    ...all.filter(({ finding }) => !isLoud(finding, context)),
  ];
}

function quietDivider(context: Context): Html {
  return markup`${heading(context, 1, undefined, 'Listed, but no alarm')}
<p class="soft">Of little weight, held without being trusted, waived, or known from the baseline.</p>
`;
}

function findingCard(finding: Finding, index: number, open: boolean, context: Context): Html {
  const { severity, status, certificate, title, summary, locations } = finding;
  const tint = isEffective(status) && isLoud(finding, context) ? 'bad' : 'calm';
  return markup`<details class="card ${severity}" data-item data-severity="${severity}"${open ? markup` open` : undefined}>
<summary>${badge(severity)}
<span class="title">${heading(context, 1, undefined, rootName(certificate))}
<span class="soft">${shown(title, 200)}</span></span>
<span class="trust ${tint}">${statusText(finding)}</span></summary>
<div class="body" id="${findingId(context, index)}">
<p class="story">${shown(summary, 3000)}</p>
${warnings(finding)}${certificateFacts(certificate, [
    ['Recognised', whyText(finding)],
    ['Advisory', markup`${code(finding.advisory)} <span class="soft">${finding.category}; <code>rootaudit explain</code> tells the whole story</span>`],
    ...programmeLines(finding),
  ])}${heading(context, 2, undefined, locations.length === 1 ? 'Where it is' : `Where it is: ${count(locations.length, 'place')}`)}
${placesList(locations, context)}${removal(finding, context)}${referencesText(finding, context)}</div>
</details>
`;
}

function statusText({ status, locations }: Finding): string {
  const [places, stores] = placesCount(locations);
  const where = places === stores ? count(stores, 'store') : `${count(places, 'place')}, ${count(stores, 'store')}`;
  return `${TRUST_WORDS[status]} · ${where}`;
}

function whyText({ match, confidence }: Finding): string {
  return `${MATCH_WORDS[match]}${confidence ? `, confidence ${confidence}` : ''}`;
}

function warnings(finding: Pick<Finding, 'privateKey' | 'waiver' | 'known'>): Html {
  const accepted = acceptance(finding);
  return markup`${privateKeyText(finding)}${
    accepted === undefined
      ? undefined
      : markup`<p class="callout calm"><strong>Accepted:</strong> ${shown(accepted, 2000)}.</p>
`
  }`;
}

export function privateKeyText({ privateKey }: Pick<Finding, 'privateKey'>): Html | undefined {
  if (privateKey === undefined) return undefined;
  return markup`<p class="callout bad"><strong>Its private key lies on the same disk:</strong> ${code(privateKey)}. Whoever can read that file can pretend to be any site.</p>
`;
}

/** A description list of the certificate; `more` comes first. */
export function certificateFacts(
  { sha256, sha1, spkiSha256, subject, issuer, serialNumber, notBefore, notAfter }: CertificateSummary,
  more: readonly (readonly [string, Content])[],
): Html {
  const copied = (digest: string): Html => markup`<code data-copy="fingerprint">${shown(digest, 200)}</code>`;
  const facts: readonly (readonly [string, Content])[] = [
    ...more,
    ['SHA-256', copied(sha256)],
    ...(subject === '' ? [] : [['Subject', code(subject, 2000)] as const]),
    ...(issuer === subject ? [] : [['Issuer', code(issuer, 2000)] as const]),
    ...(notBefore === null && notAfter === null
      ? []
      : [['Valid', markup`${day(notBefore)} to ${day(notAfter)}`] as const]),
    ['SHA-1', copied(sha1)],
    ...(spkiSha256 === null ? [] : [['Key SHA-256', copied(spkiSha256)] as const]),
    ...(serialNumber === '' ? [] : [['Serial number', code(serialNumber, 200)] as const]),
  ];
  return markup`<dl class="facts">
${facts.map(
  ([term, value]) => markup`<div><dt>${term}</dt><dd>${value}</dd></div>
`,
)}</dl>
`;
}

function removal(finding: Finding, context: Context): Html | undefined {
  const { status, remediations, stillShippedBy } = finding;
  if (!isEffective(status)) return undefined;
  if (remediations.length > 0) return removalBlocks(remediations, context);
  if (stillShippedBy.length === 0) return undefined;
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
