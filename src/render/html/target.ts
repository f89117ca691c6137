/** One report: the verdict, the numbers, then section by section what there is. */

import type { Severity } from '../../blocklist/advisory.ts';
import { count, grouped } from '../../core/text.ts';
import type { Report } from '../../report/report.ts';
import { findingsSection } from './findings.ts';
import { markup, shown, type Content, type Html } from './markup.ts';
import { matrixSection } from './matrix.ts';
import { badge, code, type Context, type IdOf } from './pieces.ts';
import { policySection } from './policy.ts';
import { programmesSection } from './programmes.ts';
import { imageSection, notesSection, problemsSection, storesSection } from './stores.ts';
import { timelineSection } from './timeline.ts';
import { unrecognisedSection } from './unrecognised.ts';
import { alarmCounts, failing, firstStep, verdictOf, whoText } from './verdict.ts';

const SUBJECTS: Readonly<Record<string, string>> = {
  live: 'this machine',
  directory: 'this system',
  image: 'this image',
  'disk-image': 'this disk',
};

interface Surroundings {
  readonly prefix: string;
  readonly target: string | undefined;
  readonly level: number;
  readonly share: number;
  readonly least: Severity;
  readonly now: string | undefined;
}

export function contextOf(report: Report, surroundings: Surroundings): Context {
  return {
    ...surroundings,
    report,
    stores: new Map(report.stores.map((store) => [store.id, store])),
    subject: SUBJECTS[report.target.kind] ?? 'this target',
  };
}

/** `headline` says how the sentence of the verdict is put: as the heading of the page, or below that of the target. */
export function targetBody(context: Context, headline: (sentence: string) => Html, tools?: Html): Html {
  const { html: findings, idOf } = findingsSection(context);
  const sections: readonly (readonly [id: string, title: string, html: Html | undefined])[] = [
    ['findings', 'Findings', findings],
    ['policy', 'The policy', policySection(context)],
    ['problems', 'What could not be read', problemsSection(context)],
    ['matrix', 'Which store trusts which root', matrixSection(context, idOf)],
    ['timeline', 'What was distrusted when', timelineSection(context, idOf)],
    ['programmes', 'Who trusts what', programmesSection(context, idOf)],
    ['unrecognised', 'Who put this here?', unrecognisedSection(context)],
    ['image', 'The image', imageSection(context)],
    ['stores', 'Stores', storesSection(context)],
    ['notes', 'Notes', notesSection(context)],
  ];
  const there = sections.filter(([, , html]) => html !== undefined);
  const links = there.map(
    ([id, title]) => markup`<li><a href="#${context.prefix}${id}">${title}</a></li>
`,
  );
  return markup`${verdictBlock(context, idOf, headline)}${numbers(context)}
${links.length > 1 ? contents(links, context) : undefined}${tools}${there.map(([, , html]) => html)}`;
}

function contents(links: readonly Html[], { target }: Context): Html {
  const whose = target === undefined ? '' : `: ${target}`;
  return markup`<nav class="contents" aria-label="Contents${whose}">
<ul>
${links}</ul>
</nav>
`;
}

function verdictBlock(context: Context, idOf: IdOf, headline: (sentence: string) => Html): Html {
  const { tone, label, headline: sentence, explanation } = verdictOf(context);
  const first = firstStep(context, idOf);
  return markup`<div class="verdict ${tone}">
<p class="label">${label}</p>
${headline(sentence)}
<p>${explanation}</p>
${whoText(context, idOf)}${
    first === undefined
      ? undefined
      : markup`<h${context.level} class="minor">What to do first</h${context.level}>
<p>${first}</p>
`
  }</div>
${incompleteText(context)}`;
}

/** What was not read is never a detail. */
function incompleteText({ report, prefix }: Context): Html | undefined {
  if (report.complete) return undefined;
  const problems = count(report.problems.length, 'problem');
  return markup`<p class="callout warn"><strong>Not complete:</strong> not everything could be read, so there may be more than this report shows. <a href="#${prefix}problems">Show the ${problems}</a></p>
`;
}

function numbers(context: Context): Html {
  const { report, prefix } = context;
  const { stores, findings, problems, unrecognised = [] } = report;
  const certificates = stores.reduce((sum, { anchors }) => sum + anchors, 0);
  const violations = failing(report).length;
  const link = (id: string, text: string): Html => markup`<a href="#${prefix}${id}">${text}</a>`;
  const more: readonly (readonly [n: number, label: Content])[] = [
    ...(report.policy ? [[violations, link('policy', 'violations')] as const] : []),
    ...(unrecognised.length > 0
      ? [[unrecognised.length, link('unrecognised', 'unrecognised')] as const]
      : []),
    ...(problems.length > 0 ? [[problems.length, link('problems', 'problems')] as const] : []),
    [stores.length, stores.length > 0 ? link('stores', 'stores') : 'stores'],
    [certificates, 'certificates'],
  ];
  const tiles: readonly (readonly [n: number, label: Content, kind: string])[] = [
    ...alarmCounts(report).map(
      ([severity, n]) => [n, n === 0 ? severity : badge(severity), 'severity'] as const,
    ),
    ...more.map(([n, label]) => [n, label, 'plain'] as const),
  ];
  const listed = findings.length === 0 ? '' : ' Trusted and not accepted:';
  return markup`<p class="sr">In numbers.${listed}</p>
<ul class="tiles">
${tiles.map(
  ([
    n,
    label,
    kind,
  ]) => markup`<li class="${kind}${n === 0 ? ' zero' : ''}"><span class="n">${grouped(n)}</span> ${label}</li>
`,
)}</ul>
`;
}

export function targetName({ target }: Report): string {
  if (target.kind === 'live') return 'This machine';
  return shown(target.image?.name ?? target.reference, 200);
}

/** What was looked at, with what, and when. */
export function outline({ report, now }: Context): Html {
  const { tool, blocklist, target, policy } = report;
  const time = now === undefined ? undefined : `${now.slice(0, 10)} ${now.slice(11, 16)} UTC`;
  const pieces: readonly Content[] = [
    target.kind === 'live' ? 'This machine' : code(targetName(report)),
    shown(target.platform, 40),
    `${shown(tool.name, 60)} ${shown(tool.version, 60)}`,
    `blocklist ${shown(blocklist.version, 60)}`,
    ...(policy && policy.file !== '' ? [markup`policy ${code(policy.file, 200)}`] : []),
    ...(time === undefined ? [] : [time]),
  ];
  return markup`<p class="outline">${pieces.map((piece, i) => (i === 0 ? piece : markup` · ${piece}`))}</p>
`;
}
