/**
 * What was distrusted when: a line for each root, with its validity and the days on which programmes took trust from it. The
 * picture is for the eye only; beside it stands the same in words.
 */

import { count } from '../../core/text.ts';
import type { Finding } from '../../report/report.ts';
import { properDate } from '../shared/words.ts';
import { markup, type Html } from './markup.ts';
import { badge, restText, section, type Context, type IdOf } from './pieces.ts';
import { inTime, isPartial, stepsOf, stepText, type Step } from './programmes.ts';
import { isLoud } from './verdict.ts';
import { listedRoots, rootLink, type ListedRoot } from './roots.ts';

const MAX_ROWS = 200;
const YEAR = 365.2425 * 24 * 3600 * 1000;
/** There was no root programme before, and a certificate may claim any year. */
const EARLIEST = Date.UTC(1995, 0);

interface Axis {
  readonly start: number;
  readonly end: number;
  /** Undefined where nobody says when the report was written. */
  readonly now: number | undefined;
}

interface Line {
  readonly root: ListedRoot;
  readonly steps: readonly Step[];
  /** Days of the steps, each once, in order. */
  readonly days: readonly { readonly time: number; readonly partial: boolean }[];
}

export function timelineSection(context: Context, idOf: IdOf): Html | undefined {
  const roots = listedRoots(context);
  const lines = roots
    .map(lineOf)
    .filter(({ days }) => days.length > 0)
    .toSorted(byFirstDay);
  if (lines.length === 0) return undefined;
  const axis = axisOf(lines, context.now);
  const loud = lines.filter(({ root }) => root.findings.some((finding) => isLoud(finding, context)));
  const quiet = lines.filter((line) => !loud.includes(line));
  const undated = roots.length - lines.length;
  return section(context, 'timeline', 'What was distrusted when', [
    markup`<ul class="legend">
<li><span class="key valid" aria-hidden="true"></span> the certificate is valid</li>
<li><span class="key late" aria-hidden="true"></span> trusted here although a programme took trust from it</li>
<li><span class="key gone" aria-hidden="true"></span> trust taken away</li>
<li><span class="key partial" aria-hidden="true"></span> limited</li>
</ul>
`,
    lineList(loud, axis, idOf),
    quietLines(quiet, loud.length, axis, idOf),
    undated === 0
      ? undefined
      : markup`<p class="soft">For ${undated} of ${roots.length} roots no day is known.</p>
`,
  ]);
}

function lineList(lines: readonly Line[], axis: Axis, idOf: IdOf): Html | undefined {
  if (lines.length === 0) return undefined;
  const items = lines.slice(0, MAX_ROWS).map(
    (line) => markup`<li><div class="what">${badge(line.root.severity)} ${rootLink(line.root, idOf, 60)}</div>
${bar(line, axis)}
<ul class="steps">${line.steps.map((step) => markup`<li>${stepText(step)}</li>`)}</ul></li>
`,
  );
  return markup`${axisRow(axis)}
<ol class="timeline">
${items}</ol>
${restText(lines.length - items.length, 'root')}`;
}

/** Roots that were merely retired are many. */
function quietLines(lines: readonly Line[], loud: number, axis: Axis, idOf: IdOf): Html | undefined {
  const list = lineList(lines, axis, idOf);
  if (list === undefined || loud === 0) return list;
  return markup`<details class="plain"><summary>${count(lines.length, 'more root')} that ${lines.length === 1 ? 'is' : 'are'} no alarm</summary>
${list}</details>
`;
}

function lineOf(root: ListedRoot): Line {
  const steps = inTime(stepsOf(root));
  const days = new Map<number, boolean>();
  for (const step of steps) {
    const time = timeOf(step.date);
    if (time !== undefined) days.set(time, (days.get(time) ?? true) && isPartial(step));
  }
  return { root, steps, days: Array.from(days, ([time, partial]) => ({ time, partial })) };
}

function timeOf(date: string | null): number | undefined {
  if (date === null || !/^\d{4}-\d\d-\d\d/.test(date)) return undefined;
  const time = Date.parse(properDate(date.length === 10 ? `${date}T00:00:00Z` : date) ?? '');
  return Number.isNaN(time) || time < EARLIEST ? undefined : time;
}

function byFirstDay(a: Line, b: Line): number {
  return (a.days[0]?.time ?? 0) - (b.days[0]?.time ?? 0);
}

function axisOf(lines: readonly Line[], written: string | undefined): Axis {
  const days = lines.flatMap((line) => line.days.map(({ time }) => time));
  const begins = lines.flatMap(({ root }) => timeOf(root.certificate.notBefore) ?? []);
  const now = timeOf(written ?? null);
  const newest = Math.max(...days, now ?? 0);
  const oldest = Math.max(EARLIEST, Math.min(...days, ...begins));
  return { start: yearOf(oldest), end: Math.max(yearOf(newest) + YEAR, newest + YEAR / 4), now };
}

function yearOf(time: number): number {
  return Date.UTC(new Date(time).getUTCFullYear(), 0);
}

/** Percent from the left. */
function at(time: number, { start, end }: Axis): number {
  const share = (time - start) / (end - start);
  return Math.round(Math.min(1, Math.max(0, share)) * 10_000) / 100;
}

const MAX_LABELS = 6;

function axisRow(axis: Axis): Html {
  const first = new Date(axis.start).getUTCFullYear();
  const last = new Date(axis.end).getUTCFullYear();
  const step = [1, 2, 5, 10, 20].find((each) => (last - first) / each < MAX_LABELS) ?? 50;
  const years: number[] = [];
  for (let year = Math.ceil(first / step) * step; year <= last; year += step) years.push(year);
  const labels = years
    .map((year) => ({ year, x: at(Date.UTC(year, 0), axis) }))
    .filter(({ x }) => x < 92)
    .map(
      ({ year, x }) =>
        markup`<text x="${x}%" dx="3" y="13">${year}</text><line x1="${x}%" x2="${x}%" y1="0" y2="18"/>`,
    );
  return markup`<svg class="axis" aria-hidden="true" focusable="false" width="100%" height="18">${labels}</svg>`;
}

function bar({ root, days }: Line, axis: Axis): Html {
  const { certificate, findings, severity } = root;
  const begin = at(timeOf(certificate.notBefore) ?? axis.start, axis);
  const end = at(timeOf(certificate.notAfter) ?? axis.end, axis);
  const gone = days.find(({ partial }) => !partial);
  const until = Math.min(axis.now ?? axis.end, timeOf(certificate.notAfter) ?? axis.end);
  const late = gone && isTrusted(findings) ? ([at(gone.time, axis), at(until, axis)] as const) : undefined;
  return markup`<svg class="bar" aria-hidden="true" focusable="false" width="100%" height="24">${[
    markup`<rect class="track" x="0" y="11" width="100%" height="2"/>`,
    end > begin
      ? markup`<rect class="valid" x="${begin}%" y="8" width="${width(begin, end)}%" height="8" rx="2"/>`
      : undefined,
    late && late[1] > late[0]
      ? markup`<rect class="late ${severity}" x="${late[0]}%" y="8" width="${width(...late)}%" height="8"/>`
      : undefined,
    axis.now === undefined
      ? undefined
      : markup`<line class="now" x1="${at(axis.now, axis)}%" x2="${at(axis.now, axis)}%" y1="0" y2="24"/>`,
    days.map(
      ({ time, partial }) =>
        markup`<circle class="${partial ? 'partial' : 'gone'}" cx="${at(time, axis)}%" cy="12" r="5"/>`,
    ),
  ]}</svg>`;
}

function width(from: number, to: number): number {
  return Math.round((to - from) * 100) / 100;
}

function isTrusted(findings: readonly Finding[]): boolean {
  return findings.some(({ status }) => status === 'trusted');
}
