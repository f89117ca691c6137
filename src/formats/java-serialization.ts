/**
 * What java.io writes into keystores: modified UTF-8 (java.io.DataOutput.writeUTF) and serialized objects (Java
 * Object Serialization Specification, section 6.4). Objects are stepped over, never built: only the end is wanted.
 */

import { asBuffer, type ByteReader } from '../core/bytes.ts';
import { FormatError } from '../core/errors.ts';

/** Reads a u16 length and that many bytes of modified UTF-8. */
export function readUtf(reader: ByteReader): string {
  return decodeModifiedUtf8(reader.take(reader.u16()));
}

/** NUL is C0 80, a supplementary character two encoded surrogates; what is neither becomes U+FFFD. */
function decodeModifiedUtf8(bytes: Uint8Array): string {
  const latin1 = asBuffer(bytes).toString('latin1');
  if (/^[\x01-\x7f]*$/.test(latin1)) return latin1;
  let text = '';
  for (let i = 0; i < bytes.length;) {
    const [first = 0, second = 0, third = 0] = bytes.subarray(i, i + 3);
    const secondFits = (second & 0xc0) === 0x80;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      i += 1;
    } else if ((first & 0xe0) === 0xc0 && secondFits) {
      text += String.fromCharCode(((first & 0x1f) << 6) | (second & 0x3f));
      i += 2;
    } else if ((first & 0xf0) === 0xe0 && secondFits && (third & 0xc0) === 0x80) {
      text += String.fromCharCode(((first & 0x0f) << 12) | ((second & 0x3f) << 6) | (third & 0x3f));
      i += 3;
    } else {
      text += '\ufffd';
      i += 1;
    }
  }
  return text;
}

const STREAM_HEADER = 0xaced0005;

/** TC_ constants of the specification's grammar. */
const TC = {
  null: 0x70,
  reference: 0x71,
  classDescription: 0x72,
  object: 0x73,
  string: 0x74,
  array: 0x75,
  blockData: 0x77,
  endBlockData: 0x78,
  longBlockData: 0x7a,
  longString: 0x7c,
} as const;

const FIRST_HANDLE = 0x7e0000;
const HAS_WRITE_METHOD = 0x01;
const SERIALIZABLE = 0x02;

const PRIMITIVE_SIZES: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['C', 2],
  ['D', 8],
  ['F', 4],
  ['I', 4],
  ['J', 8],
  ['S', 2],
  ['Z', 1],
]);

/** A sealed key has some twenty elements. */
const MAX_ELEMENTS = 2000;
const MAX_DEPTH = 32;

interface ClassDescription {
  readonly name: string;
  readonly flags: number;
  /** JVM type letters: a primitive's, or `[` and `L` for references. */
  readonly fields: readonly string[];
  readonly parent: ClassDescription | undefined;
}

/** Leaves `reader` after the one object of the stream that begins at its position. Throws a FormatError. */
export function skipSerializedObject(reader: ByteReader): void {
  const start = reader.position;
  if (reader.u32() !== STREAM_HEADER) throw new FormatError('malformed', 'no serialized Java object', start);
  new Skipper(reader).content(0);
}

class Skipper {
  readonly #reader: ByteReader;
  /** What each handle stands for: only class descriptions matter. */
  readonly #handles: (ClassDescription | undefined)[] = [];
  #elements = 0;

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  /** Steps over one element. True when it was the end of annotations. */
  content(depth: number): boolean {
    const reader = this.#reader;
    const tag = this.#next(depth);
    switch (tag) {
      case TC.null:
        return false;
      case TC.reference:
        reader.skip(4);
        return false;
      case TC.classDescription:
        this.#newClass(depth);
        return false;
      case TC.object:
        this.#object(depth);
        return false;
      case TC.array:
        this.#array(depth);
        return false;
      case TC.string:
        this.#handles.push(undefined);
        reader.skip(reader.u16());
        return false;
      case TC.longString:
        this.#handles.push(undefined);
        reader.skip(Number(reader.u64()));
        return false;
      case TC.blockData:
        reader.skip(reader.u8());
        return false;
      case TC.longBlockData:
        reader.skip(reader.u32());
        return false;
      case TC.endBlockData:
        return true;
      default:
        throw new FormatError('unsupported', `serialized Java element ${tag}`, reader.position - 1);
    }
  }

  #next(depth: number): number {
    if (depth > MAX_DEPTH || ++this.#elements > MAX_ELEMENTS) {
      throw new FormatError('limit', 'serialized Java object too complex', this.#reader.position);
    }
    return this.#reader.u8();
  }

  #annotations(depth: number): void {
    while (!this.content(depth + 1));
  }

  #classDescription(depth: number): ClassDescription | undefined {
    const tag = this.#next(depth);
    if (tag === TC.null) return undefined;
    if (tag === TC.classDescription) return this.#newClass(depth);
    const known = tag === TC.reference ? this.#handles[this.#reader.u32() - FIRST_HANDLE] : undefined;
    if (!known) throw new FormatError('malformed', 'Java class description expected', this.#reader.position);
    return known;
  }

  #newClass(depth: number): ClassDescription {
    const reader = this.#reader;
    const name = readUtf(reader);
    reader.skip(8); // serialVersionUID
    const handle = this.#handles.push(undefined) - 1;
    const flags = reader.u8();
    const fields: string[] = [];
    for (let left = reader.u16(); left > 0; left--) {
      const type = String.fromCharCode(reader.u8());
      reader.skip(reader.u16()); // the field's name
      const reference = type === '[' || type === 'L';
      if (reference) this.content(depth + 1);
      else if (!PRIMITIVE_SIZES.has(type))
        throw new FormatError('malformed', 'Java field type', reader.position);
      fields.push(type);
    }
    this.#annotations(depth);
    const description = { name, flags, fields, parent: this.#classDescription(depth + 1) };
    this.#handles[handle] = description;
    return description;
  }

  #object(depth: number): void {
    const own = this.#classDescription(depth + 1);
    this.#handles.push(undefined);
    const chain: ClassDescription[] = [];
    for (let description = own; description; description = description.parent) chain.unshift(description);
    for (const { flags, fields } of chain) {
      if ((flags & SERIALIZABLE) === 0) {
        throw new FormatError('unsupported', 'externalizable Java object', this.#reader.position);
      }
      for (const type of fields) {
        const size = PRIMITIVE_SIZES.get(type);
        if (size === undefined) this.content(depth + 1);
        else this.#reader.skip(size);
      }
      if ((flags & HAS_WRITE_METHOD) !== 0) this.#annotations(depth);
    }
  }

  #array(depth: number): void {
    const name = this.#classDescription(depth + 1)?.name ?? '';
    this.#handles.push(undefined);
    const size = PRIMITIVE_SIZES.get(name.slice(1));
    if (size === undefined)
      throw new FormatError('unsupported', 'array of Java objects', this.#reader.position);
    this.#reader.skip(this.#reader.u32() * size);
  }
}
