/** What was read and what was not: problems, stores, layers of an image, notes. */

import { count } from '../../core/text.ts';
import type { Problem } from '../../core/errors.ts';
import type { StoreSummary } from '../../report/report.ts';
import { markup, shown, type Html } from './markup.ts';
import { code, fit, name, restText, scrolling, section, type Context } from './pieces.ts';

const MAX_PROBLEMS = 200;
const MAX_STORES = 1000;
const MAX_NOTES = 200;
const MAX_LAYERS = 200;
const MAX_LENGTH = 2_000_000;

export function problemsSection(context: Context): Html | undefined {
  const { problems, complete } = context.report;
  if (problems.length === 0 && complete) return undefined;
  const { shown: items, rest } = fit(
    problems,
    { items: MAX_PROBLEMS, length: MAX_LENGTH * context.share },
    problemItem,
  );
  const title = markup`What could not be read <span class="count">${count(problems.length, 'problem')}</span>`;
  return section(context, 'problems', title, [
    markup`<p>Listed roots may be in there, unseen.</p>
<ul class="problems">
${items}</ul>
`,
    restText(rest, 'problem'),
  ]);
}

function problemItem({ path, message, line, offset }: Problem): Html {
  const where = line === undefined ? (offset === undefined ? '' : ` at byte ${offset}`) : `:${line}`;
  return markup`<li data-item>${code(path)}${where}<br>${shown(message, 2000)}</li>
`;
}

const STATUS_WORDS: Readonly<Record<StoreSummary['status'], string>> = {
  read: 'read',
  malformed: 'read in part',
  unreadable: 'not readable',
};

export function storesSection(context: Context): Html | undefined {
  const { stores, findings } = context.report;
  if (stores.length === 0) return undefined;
  const { shown: rows, rest } = fit(
    stores,
    { items: MAX_STORES, length: MAX_LENGTH * context.share },
    storeRow,
  );
  const table = markup`<table class="grid stores">
<thead><tr><th scope="col">Store</th><th scope="col">Format</th><th scope="col">For</th><th scope="col" class="number">Certificates</th><th scope="col" class="number">Trusted</th><th scope="col">State</th></tr></thead>
<tbody>
${rows}</tbody>
</table>
`;
  const title = markup`Stores <span class="count">${count(stores.length, 'store')}</span>`;
  return section(context, 'stores', title, [
    markup`<details class="plain"${findings.length === 0 ? markup` open` : undefined}><summary>Every store that was found</summary>
${scrolling('Table: stores', context.target, table)}
${restText(rest, 'store')}</details>
`,
  ]);
}

function storeRow({ application, path, format, scope, user, anchors, trusted, status }: StoreSummary): Html {
  const whose = user === undefined ? scope : markup`${scope}: ${name(user, 60)}`;
  return markup`<tr data-item><th scope="row">${name(application, 120)}<br>${code(path, 400)}</th><td>${shown(format, 60)}</td><td>${whose}</td><td class="number">${anchors}</td><td class="number">${trusted}</td><td class="${status}">${STATUS_WORDS[status]}</td></tr>
`;
}

export function imageSection(context: Context): Html | undefined {
  const { image } = context.report.target;
  if (image === undefined) return undefined;
  const { shown: layers, rest } = fit(
    image.layers,
    { items: MAX_LAYERS },
    ({
      digest,
      createdBy,
    }) => markup`<li>${createdBy === undefined ? undefined : markup`${code(createdBy, 1000)}<br>`}<span class="soft">${code(digest, 100)}</span></li>
`,
  );
  const facts = [
    ['Name', image.name],
    ['Digest', image.digest],
    ['Platform', image.platform],
  ] as const;
  return section(context, 'image', 'The image', [
    markup`<dl class="facts">
${facts.map(([term, value]) =>
  value === undefined
    ? undefined
    : markup`<div><dt>${term}</dt><dd>${code(value)}</dd></div>
`,
)}</dl>
`,
    layers.length === 0
      ? undefined
      : markup`<details class="plain"><summary>${count(image.layers.length, 'layer')}, the lowest first</summary>
<ol class="layers">
${layers}</ol>
${restText(rest, 'layer')}</details>
`,
  ]);
}

export function notesSection(context: Context): Html | undefined {
  const { notes, stores } = context.report;
  const all = [
    ...notes.map((note) => ({ note, application: undefined })),
    ...stores.flatMap((store) => store.notes.map((note) => ({ note, application: store.application }))),
  ];
  if (all.length === 0) return undefined;
  const { shown: items, rest } = fit(
    all,
    { items: MAX_NOTES, length: MAX_LENGTH * context.share },
    ({
      note,
      application,
    }) => markup`<li>${application === undefined ? undefined : markup`${name(application)}: `}${shown(note, 2000)}</li>
`,
  );
  return section(context, 'notes', 'Notes', [
    markup`<ul>
${items}</ul>
`,
    restText(rest, 'note'),
  ]);
}
