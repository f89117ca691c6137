/** What findings, violations and unrecognised roots look alike in: a card that unfolds, and the facts of a certificate. */

import type { CertificateSummary } from '../../report/report.ts';
import { markup, shown, type Content, type Html } from './markup.ts';
import { code, day, heading, type Context } from './pieces.ts';

interface Card {
  /** Of its edge. */
  readonly tint: string;
  readonly badge: Html;
  readonly title: Content;
  readonly subtitle: Content;
  readonly state: string;
  /** The state is an alarm. */
  readonly alarm: boolean;
  readonly body: Content;
  readonly id?: string;
  readonly severity?: string;
  readonly open?: boolean;
}

export function card(context: Context, { tint, badge, title, subtitle, state, ...rest }: Card): Html {
  const { alarm, body, id, severity, open = false } = rest;
  return markup`<details class="card ${tint}" data-item${severity === undefined ? undefined : markup` data-severity="${severity}"`}${open ? markup` open` : undefined}>
<summary>${badge}
${heading(context, 1, undefined, title)}
<span class="sub">${subtitle}</span>
<span class="trust ${alarm ? 'bad' : 'calm'}">${state}</span></summary>
<div class="body"${id === undefined ? undefined : markup` id="${id}"`}>
${body}</div>
</details>
`;
}

export type Fact = readonly [term: string, value: Content];

export function factList(facts: readonly Fact[]): Html | undefined {
  if (facts.length === 0) return undefined;
  const rows = facts.map(
    ([term, value]) => markup`<div><dt>${term}</dt><dd>${value}</dd></div>
`,
  );
  return markup`<dl class="facts">
${rows}</dl>
`;
}

/** `first` is what is known of it besides. */
export function certificateFacts(certificate: CertificateSummary, first: readonly Fact[]): Html | undefined {
  const { sha256, sha1, spkiSha256, subject, issuer, serialNumber, notBefore, notAfter } = certificate;
  const facts: readonly (Fact | undefined)[] = [
    ...first,
    ['SHA-256', fingerprint(sha256)],
    subject === '' ? undefined : ['Subject', code(subject, 2000)],
    issuer === subject ? undefined : ['Issuer', code(issuer, 2000)],
    notBefore === null && notAfter === null
      ? undefined
      : ['Valid', markup`${day(notBefore)} to ${day(notAfter)}`],
    ['SHA-1', fingerprint(sha1)],
    spkiSha256 === null ? undefined : ['Key SHA-256', fingerprint(spkiSha256)],
    serialNumber === '' ? undefined : ['Serial number', code(serialNumber, 200)],
  ];
  return factList(facts.filter((fact) => fact !== undefined));
}

function fingerprint(digest: string): Html {
  return markup`<code data-copy="fingerprint">${shown(digest, 200)}</code>`;
}

export function acceptedText(accepted: string | undefined): Html | undefined {
  if (accepted === undefined) return undefined;
  return markup`<p class="callout calm"><strong>Accepted:</strong> ${shown(accepted, 2000)}.</p>
`;
}

export function privateKeyText(path: string | undefined): Html | undefined {
  if (path === undefined) return undefined;
  return markup`<p class="callout bad"><strong>Its private key lies on the same disk:</strong> ${code(path)}. Whoever can read that file can pretend to be any site.</p>
`;
}
