/**
 * HTML that can only be put together from its own templates: whatever is inserted into one is text, and escaped, unless it
 * is such HTML itself. This is the one place where text becomes markup.
 */

import { visible } from '../../core/text.ts';

/** What may stand between pieces of markup, or inside of an attribute in double quotes. */
export type Content = Html | string | number | undefined | readonly Content[];

export class Html {
  readonly #markup: string;

  private constructor(markup: string) {
    this.#markup = markup;
  }

  static readonly template = (pieces: TemplateStringsArray, ...contents: readonly Content[]): Html =>
    new Html(
      pieces.map((piece, i) => piece + (i < contents.length ? Html.#markupOf(contents[i]) : '')).join(''),
    );

  /** The text of a <style> or <script> element, in which nothing is escaped: ours alone, never anybody else's. */
  static ofElementText(text: string): Html {
    if (/<\/|<!--/.test(text)) throw new RangeError('this would end the element');
    return new Html(text);
  }

  static #markupOf(content: Content): string {
    if (content === undefined) return '';
    if (content instanceof Html) return content.#markup;
    if (typeof content === 'string' || typeof content === 'number') return escape(String(content));
    return content.map((each) => Html.#markupOf(each)).join('');
  }

  get length(): number {
    return this.#markup.length;
  }

  toString(): string {
    return this.#markup;
  }
}

export const markup = Html.template;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const MAX_TEXT = 200_000;

function escape(text: string): string {
  return shown(text, MAX_TEXT).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** As many marks on a letter as any script needs; with hundreds of them a name would paint over its neighbours. */
const PILED_MARKS = /(?<=\p{M}{4})\p{M}/gu;

/** `text` as the page shows it: nothing hides, nothing acts, and what is too long is cut. */
export function shown(text: string, maxLength = 1000): string {
  return visible(text, maxLength).replaceAll(
    PILED_MARKS,
    (mark) => String.raw`\u{${mark.codePointAt(0)?.toString(16)}}`,
  );
}
