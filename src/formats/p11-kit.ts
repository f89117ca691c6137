/**
 * p11-kit's object files, `[p11-kit-object-v1]`: trust/p11-kit's "persist" format. One bad field makes p11-kit drop
 * the whole file, so it does here; only an object identifier that p11-kit's own check refuses is let through.
 */

import { asBuffer } from '../core/bytes.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import { attributeName, isConstant, objectClass } from './p11-kit-names.ts';
import { PemBlockScanner } from './pem-blocks.ts';

interface ObjectPlace {
  readonly label?: string;
  /** Lines of the section, from 1, without what belongs to the next one. */
  readonly firstLine: number;
  readonly lastLine: number;
}

export interface P11KitCertificate extends ObjectPlace {
  readonly kind: 'certificate';
  /** Absent in an object that only names a certificate by issuer and serial number. */
  readonly der?: Uint8Array;
  /** DER of the Name and of the INTEGER. */
  readonly issuer?: Uint8Array;
  readonly serialNumber?: Uint8Array;
  /** p11-kit drops an object that does not say so. A PEM block says it. */
  readonly isX509: boolean;
  /** As the file says; the directory it lies in has a say too. */
  readonly trusted?: boolean;
  readonly distrusted?: boolean;
  /** Leaf certificates issued after this UTCTime are not trusted for TLS, although the root is. */
  readonly serverDistrustAfter?: string;
}

/** An extension that stands in for the one of every certificate with this public key. */
export interface P11KitExtension extends ObjectPlace {
  readonly kind: 'extension';
  readonly oid: string;
  /** DER of the Extension. */
  readonly value: Uint8Array;
  /** DER of the SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
}

/** Another class of object, which has no bearing on trust. */
interface P11KitOther extends ObjectPlace {
  readonly kind: 'other';
}

export type P11KitObject = P11KitCertificate | P11KitExtension | P11KitOther;

type Value = Uint8Array | boolean | number | { readonly constant: string } | { readonly oid: string };

interface Section {
  readonly attributes: Map<string, Value>;
  /** What PEM blocks gave; fields stand above them. */
  readonly fromPem: Map<string, Value>;
  readonly firstLine: number;
  lastLine: number;
}

const HEADER = 'p11-kit-object-v1';
const MAGIC = Buffer.from(`[${HEADER}]`);
const MAX_OBJECTS = 100_000;
const MAX_LINE_BYTES = 8 << 20;
const LF = 0x0a;

/** p11-kit takes a file for its own when the magic is anywhere in it, and then tries no other format. */
export function isP11Kit(bytes: Uint8Array): boolean {
  return asBuffer(bytes).includes(MAGIC);
}

export function parseP11Kit(bytes: Uint8Array): Parsed<P11KitObject> {
  const diagnostics: Diagnostic[] = [];
  const reader = new ObjectReader(asBuffer(bytes), diagnostics);
  try {
    return { entries: reader.read().map(toObject), diagnostics };
  } catch (error) {
    const { code, message } = toDiagnostic(error);
    const reason = `p11-kit refuses the whole file: ${message}`;
    return { entries: [], diagnostics: [{ level: 'error', code, message: reason, line: reader.line }] };
  }
}

class ObjectReader {
  readonly #text: Buffer;
  readonly #diagnostics: Diagnostic[];
  readonly #sections: Section[] = [];
  #section: Section | undefined;
  #skipping = false;
  #position = 0;
  line = 0;

  constructor(text: Buffer, diagnostics: Diagnostic[]) {
    this.#text = text;
    this.#diagnostics = diagnostics;
  }

  read(): Section[] {
    while (this.#position < this.#text.length) {
      this.line++;
      const start = this.#position;
      if (this.#text.toString('latin1', start, start + 11) === '-----BEGIN ') {
        this.#readPem(start);
        continue;
      }
      const found = this.#text.indexOf(LF, start);
      const end = found < 0 ? this.#text.length : found;
      if (end - start > MAX_LINE_BYTES) throw new FormatError('limit', 'a line is too long', start);
      this.#position = end + 1;
      this.#readLine(this.#text.toString('latin1', start, end).trim());
    }
    return this.#sections;
  }

  #readLine(line: string): void {
    if (line === '' || line.startsWith('#')) return;
    if (line.startsWith('[')) {
      if (!line.endsWith(']')) throw new FormatError('malformed', 'a section without its end');
      this.#startSection(line.slice(1, -1));
    } else {
      const colon = line.indexOf(':');
      if (colon < 0) throw new FormatError('malformed', 'a line that is neither a field nor a section');
      if (this.#skipping) return;
      this.#addField(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
    }
    if (this.#section) this.#section.lastLine = this.line;
  }

  #startSection(name: string): void {
    this.#skipping = name !== HEADER;
    this.#section = undefined;
    if (this.#skipping) {
      this.#note(`the section [${name.slice(0, 50)}] is skipped`);
      return;
    }
    if (this.#sections.length >= MAX_OBJECTS)
      throw new FormatError('limit', `more than ${MAX_OBJECTS} objects`);
    const { line } = this;
    this.#section = { attributes: new Map(), fromPem: new Map(), firstLine: line, lastLine: line };
    this.#sections.push(this.#section);
  }

  #addField(name: string, text: string): void {
    if (!this.#section) throw new FormatError('malformed', 'a field before the first section');
    const attribute = attributeName(name);
    if (attribute === undefined) {
      throw new FormatError('malformed', `unknown attribute "${name.slice(0, 50)}"`);
    }
    this.#section.attributes.set(attribute, this.#value(text));
  }

  #value(text: string): Value {
    if (isConstant(text)) return { constant: text };
    if (text.length >= 2 && text.startsWith('"') && text.endsWith('"')) return percentDecoded(text);
    if (text === 'true' || text === 'false') return text === 'true';
    if (/^\d+$/.test(text)) return Number(text);
    if (text.length < 1000 && /^[12](?:\.\d+){2,}$/.test(text)) {
      if (text.includes('8')) {
        this.#note(
          'some versions of p11-kit refuse an object identifier with the digit 8, and then the file',
        );
      }
      return { oid: text };
    }
    throw new FormatError('malformed', `a value that is none: ${text.slice(0, 50)}`);
  }

  #readPem(start: number): void {
    const endMarker = this.#text.indexOf('\n-----END ', start);
    if (endMarker < 0) throw new FormatError('malformed', 'a PEM block without its end', start);
    const found = this.#text.indexOf(LF, endMarker + 1);
    const end = found < 0 ? this.#text.length : found;
    const inside = this.#text.subarray(start, end);
    for (let at = inside.indexOf(LF); at >= 0; at = inside.indexOf(LF, at + 1)) this.line++;
    this.#position = end + 1;
    if (this.#skipping) return;
    if (!this.#section) throw new FormatError('malformed', 'a PEM block before the first section', start);
    this.#section.lastLine = this.line;
    const problems: Diagnostic[] = [];
    const block = new PemBlockScanner(inside, 0, () => true, problems).next();
    if (!block?.data) {
      throw new FormatError('malformed', problems[0]?.message ?? 'a PEM block that cannot be read', start);
    }
    const { fromPem } = this.#section;
    if (block.label === 'PUBLIC KEY') {
      setOnce(fromPem, 'public-key-info', block.data);
    } else if (block.label === 'CERTIFICATE') {
      setOnce(fromPem, 'class', { constant: 'certificate' });
      setOnce(fromPem, 'certificate-type', { constant: 'x-509' });
      setOnce(fromPem, 'value', block.data);
    } else {
      throw new FormatError('malformed', `a PEM block "${block.label}" does not belong here`, start);
    }
  }

  #note(message: string): void {
    const { line } = this;
    if (this.#diagnostics.length < 100)
      this.#diagnostics.push({ level: 'note', code: 'note', message, line });
  }
}

function setOnce(map: Map<string, Value>, name: string, value: Value): void {
  if (!map.has(name)) map.set(name, value);
}

/** A quoted string; `%` and two hex digits stand for an octet. */
function percentDecoded(quoted: string): Uint8Array {
  const text = quoted.slice(1, -1);
  if (!text.includes('%')) return Buffer.from(text, 'latin1');
  const out = Buffer.allocUnsafe(text.length);
  let length = 0;
  for (let position = 0; position < text.length; position++) {
    const code = text.charCodeAt(position);
    if (code !== 0x25) {
      out[length++] = code;
      continue;
    }
    const high = hexDigit(text.charCodeAt(position + 1));
    const low = hexDigit(text.charCodeAt(position + 2));
    if (high < 0 || low < 0) throw new FormatError('malformed', 'a percent sign without two hex digits');
    out[length++] = high * 16 + low;
    position += 2;
  }
  return out.subarray(0, length);
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function toObject(section: Section): P11KitObject {
  const find = (name: string): Value | undefined => section.attributes.get(name) ?? section.fromPem.get(name);
  const bytes = (name: string): Uint8Array | undefined => {
    const value = find(name);
    return value instanceof Uint8Array && value.length > 0 ? value : undefined;
  };
  const flag = (name: string): boolean | undefined => {
    const value = find(name);
    return typeof value === 'boolean' ? value : undefined;
  };
  const label = bytes('label');
  const distrustAfter = bytes('nss-server-distrust-after');
  const place = {
    firstLine: section.firstLine,
    lastLine: section.lastLine,
    ...(label && { label: asBuffer(label).toString('utf8') }),
  };
  const classValue = find('class');
  const objectKind = objectClass(
    typeof classValue === 'object' && 'constant' in classValue ? classValue.constant : classValue,
  );
  if (objectKind === 'certificate') {
    const type = find('certificate-type');
    return {
      kind: 'certificate',
      ...place,
      isX509: type === 0 || (typeof type === 'object' && 'constant' in type && type.constant === 'x-509'),
      ...defined('der', bytes('value')),
      ...defined('issuer', bytes('issuer')),
      ...defined('serialNumber', bytes('serial-number')),
      ...defined('trusted', flag('trusted')),
      ...defined('distrusted', flag('x-distrusted')),
      ...defined('serverDistrustAfter', distrustAfter && asBuffer(distrustAfter).toString('latin1')),
    };
  }
  const oid = find('object-id');
  const value = bytes('value');
  const publicKey = bytes('public-key-info');
  const isOid = typeof oid === 'object' && 'oid' in oid;
  if (objectKind === 'extension' && isOid && value && publicKey) {
    return { kind: 'extension', ...place, oid: oid.oid, value, publicKey };
  }
  return { kind: 'other', ...place };
}

function defined<Key extends string, Content>(
  key: Key,
  value: Content | undefined,
): Partial<Record<Key, Content>> {
  const result: Partial<Record<Key, Content>> = {};
  if (value !== undefined) result[key] = value;
  return result;
}
