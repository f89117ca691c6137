/** Stores × dangerous roots, at one look: which store does what with which root. */

import { count } from '../../core/text.ts';
import { isEffective } from '../../report/acceptance.ts';
import type { FindingStatus, StoreSummary } from '../../report/report.ts';
import { markup, type Html } from './markup.ts';
import {
  badge,
  code,
  fit,
  jsonHint,
  name,
  screenReaderOnly,
  scrolling,
  section,
  type Context,
  type IdOf,
} from './pieces.ts';
import { TRUST_WORDS } from './places.ts';
import { listedRoots, rootLink, type ListedRoot } from './roots.ts';

const MAX_STORES = 100;
const MAX_ROOTS = 50;
const MAX_LENGTH = 2_000_000;

const SIGNS: Readonly<Record<FindingStatus, string>> = {
  trusted: '●',
  embedded: '◆',
  present: '○',
  deleted: '×',
  mitigated: '⊘',
};

const WEIGHT: readonly FindingStatus[] = ['trusted', 'embedded', 'present', 'deleted', 'mitigated'];

interface Column {
  readonly root: ListedRoot;
  /** By the id of the store: what it does with the root. */
  readonly trust: ReadonlyMap<string, FindingStatus>;
}

export function matrixSection(context: Context, idOf: IdOf): Html | undefined {
  const roots = listedRoots(context);
  const columns = roots.slice(0, MAX_ROOTS).map((root): Column => ({ root, trust: trustPerStore(root) }));
  const stores = holders(columns, context);
  if (stores.length === 0) return undefined;
  const { shown: rows } = fit(stores, { items: MAX_STORES, length: MAX_LENGTH * context.share }, (store) =>
    matrixRow(store, columns),
  );
  const table = markup`<table class="grid matrix">
<thead><tr><th scope="col">Store</th>${columns.map(({ root }) => markup`<th scope="col"><span class="upright">${badge(root.severity)} ${rootLink(root, idOf, 36)}</span></th>`)}</tr></thead>
<tbody>
${rows}</tbody>
</table>
`;
  const bare = context.report.stores.length - stores.length;
  return section(context, 'matrix', 'Which store trusts which root', [
    legend(columns),
    scrolling('Table: stores and listed roots', context.target, table),
    bareText(bare),
    restOfMatrix(stores.length - rows.length, roots.length - columns.length),
  ]);
}

function trustPerStore({ locations }: ListedRoot): ReadonlyMap<string, FindingStatus> {
  const trust = new Map<string, FindingStatus>();
  for (const location of locations) {
    const before = trust.get(location.store);
    if (before === undefined || WEIGHT.indexOf(location.trust) < WEIGHT.indexOf(before))
      trust.set(location.store, location.trust);
  }
  return trust;
}

/** Stores that have any of them; those that trust most come first. */
function holders(columns: readonly Column[], { report }: Context): readonly StoreSummary[] {
  const trusted = new Map<string, number>();
  for (const { trust } of columns) {
    for (const [store, status] of trust)
      trusted.set(store, (trusted.get(store) ?? 0) + (isEffective(status) ? 1 : 0));
  }
  return report.stores
    .filter(({ id }) => trusted.has(id))
    .toSorted((a, b) => (trusted.get(b.id) ?? 0) - (trusted.get(a.id) ?? 0));
}

function matrixRow({ id, application, path }: StoreSummary, columns: readonly Column[]): Html {
  const cells = columns.map(({ trust }) => {
    const status = trust.get(id);
    return status === undefined
      ? markup`<td></td>`
      : markup`<td class="${status}"><span aria-hidden="true">${SIGNS[status]}</span>${screenReaderOnly(TRUST_WORDS[status])}</td>`;
  });
  return markup`<tr><th scope="row">${name(application, 44)}${code(pathEnd(path))}</th>${cells}</tr>
`;
}

const MAX_PATH = 40;

/** The end tells more than the beginning. */
function pathEnd(path: string): string {
  const characters = Array.from(path);
  return characters.length <= MAX_PATH ? path : `…${characters.slice(-MAX_PATH).join('')}`;
}

function legend(columns: readonly Column[]): Html {
  const seen = new Set(columns.flatMap(({ trust }) => [...trust.values()]));
  const items = WEIGHT.filter((status) => seen.has(status)).map(
    (
      status,
    ) => markup`<li class="${status}"><span aria-hidden="true">${SIGNS[status]}</span> ${TRUST_WORDS[status]}</li>
`,
  );
  return markup`<ul class="legend">
${items}<li class="soft">empty: not there</li>
</ul>
`;
}

function bareText(bare: number): Html | undefined {
  if (bare <= 0) return undefined;
  return markup`<p class="soft">${count(bare, 'other store has', 'other stores have')} none of them.</p>
`;
}

function restOfMatrix(stores: number, roots: number): Html | undefined {
  const rest = [
    ...(stores > 0 ? [count(stores, 'more store')] : []),
    ...(roots > 0 ? [count(roots, 'more root')] : []),
  ].join(' and ');
  return rest === ''
    ? undefined
    : markup`<p class="rest">Not shown here: ${rest}; ${jsonHint()}.</p>
`;
}
