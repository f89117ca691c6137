/**
 * The JSON documents of images, read with a name for every place: what is wrong is said as "the manifest of app.tar:
 * layers[3].digest is no text".
 */

import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';
import { parseJsonSource, type JsonValue } from '../formats/json-source.ts';

/** A document: its bytes come from whoever made the image. Throws RootauditError when they are no JSON object or list. */
export function parseDocument(bytes: Uint8Array, what: string): JsonNode {
  const { value, diagnostics } = parseJsonSource(bytes);
  const [problem] = diagnostics;
  if (problem || !value) {
    const place = problem?.line === undefined ? '' : ` (line ${problem.line})`;
    throw new RootauditError(`${what} cannot be read: ${problem?.message ?? 'it is empty'}${place}`);
  }
  return new JsonNode(value, what, '');
}

export class JsonNode {
  readonly #value: JsonValue | undefined;
  readonly #what: string;
  readonly #path: string;

  constructor(value: JsonValue | undefined, what: string, path: string) {
    this.#value = value?.kind === 'null' ? undefined : value;
    this.#what = what;
    this.#path = path;
  }

  /** False when it is missing or null. */
  get exists(): boolean {
    return this.#value !== undefined;
  }

  get isList(): boolean {
    return this.#value?.kind === 'array';
  }

  /** A member of an object; throws when this is something else. */
  get(name: string): JsonNode {
    const path = this.#path === '' ? name : `${this.#path}.${name}`;
    if (this.#value && this.#value.kind !== 'object') this.fail('is no object');
    return new JsonNode(this.#value?.members.get(name), this.#what, path);
  }

  /** Empty when it is missing. */
  list(maxLength: number): readonly JsonNode[] {
    if (!this.#value) return [];
    if (this.#value.kind !== 'array') return this.fail('is no list');
    const { items } = this.#value;
    if (items.length > maxLength) this.fail(`has ${items.length} items, more than ${maxLength}`);
    return items.map((item, index) => new JsonNode(item, this.#what, `${this.#path}[${index}]`));
  }

  text(): string {
    return this.optionalText() ?? this.fail('is missing');
  }

  optionalText(): string | undefined {
    if (!this.#value) return undefined;
    return this.#value.kind === 'string' ? this.#value.value : this.fail('is no text');
  }

  /** A count of bytes. */
  size(): number {
    const value = this.#value;
    if (value?.kind === 'number' && Number.isSafeInteger(value.value) && value.value >= 0) return value.value;
    return this.fail('is no size');
  }

  isTrue(): boolean {
    return this.#value?.kind === 'boolean' && this.#value.value;
  }

  /** Its members that are texts; others are of no use to us. */
  texts(): ReadonlyMap<string, string> {
    if (!this.#value) return new Map();
    if (this.#value.kind !== 'object') return this.fail('is no object');
    const texts = new Map<string, string>();
    for (const [name, member] of this.#value.members) {
      if (member.kind === 'string') texts.set(name, member.value);
    }
    return texts;
  }

  fail(reason: string): never {
    const place = this.#path === '' ? 'it' : visible(this.#path, 100);
    throw new RootauditError(`${this.#what} cannot be used: ${place} ${reason}`);
  }
}
