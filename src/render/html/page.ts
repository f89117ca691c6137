/**
 * The report as one HTML file: nothing is loaded, nothing runs but the script of the page itself, and without that all of it
 * is there to be read.
 */

import type { Report } from '../../report/report.ts';
import type { Renderer } from '../renderer.ts';
import { isAtLeast, targetNamer } from '../shared/words.ts';
import type { Style } from '../style.ts';
import { htmlDocument, toolbar } from './document.ts';
import { markup, type Html } from './markup.ts';
import { badge, fit, restText, scrolling, type Context } from './pieces.ts';
import { contextOf, outline, targetBody, targetName } from './target.ts';
import { alarmCounts, verdictOf } from './verdict.ts';

/** With more, no browser is quick, and nobody reads on. */
const MAX_TARGETS = 100;
const MAX_INDEX = 1000;

export const renderer: Renderer<'reports'> = {
  reports(reports, style) {
    const all = [...reports];
    const [only] = all;
    return [only && all.length === 1 ? pageOfOne(only, style) : pageOfMany(all, style)];
  },
};

function contextFor(report: Report, { failOn = 'medium', now }: Style, place: Place): Context {
  return contextOf(report, { ...place, now, least: isAtLeast(failOn, 'medium') ? 'medium' : failOn });
}

type Place = Pick<Context, 'prefix' | 'target' | 'level' | 'share'>;

function pageOfOne(report: Report, style: Style): string {
  const context = contextFor(report, style, { prefix: '', target: undefined, level: 2, share: 1 });
  const body = targetBody(context, (sentence) => markup`<h1>${sentence}</h1>`, toolbar());
  const { headline } = verdictOf(context);
  return htmlDocument({
    title: `${headline} ${targetName(report)}, rootaudit`,
    header: outline(context),
    main: body,
  });
}

function pageOfMany(reports: readonly Report[], style: Style): string {
  const full = reports.slice(0, MAX_TARGETS);
  const nameOf = targetNamer('This machine');
  const contexts = reports.map((report, i) =>
    contextFor(report, style, {
      prefix: `t${i + 1}-`,
      target: nameOf(report),
      level: 3,
      share: 1 / full.length,
    }),
  );
  const bad = contexts.filter((context) => verdictOf(context).tone === 'bad').length;
  const headline =
    bad === 0
      ? `None of ${reports.length} targets raises an alarm.`
      : `${bad} of ${reports.length} targets ${bad === 1 ? 'needs' : 'need'} something done.`;
  const sections = contexts.slice(0, full.length).map(targetSection);
  return htmlDocument({
    title: `${headline} rootaudit`,
    header: undefined,
    main: markup`<h1>${headline}</h1>
${targetIndex(contexts, full.length)}${toolbar()}${sections}${restText(reports.length - full.length, 'target')}`,
  });
}

function targetSection(context: Context): Html {
  const id = `${context.prefix}target`;
  return markup`<section class="target" aria-labelledby="${id}">
<h2 id="${id}"><bdi>${context.target}</bdi></h2>
${outline(context)}${targetBody(context, (sentence) => markup`<p class="headline">${sentence}</p>`)}</section>
`;
}

function targetIndex(contexts: readonly Context[], full: number): Html {
  const { shown: rows, rest } = fit(contexts, { items: MAX_INDEX }, (context, i) => {
    const { tone, label, headline } = verdictOf(context);
    const name = markup`<bdi>${context.target}</bdi>`;
    const link = i < full ? markup`<a href="#${context.prefix}target">${name}</a>` : name;
    const counts = alarmCounts(context.report)
      .filter(([, n]) => n > 0)
      .map(([severity, n]) => markup`<span class="tally">${n} ${badge(severity)}</span> `);
    const complete = context.report.complete ? 'complete' : 'not complete';
    return markup`<tr data-item><th scope="row">${link}</th><td><span class="trust ${tone}">${label}</span> ${headline}</td><td>${counts}</td><td class="${context.report.complete ? 'read' : 'malformed'}">${complete}</td></tr>
`;
  });
  const table = markup`<table class="grid index">
<thead><tr><th scope="col">Target</th><th scope="col">Verdict</th><th scope="col">Alarms</th><th scope="col">Read</th></tr></thead>
<tbody>
${rows}</tbody>
</table>
`;
  return markup`<nav aria-labelledby="targets"><h2 id="targets">Targets</h2>
${scrolling('Table: targets', undefined, table)}
${restText(rest, 'target')}</nav>
`;
}
