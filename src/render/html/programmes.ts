/** Who trusts what per programme: a row for each root, a column for each root programme. */

import type { Distrust } from '../../blocklist/advisory.ts';
import type { Finding } from '../../report/report.ts';
import { markup, shown, type Content, type Html } from './markup.ts';
import {
  badge,
  day,
  restText,
  screenReaderOnly,
  scrolling,
  section,
  type Context,
  type IdOf,
} from './pieces.ts';
import { TRUST_WORDS } from './places.ts';
import { listedRoots, rootLink, type ListedRoot } from './roots.ts';

export type Step = NonNullable<Finding['distrustedBy']>[number];

const PROGRAMMES: Readonly<Record<string, string>> = {
  mozilla: 'Mozilla',
  chrome: 'Chrome',
  apple: 'Apple',
  microsoft: 'Microsoft',
  java: 'Java',
  android: 'Android',
  'windows-required': 'Windows itself',
  'windows-builtin': 'Windows, built in',
};

const ACTIONS: Readonly<Record<Distrust['action'], string>> = {
  removed: 'removed',
  disabled: 'disabled',
  distrusted: 'distrusted',
  blocked: 'blocked',
  revoked: 'revoked',
  'known-interception': 'marked as interception',
  'date-limited': 'limited by date',
  'purpose-limited': 'limited in purpose',
};

function programmeName(program: string): string {
  return Object.hasOwn(PROGRAMMES, program) ? (PROGRAMMES[program] ?? program) : shown(program, 60);
}

function actionWords(action: Distrust['action']): string {
  return ACTIONS[action];
}

/** It still trusts something of the root, if only what was issued before a day. */
export function isPartial({ action }: Step): boolean {
  return action === 'date-limited' || action === 'purpose-limited';
}

/** By day; what has none comes last. */
export function inTime(steps: readonly Step[]): readonly Step[] {
  return steps.toSorted((a, b) => compare(a.date ?? '~', b.date ?? '~') || compare(a.program, b.program));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const MAX_STEPS = 40;
const MAX_PROGRAMMES = 12;

/** For the facts of a finding. */
export function programmeLines({
  distrustedBy = [],
  stillShippedBy,
}: Finding): readonly (readonly [string, Content])[] {
  const steps = inTime(distrustedBy).slice(0, MAX_STEPS);
  return [
    ...(steps.length === 0
      ? []
      : [
          [
            'Distrusted by',
            markup`<ul class="steps">${steps.map((step) => markup`<li>${stepText(step)}</li>`)}</ul>`,
          ] as const,
        ]),
    ...(stillShippedBy.length === 0
      ? []
      : [
          [
            'Still shipped by',
            stillShippedBy.slice(0, MAX_PROGRAMMES).map(programmeName).join(', '),
          ] as const,
        ]),
  ];
}

export function stepText(step: Step): Html {
  return markup`${programmeName(step.program)}: ${actionWords(step.action)}${step.date === null ? markup` <span class="soft">(day unknown)</span>` : markup` ${day(step.date)}`}`;
}

const MAX_ROWS = 200;

/** Nothing when the report does not know of any programme. */
export function programmesSection(context: Context, idOf: IdOf): Html | undefined {
  const roots = listedRoots(context);
  const programmes = programmesOf(roots);
  if (programmes.length === 0) return undefined;
  const rows = roots.slice(0, MAX_ROWS).map((root) => programmeRow(root, programmes, idOf));
  const table = markup`<table class="grid programmes">
<thead><tr><th scope="col">Root</th><th scope="col">Here</th>${programmes.map((program) => markup`<th scope="col">${programmeName(program)}</th>`)}</tr></thead>
<tbody>
${rows}</tbody>
</table>
`;
  return section(context, 'programmes', 'Who trusts what', [
    markup`<p class="soft">What each root programme made of the listed roots. A dash means that the list knows nothing of it, as where the root never was part of the programme.</p>
`,
    scrolling('Table: who trusts what', context.target, table),
    restText(roots.length - rows.length, 'root'),
  ]);
}

function programmesOf(roots: readonly ListedRoot[]): readonly string[] {
  const named = roots.flatMap(({ findings }) =>
    findings.flatMap(({ distrustedBy = [], stillShippedBy }) => [
      ...stillShippedBy,
      ...distrustedBy.map(({ program }) => program),
    ]),
  );
  const known = Object.keys(PROGRAMMES);
  const rank = (program: string): number => (known.indexOf(program) + known.length + 1) % (known.length + 1);
  return [...new Set(named)].toSorted((a, b) => rank(a) - rank(b) || compare(a, b)).slice(0, MAX_PROGRAMMES);
}

function programmeRow(root: ListedRoot, programmes: readonly string[], idOf: IdOf): Html {
  const [first] = root.findings;
  const cells = programmes.map((program) => {
    const ships = root.findings.some(({ stillShippedBy }) => stillShippedBy.includes(program));
    const steps = inTime(stepsOf(root).filter((step) => step.program === program));
    return programmeCell(ships, steps);
  });
  const status = first?.status ?? 'present';
  return markup`<tr><th scope="row">${badge(root.severity)} ${rootLink(root, idOf, 60)}</th><td class="here ${status}">${TRUST_WORDS[status]}</td>${cells}</tr>
`;
}

/** Each once, although several advisories may tell of it. */
export function stepsOf({ findings }: ListedRoot): readonly Step[] {
  const steps = findings.flatMap(({ distrustedBy = [] }) => distrustedBy);
  return [...new Map(steps.map((step) => [`${step.program} ${step.action} ${step.date}`, step])).values()];
}

function programmeCell(ships: boolean, steps: readonly Step[]): Html {
  if (!ships && steps.length === 0)
    return markup`<td class="none"><span aria-hidden="true">–</span>${screenReaderOnly('not known')}</td>`;
  const lines = [
    ...(ships ? [markup`<span class="ships">ships it</span>`] : []),
    ...steps
      .slice(0, MAX_STEPS)
      .map(
        (step) =>
          markup`<span class="${isPartial(step) ? 'partial' : 'gone'}">${actionWords(step.action)}${step.date === null ? undefined : markup` ${day(step.date)}`}</span>`,
      ),
  ];
  return markup`<td>${lines.map((line, i) => (i === 0 ? line : markup`<br>${line}`))}</td>`;
}
