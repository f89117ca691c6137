/**
 * JSON (RFC 8259) with the place of every value in the bytes, so that one of them can be cut out and the rest stays as
 * it is. Tolerant where Chrome's reader is: comments, a comma after the last element, a byte order mark.
 */

import { FormatError, toDiagnostic, type Diagnostic } from '../core/errors.ts';

/** Byte offsets, `end` exclusive. */
interface Place {
  readonly start: number;
  readonly end: number;
}

export type JsonValue = Place &
  (
    | { readonly kind: 'object'; readonly members: ReadonlyMap<string, JsonValue> }
    | { readonly kind: 'array'; readonly items: readonly JsonValue[] }
    | { readonly kind: 'string'; readonly value: string }
    | { readonly kind: 'number'; readonly value: number }
    | { readonly kind: 'boolean'; readonly value: boolean }
    | { readonly kind: 'null' }
  );

export interface ParsedJson {
  readonly value: JsonValue | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

const MAX_BYTES = 16 << 20;
const MAX_DEPTH = 64;
const MAX_VALUES = 200_000;

export function parseJsonSource(bytes: Uint8Array): ParsedJson {
  try {
    if (bytes.length > MAX_BYTES) throw new FormatError('too-large', `JSON of ${bytes.length} bytes`);
    return { value: new Reader(bytes).document(), diagnostics: [] };
  } catch (error) {
    const diagnostic = toDiagnostic(error);
    const { offset } = diagnostic;
    const line = offset === undefined ? {} : { line: lineOf(bytes, offset) };
    return { value: undefined, diagnostics: [{ ...diagnostic, ...line }] };
  }
}

function lineOf(bytes: Uint8Array, offset: number): number {
  let line = 1;
  for (let at = 0; at < offset; at++) if (bytes[at] === 0x0a) line++;
  return line;
}

const LITERALS: readonly (readonly [string, { kind: 'boolean'; value: boolean } | { kind: 'null' }])[] = [
  ['true', { kind: 'boolean', value: true }],
  ['false', { kind: 'boolean', value: false }],
  ['null', { kind: 'null' }],
];

class Reader {
  /** One character per byte, so that an index is an offset. */
  readonly #text: string;
  #position = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    if (this.#text.startsWith('\u00ef\u00bb\u00bf')) this.#position = 3;
  }

  document(): JsonValue {
    const value = this.#value(0);
    this.#skipSpace();
    if (this.#position < this.#text.length) this.#fail('nothing more expected');
    return value;
  }

  #fail(what: string): never {
    const atEnd = this.#position >= this.#text.length;
    throw new FormatError(atEnd ? 'truncated' : 'malformed', what, this.#position);
  }

  /** White space, and comments of both kinds. */
  #skipSpace(): void {
    for (;;) {
      const character = this.#text[this.#position];
      if (character === '/' && this.#text[this.#position + 1] === '/') {
        const end = /[\r\n]/g;
        end.lastIndex = this.#position;
        this.#position = end.exec(this.#text)?.index ?? this.#text.length;
      } else if (character === '/' && this.#text[this.#position + 1] === '*') {
        const end = this.#text.indexOf('*/', this.#position + 2);
        this.#position = end < 0 ? this.#text.length : end + 2;
        if (end < 0) this.#fail('comment without an end');
      } else if (character === ' ' || character === '\n' || character === '\r' || character === '\t') {
        this.#position++;
      } else {
        return;
      }
    }
  }

  #value(depth: number): JsonValue {
    if (depth > MAX_DEPTH)
      throw new FormatError('limit', `nested more than ${MAX_DEPTH} deep`, this.#position);
    if (++this.#values > MAX_VALUES) {
      throw new FormatError('limit', `more than ${MAX_VALUES} values`, this.#position);
    }
    this.#skipSpace();
    const character = this.#text[this.#position];
    if (character === '{') return this.#object(depth);
    if (character === '[') return this.#array(depth);
    if (character === '"') return this.#string();
    return this.#scalar();
  }

  #scalar(): JsonValue {
    const start = this.#position;
    for (const [word, value] of LITERALS) {
      if (!this.#text.startsWith(word, start)) continue;
      this.#position += word.length;
      return { ...value, start, end: this.#position };
    }
    const number = /-?(?:0|[1-9]\d{0,400})(?:\.\d{1,400})?(?:[eE][+-]?\d{1,10})?/y;
    number.lastIndex = start;
    const [digits] = number.exec(this.#text) ?? [];
    if (digits === undefined) this.#fail('value expected');
    this.#position += digits.length;
    return { kind: 'number', value: Number(digits), start, end: this.#position };
  }

  #string(): JsonValue & { readonly kind: 'string' } {
    const start = this.#position;
    let end = start + 1;
    for (; this.#text[end] !== '"'; end++) {
      if (end >= this.#text.length) {
        this.#position = end;
        this.#fail('text without an end');
      }
      if (this.#text[end] === '\\') end++;
    }
    this.#position = end + 1;
    return { kind: 'string', value: decodeString(this.#text, start, end + 1), start, end: end + 1 };
  }

  #array(depth: number): JsonValue {
    const start = this.#position++;
    const items: JsonValue[] = [];
    for (;;) {
      this.#skipSpace();
      if (this.#take(']')) return { kind: 'array', items, start, end: this.#position };
      if (items.length > 0 && !this.#separated) this.#fail('comma expected');
      items.push(this.#value(depth + 1));
      this.#skipSpace();
      this.#separated = this.#take(',');
    }
  }

  #object(depth: number): JsonValue {
    const start = this.#position++;
    const members = new Map<string, JsonValue>();
    for (let first = true; ; first = false) {
      this.#skipSpace();
      if (this.#take('}')) return { kind: 'object', members, start, end: this.#position };
      if (!first && !this.#separated) this.#fail('comma expected');
      if (this.#text[this.#position] !== '"') this.#fail('name expected');
      const name = this.#string();
      this.#skipSpace();
      if (!this.#take(':')) this.#fail('colon expected');
      // Of several members with one name the last counts.
      members.set(name.value, this.#value(depth + 1));
      this.#skipSpace();
      this.#separated = this.#take(',');
    }
  }

  /** A comma stood after the last element. */
  #separated = false;

  #take(character: string): boolean {
    if (this.#text[this.#position] !== character) return false;
    this.#position++;
    return true;
  }
}

/** Chrome and Firefox read UTF-8; a raw line end inside a text is what JSON forbids and some readers take. */
function decodeString(text: string, start: number, end: number): string {
  const source = Buffer.from(text.slice(start, end), 'latin1').toString('utf8');
  try {
    const value: unknown = JSON.parse(source);
    if (typeof value === 'string') return value;
  } catch {
    // Below.
  }
  throw new FormatError('malformed', 'text with a wrong escape or a control character', start);
}

/**
 * The byte ranges to leave out so that `array` loses the items `goes` accepts, with the comma that belongs to each. A
 * comment between a removed item and the next goes too.
 */
export function rangesWithout(
  array: JsonValue & { readonly kind: 'array' },
  goes: (item: JsonValue) => boolean,
): readonly { readonly start: number; readonly end: number }[] {
  const { items } = array;
  const ranges: { start: number; end: number }[] = [];
  for (let first = 0; first < items.length; first++) {
    const item = items[first];
    if (!item || !goes(item)) continue;
    let last = first;
    for (let next = items[last + 1]; next && goes(next); next = items[last + 1]) last++;
    const before = items[first - 1];
    const after = items[last + 1];
    if (after) ranges.push({ start: item.start, end: after.start });
    else if (before) ranges.push({ start: before.end, end: items[last]?.end ?? item.end });
    else ranges.push({ start: array.start + 1, end: array.end - 1 });
    first = last;
  }
  return ranges;
}
