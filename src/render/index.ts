/** The output formats. One line each; loaded when asked for. */

import type { Renderer, Subject } from './renderer.ts';

interface OutputFormat {
  /** Read by programs: never coloured, the same for the same data. */
  readonly machine: boolean;
  /** What it can render. */
  readonly supports: readonly Subject[];
  readonly load: () => Promise<Partial<Renderer>>;
}

/** What is said to be supported is what the renderer has: the compiler sees to it. */
function format<Kind extends Subject>(
  audience: 'people' | 'machines',
  supports: readonly Kind[],
  load: () => Promise<Renderer<Kind>>,
): OutputFormat {
  return { machine: audience === 'machines', supports, load };
}

// prettier-ignore
const RENDERERS = {
  table: format('people', ['reports', 'inventory', 'explanations', 'drift'], async () => (await import('./table.ts')).renderer),
  markdown: format('people', ['reports'], async () => (await import('./markdown.ts')).renderer),
  html: format('people', ['reports'], async () => (await import('./html/page.ts')).renderer),
  json: format('machines', ['reports', 'inventory', 'explanations', 'drift'], async () => (await import('./json.ts')).renderer),
  ndjson: format('machines', ['reports', 'inventory'], async () => (await import('./ndjson.ts')).renderer),
  csv: format('machines', ['reports', 'inventory'], async () => (await import('./csv.ts')).renderer),
  sarif: format('machines', ['reports'], async () => (await import('./sarif.ts')).renderer),
  junit: format('machines', ['reports'], async () => (await import('./junit.ts')).renderer),
  cyclonedx: format('machines', ['reports', 'inventory'], async () => (await import('./cyclonedx.ts')).renderer),
  prometheus: format('machines', ['reports'], async () => (await import('./prometheus.ts')).renderer),
} satisfies Record<string, OutputFormat>;

export type Format = keyof typeof RENDERERS;

export function allFormats(): readonly Format[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its own keys
  return Object.keys(RENDERERS) as readonly Format[];
}

/** The formats that there are of a subject. */
export function formatsFor(subject: Subject): readonly Format[] {
  return allFormats().filter((format) => RENDERERS[format].supports.includes(subject));
}

export function isMachineFormat(format: Format): boolean {
  return RENDERERS[format].machine;
}

export async function loadRenderer<Kind extends Subject>(
  format: Format,
  subject: Kind,
): Promise<NonNullable<Renderer[Kind]>> {
  const renderer = await RENDERERS[format].load();
  const render = renderer[subject];
  if (render === undefined) throw new RangeError(`no ${subject} as ${format}`);
  return render;
}
