/** Small pieces of the page that many sections use. */

import type { Severity } from '../../blocklist/advisory.ts';
import { count } from '../../core/text.ts';
import type { Finding, Report, StoreSummary } from '../../report/report.ts';
import { shortName } from '../shared/words.ts';
import { markup, shown, type Content, type Html } from './markup.ts';

/** A report on its way into the page. */
export interface Context {
  readonly report: Report;
  readonly stores: ReadonlyMap<string, StoreSummary>;
  /** Makes ids unique in the page: "t1-". */
  readonly prefix: string;
  /** What it is called on a page of many, each another. */
  readonly target: string | undefined;
  /** Of the headings of its sections: 2, or 3 below the heading of a target. */
  readonly level: number;
  /** What part of the page's length it may fill. */
  readonly share: number;
  /** "this machine" */
  readonly subject: string;
  /** From here on a trusted root is an alarm. */
  readonly least: Severity;
  /** ISO 8601. */
  readonly now: string | undefined;
}

/** Where a finding is on the page; undefined when there was no room for it. */
export type IdOf = (finding: Finding) => string | undefined;

/** Names, paths and the like: left to right, and apart from the text around them. */
export function code(text: string, maxLength = 1000): Html {
  return markup`<code>${shown(text, maxLength)}</code>`;
}

/** A name that may be in any script. */
export function name(text: string, maxLength = 200): Html {
  const characters = Array.from(shown(text, 10_000));
  const whole = characters.length <= maxLength;
  return markup`<bdi>${whole ? characters.join('') : `${characters.slice(0, maxLength).join('').trimEnd()}…`}</bdi>`;
}

export function rootName({ subject }: { readonly subject: string }, maxLength = 120): Html {
  return name(shortName(subject), maxLength);
}

export function badge(severity: Severity): Html {
  return markup`<span class="badge ${severity}">${severity}</span>`;
}

/** `below` 0 is the heading of a section. */
export function heading({ level }: Context, below: number, id: string | undefined, content: Content): Html {
  const n = level + below;
  return id === undefined ? markup`<h${n}>${content}</h${n}>` : markup`<h${n} id="${id}">${content}</h${n}>`;
}

const ADDRESS = /^https:\/\/[\w.-]+(?:[/?#][\w.~:/?#@!$&'()*+,;=%[\]-]*)?$/;

/** An address as a link if it is plainly one. It is followed on a click only, and told nothing of this page. */
export function reference(address: string): Html {
  if (!ADDRESS.test(address) || address.length > 1000) return code(address);
  return markup`<a href="${address}" rel="noopener noreferrer external">${address}</a>`;
}

export function screenReaderOnly(text: string): Html {
  return markup`<span class="sr">${text}</span>`;
}

/** A day of a calendar, or what stands there instead. */
export function day(time: string | null): Html {
  const date = time?.slice(0, 10) ?? '';
  return /^\d{4}-\d\d-\d\d$/.test(date)
    ? markup`<time datetime="${date}">${date}</time>`
    : markup`${time === null ? 'unknown' : shown(time, 40)}`;
}

/** How much of the page a list may fill. What does not fit is counted: an item is never cut. */
export interface Limit {
  readonly items: number;
  readonly length?: number;
}

export interface Fitting {
  readonly shown: readonly Html[];
  readonly rest: number;
}

/** The first is always shown. */
export function fit<Item>(
  items: readonly Item[],
  { items: most, length = Infinity }: Limit,
  render: (item: Item, index: number) => Html,
): Fitting {
  const fitting: Html[] = [];
  let left = length;
  for (const [i, item] of items.slice(0, most).entries()) {
    const html = render(item, i);
    left -= html.length;
    if (left < 0 && i > 0) break;
    fitting.push(html);
  }
  return { shown: fitting, rest: items.length - fitting.length };
}

/** Says that there is more than is shown; nothing when there is not. */
export function restText(rest: number, noun: string, plural?: string): Html | undefined {
  if (rest === 0) return undefined;
  const verb = rest === 1 ? 'is' : 'are';
  return markup`<p class="rest">${count(rest, `more ${noun}`, plural && `more ${plural}`)} ${verb} not shown here; ${jsonHint()}.</p>`;
}

export function jsonHint(): Html {
  return markup`<code>rootaudit scan -f json</code> has them all`;
}

/** A region of its own that scrolls, by keyboard too. */
export function scrolling(label: string, target: string | undefined, content: Content): Html {
  const whose = target === undefined ? '' : `: ${target}`;
  return markup`<div class="scroll" role="region" aria-label="${label}${whose}" tabindex="0">${content}</div>`;
}

/** Of a page of many targets, each of these is a landmark, and their sections are not: they would be too many. */
export function section(context: Context, id: string, title: Content, content: Content): Html {
  const full = context.prefix + id;
  const labelled = context.target === undefined ? markup` aria-labelledby="${full}"` : undefined;
  return markup`<section class="${id}"${labelled}>
${heading(context, 0, full, title)}
${content}
</section>
`;
}
