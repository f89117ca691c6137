/**
 * The XML form of a property list: the ten elements of Apple's PropertyList-1.0.dtd and no more. A document type
 * with declarations of its own is refused, so there is nothing that could be expanded.
 */

import { FormatError } from '../core/errors.ts';
import { decodeBase64, endOfBase64 } from './base64.ts';
import type { PlistValue } from './plist.ts';

const MAX_DEPTH = 64;
const MAX_VALUES = 1_000_000;

/** Throws FormatError, with the offset as an index into `text`. */
export function readXmlPlist(text: string): PlistValue {
  return new XmlReader(text).document();
}

interface OpenTag {
  readonly name: string;
  readonly empty: boolean;
  readonly start: number;
}

const TAG = /<([A-Za-z]+)(?:\s+[A-Za-z:]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*(\/?)>/y;
const CLOSE = /<\/([A-Za-z]+)\s*>/y;
const SPACE = /\s*/y;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

class XmlReader {
  readonly #text: string;
  #at = 0;
  #values = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): PlistValue {
    this.#skip();
    const root = this.#open();
    if (root.name !== 'plist' || root.empty) throw this.#malformed('not a property list', root.start);
    const value = this.#value(0);
    this.#close('plist');
    this.#skip();
    if (this.#at < this.#text.length) throw this.#malformed('something follows the end of the list');
    return value;
  }

  #value(depth: number): PlistValue {
    const tag = this.#open();
    if (depth > MAX_DEPTH) throw new FormatError('limit', `nested more than ${MAX_DEPTH} deep`, tag.start);
    if (++this.#values > MAX_VALUES) {
      throw new FormatError('limit', `more than ${MAX_VALUES} values`, tag.start);
    }
    if (tag.name === 'dict') return this.#dictionary(tag, depth);
    if (tag.name === 'array') return this.#array(tag, depth);
    const content = tag.empty ? '' : this.#content(tag.name);
    return this.#scalar(tag, content);
  }

  #dictionary({ empty }: OpenTag, depth: number): ReadonlyMap<string, PlistValue> {
    const entries = new Map<string, PlistValue>();
    if (empty) return entries;
    while (!this.#closes('dict')) {
      const key = this.#open();
      if (key.name !== 'key') throw this.#malformed('a key is missing', key.start);
      const name = key.empty ? '' : this.#content('key');
      entries.set(name, this.#value(depth + 1));
    }
    return entries;
  }

  #array({ empty }: OpenTag, depth: number): PlistValue[] {
    const items: PlistValue[] = [];
    if (empty) return items;
    while (!this.#closes('array')) items.push(this.#value(depth + 1));
    return items;
  }

  #scalar({ name, start }: OpenTag, content: string): PlistValue {
    switch (name) {
      case 'string':
        return content;
      case 'true':
        return true;
      case 'false':
        return false;
      case 'data':
        return this.#data(content, start);
      case 'integer':
        return this.#integer(content.trim(), start);
      case 'real':
        return this.#real(content.trim(), start);
      case 'date':
        return this.#date(content.trim(), start);
      default:
        throw this.#malformed(`unknown element ${name}`, start);
    }
  }

  #data(content: string, start: number): Uint8Array {
    const bytes = Buffer.from(content, 'utf8');
    const data = endOfBase64(bytes, 0) === bytes.length ? decodeBase64(bytes, 0, bytes.length) : undefined;
    if (!data) throw this.#malformed('data is not base64', start);
    return data;
  }

  #integer(content: string, start: number): number | bigint {
    const match = /^([+-]?)(0[xX][0-9a-fA-F]{1,32}|\d{1,40})$/.exec(content);
    if (!match) throw this.#malformed('not an integer', start);
    const size = BigInt(match[2] ?? '0');
    const value = match[1] === '-' ? -size : size;
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  #real(content: string, start: number): number {
    if (/^[+-]?(?:inf(?:inity)?|nan)$/i.test(content)) {
      return /nan/i.test(content) ? Number.NaN : content.startsWith('-') ? -Infinity : Infinity;
    }
    if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(content)) {
      throw this.#malformed('not a number', start);
    }
    return Number(content);
  }

  #date(content: string, start: number): Date {
    const date = new Date(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(content) ? content : Number.NaN);
    if (Number.isNaN(date.getTime())) throw this.#malformed('not a date', start);
    return date;
  }

  /** Text up to the end tag, with references, CDATA and comments resolved. */
  #content(name: string): string {
    let content = '';
    for (;;) {
      const next = this.#text.indexOf('<', this.#at);
      if (next === -1) throw new FormatError('truncated', `${name} without an end`, this.#at);
      content += this.#references(this.#text.slice(this.#at, next));
      this.#at = next;
      if (this.#text.startsWith('<![CDATA[', next)) {
        const end = this.#find(']]>', next);
        content += this.#text.slice(next + 9, end);
        this.#at = end + 3;
      } else if (this.#text.startsWith('<!--', next)) {
        this.#at = this.#find('-->', next) + 3;
      } else {
        this.#close(name);
        return content;
      }
    }
  }

  #references(text: string): string {
    if (!text.includes('&')) return text;
    return text.replaceAll(/&([^;&]{0,12};)?/g, (whole, body: string | undefined, at: number) => {
      const name = body?.slice(0, -1) ?? '';
      const known = ENTITIES[name];
      if (known !== undefined) return known;
      const number = /^#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}))$/.exec(name);
      const point = number
        ? Number.parseInt(number[1] ?? number[2] ?? '', number[1] === undefined ? 10 : 16)
        : -1;
      if (point < 1 || point > 0x10ffff) {
        throw this.#malformed(`unknown reference ${whole.slice(0, 20)}`, this.#at + at);
      }
      return String.fromCodePoint(point);
    });
  }

  #open(): OpenTag {
    this.#skip();
    const start = this.#at;
    if (start >= this.#text.length) throw new FormatError('truncated', 'an element is missing', start);
    TAG.lastIndex = start;
    const match = TAG.exec(this.#text);
    if (!match) throw this.#malformed('an element is missing', start);
    this.#at = TAG.lastIndex;
    return { name: match[1] ?? '', empty: match[2] === '/', start };
  }

  #closes(name: string): boolean {
    this.#skip();
    if (!this.#text.startsWith('</', this.#at)) return false;
    this.#close(name);
    return true;
  }

  #close(name: string): void {
    this.#skip();
    if (this.#at >= this.#text.length) throw new FormatError('truncated', `${name} without an end`, this.#at);
    CLOSE.lastIndex = this.#at;
    const match = CLOSE.exec(this.#text);
    if (match?.[1] !== name) throw this.#malformed(`the end of ${name} is missing`);
    this.#at = CLOSE.lastIndex;
  }

  /** White space, comments, processing instructions and a document type without declarations. */
  #skip(): void {
    for (;;) {
      SPACE.lastIndex = this.#at;
      SPACE.exec(this.#text);
      this.#at = SPACE.lastIndex;
      if (this.#text.startsWith('<!--', this.#at)) this.#at = this.#find('-->', this.#at) + 3;
      else if (this.#text.startsWith('<?', this.#at)) this.#at = this.#find('?>', this.#at) + 2;
      else if (this.#text.startsWith('<!DOCTYPE', this.#at)) this.#documentType();
      else return;
    }
  }

  #documentType(): void {
    const end = this.#find('>', this.#at);
    if (this.#text.slice(this.#at, end).includes('[')) {
      throw new FormatError(
        'unsupported',
        'a document type with declarations of its own is not read',
        this.#at,
      );
    }
    this.#at = end + 1;
  }

  #find(what: string, from: number): number {
    const found = this.#text.indexOf(what, from);
    if (found === -1) throw new FormatError('truncated', `${what} is missing`, from);
    return found;
  }

  #malformed(message: string, at = this.#at): FormatError {
    return new FormatError('malformed', message, at);
  }
}
