/**
 * YAML 1.2 read as the shape that is wanted, with line and column for whatever is not. Anchors and aliases work, but
 * the number of values and of aliases is bounded, so that a small file cannot stand for a huge one.
 */

import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Scalar,
} from 'yaml';
import { nearest } from './suggest.ts';

const MAX_VALUES = 50_000;
/** Each makes the parser look through the whole file. */
const MAX_ALIASES = 100;
const MAX_TEXT = 4000;
const MAX_PROBLEMS = 20;

export interface PolicyProblem {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A value in the file together with its place. Null content: nothing stands there. */
export interface Value {
  readonly node: unknown;
  /** Offset of the value, or of its key when there is none. */
  readonly offset: number;
}

/** Thrown when there is no point in reading on; the problem is noted before. */
class StopReading extends Error {}

export class YamlReader {
  readonly problems: PolicyProblem[] = [];
  readonly #lines = new LineCounter();
  readonly #document: Document;
  #values = 0;
  #aliases = 0;

  constructor(text: string) {
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      version: '1.2',
      schema: 'core',
      // Checked here: the parser compares each key with all others.
      uniqueKeys: false,
      // With 'silent' a second document would be passed over.
      logLevel: 'error',
    });
  }

  /** What `read` makes of the document, or undefined when anything in it is wrong. */
  read<Result>(read: (root: Value) => Result | undefined): Result | undefined {
    try {
      this.#checkSyntax();
      if (this.problems.length > 0) return undefined;
      const result = read(this.#value(this.#document.contents, 0));
      return this.problems.length === 0 ? result : undefined;
    } catch (error) {
      if (error instanceof StopReading) return undefined;
      throw error;
    }
  }

  #checkSyntax(): void {
    const { errors, warnings, directives } = this.#document;
    for (const { pos, message } of [...errors, ...warnings]) {
      this.fail({ node: null, offset: pos[0] }, yamlWords(message));
    }
    if (directives?.yaml.explicit === true && directives.yaml.version !== '1.2') {
      this.fail(
        { node: null, offset: 0 },
        `YAML ${directives.yaml.version} is not understood: write YAML 1.2`,
      );
    }
  }

  fail({ offset }: Value, message: string): undefined {
    const { line, col } = this.#lines.linePos(offset);
    this.problems.push({ line: Math.max(line, 1), column: Math.max(col, 1), message });
    if (this.problems.length >= MAX_PROBLEMS) throw new StopReading();
    return undefined;
  }

  lineOf({ offset }: Value): number {
    return Math.max(this.#lines.linePos(offset).line, 1);
  }

  /** The values by key. Keys other than `known` are problems, as is one that comes twice. */
  map(value: Value, what: string, known: readonly string[]): ReadonlyMap<string, Value> | undefined {
    const { node } = value;
    if (!isMap(node)) return this.fail(value, `${what} must be made of keys and values, ${is(node)}`);
    const entries = new Map<string, Value>();
    for (const { key, value: content } of node.items) {
      const at = this.#value(key, value.offset);
      if (!isScalar(at.node) || typeof at.node.value !== 'string') {
        this.fail(at, `a key in ${what} is not a word`);
        continue;
      }
      const name = at.node.value;
      if (entries.has(name)) this.fail(at, `the key "${name}" is there twice`);
      else if (!known.includes(name)) this.fail(at, `unknown key "${name}" in ${what}${hint(name, known)}`);
      entries.set(name, this.#value(content, at.offset));
    }
    return entries;
  }

  list(value: Value, what: string): readonly Value[] | undefined {
    const { node } = value;
    if (isSeq(node)) return node.items.map((item) => this.#value(item, value.offset));
    return this.fail(value, `${what} must be a list, ${is(node)}`);
  }

  text(value: Value, what: string): string | undefined {
    const { node } = value;
    if (!isScalar(node)) return this.fail(value, `${what} must be text, ${is(node)}`);
    const content = node.value;
    if (content === null) return this.fail(value, `${what} must be text, and is empty`);
    if (typeof content !== 'string') {
      const written = (node.source ?? JSON.stringify(content)).slice(0, 80);
      return this.fail(value, `${what} must be text: write "${written}" in quotes`);
    }
    if (content.trim() === '') return this.fail(value, `${what} must be text, and is empty`);
    if (content.length > MAX_TEXT) return this.fail(value, `${what} is longer than ${MAX_TEXT} characters`);
    return content;
  }

  /** One text, or a list of them. */
  texts(value: Value, what: string): readonly string[] | undefined {
    const items = isSeq(value.node) ? this.list(value, what) : [value];
    if (items?.length === 0) return this.fail(value, `${what} must not be an empty list`);
    return items?.flatMap((item) => this.text(item, what) ?? []);
  }

  /** A value that is no text, such as a number. */
  scalar({ node }: Value): unknown {
    return isScalar(node) ? node.value : undefined;
  }

  #value(node: unknown, fallback: number): Value {
    const offset = offsetOf(node) ?? fallback;
    if (++this.#values > MAX_VALUES) {
      this.fail({ node, offset }, `the file stands for more than ${MAX_VALUES} values`);
      throw new StopReading();
    }
    if (!isAlias(node)) return { node, offset };
    if (++this.#aliases > MAX_ALIASES) {
      this.fail({ node, offset }, `the file has more than ${MAX_ALIASES} aliases`);
      throw new StopReading();
    }
    const resolved = node.resolve(this.#document);
    if (resolved === undefined) {
      this.fail({ node, offset }, `nothing is named &${node.source}; a text that begins with * needs quotes`);
      throw new StopReading();
    }
    return { node: resolved, offset };
  }
}

/** ": did you mean …?" or nothing. */
export function hint(word: string, known: Iterable<string>): string {
  const meant = nearest(word, known);
  return meant === undefined ? '' : `: did you mean "${meant}"?`;
}

function offsetOf(node: unknown): number | undefined {
  if (!isMap(node) && !isSeq(node) && !isScalar(node) && !isAlias(node)) return undefined;
  return node.range?.[0];
}

/** "and is a list" */
function is(node: unknown): string {
  if (isMap(node)) return 'and has keys of its own';
  if (isSeq(node)) return 'and is a list';
  return isEmpty(node) ? 'and is empty' : 'and is a single value';
}

function isEmpty(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && (node satisfies Scalar).value === null);
}

/** The parser's own words, where people could not make sense of them. */
function yamlWords(message: string): string {
  const plain = message.split('\n')[0] ?? '';
  if (plain.startsWith('Maximum call stack')) return 'too deeply nested';
  if (plain.startsWith('Source contains multiple documents'))
    return 'a second document begins here: only one is read';
  if (plain.startsWith('Unresolved tag')) return plain.replace('Unresolved tag', 'unknown tag');
  return `not valid YAML: ${plain}`;
}
