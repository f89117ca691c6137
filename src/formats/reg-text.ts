/**
 * The registry as text: exports of regedit and reg.exe ("Windows Registry Editor Version 5.00" in UTF-16, REGEDIT4 in
 * the system's code page) and the files of a Wine prefix ("WINE REGISTRY Version 2").
 */

import { asBuffer } from '../core/bytes.ts';
import { FormatError, toDiagnostic, type Diagnostic } from '../core/errors.ts';
import { decodeHexList, unescapeText } from './reg-text-values.ts';
import type { RegistryKey, RegistryTree, RegistryValue } from './registry.ts';

const MAX_KEYS = 1_000_000;
const MAX_VALUES = 1_000_000;
const MAX_DEPTH = 512;
const MAX_DIAGNOSTICS = 100;
const REG_SZ = 1;
const REG_BINARY = 3;
const REG_DWORD = 4;

const HEADS = /^(?:Windows Registry Editor Version 5\.00|REGEDIT4|WINE REGISTRY Version 2)\s*$/;

/**
 * `below` limits what is kept to keys at or below paths that `\`-separated name ends with: the registry of a Wine
 * prefix has ten thousands of keys that nobody asks for. Never throws.
 */
export function parseRegText(bytes: Uint8Array, below?: readonly string[]): RegistryTree {
  const text = decode(bytes);
  const firstEnd = endOfLine(text, 0);
  const head = text.slice(0, firstEnd).trimEnd();
  if (!HEADS.test(head)) {
    const message = 'no text of a registry: its first line is not known';
    return { root: undefined, diagnostics: [{ level: 'error', code: 'malformed', message, line: 1 }] };
  }
  const parser = new RegTextParser(text, head.startsWith('WINE'), below);
  parser.run(firstEnd);
  return { root: parser.root, diagnostics: parser.diagnostics };
}

function decode(bytes: Uint8Array): string {
  const data = asBuffer(bytes);
  if (data[0] === 0xff && data[1] === 0xfe) return data.toString('utf16le', 2);
  if (data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf) return data.toString('utf8', 3);
  // Wine writes ASCII; what code page a REGEDIT4 file is in, nobody can tell.
  return data.toString('latin1');
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end < 0 ? text.length : end;
}

/** A key while it is put together. */
class TextKey implements RegistryKey {
  readonly name: string;
  readonly children = new Map<string, TextKey>();
  readonly held: RegistryValue[] = [];

  constructor(name: string) {
    this.name = name;
  }

  subkeys(): Iterable<RegistryKey> {
    return this.children.values();
  }

  values(): Iterable<RegistryValue> {
    return this.held;
  }
}

class RegTextParser {
  readonly root = new TextKey('');
  readonly diagnostics: Diagnostic[] = [];
  readonly #text: string;
  readonly #isWine: boolean;
  readonly #below: readonly string[] | undefined;
  #keys = 0;
  #values = 0;

  constructor(text: string, isWine: boolean, below: readonly string[] | undefined) {
    this.#text = text;
    this.#isWine = isWine;
    this.#below = below?.map((path) => path.toLowerCase());
  }

  run(start: number): void {
    const text = this.#text;
    let key: TextKey | undefined;
    for (let position = start + 1; position < text.length;) {
      const lineStart = position;
      const first = text[lineStart];
      if (first === '[') {
        const end = endOfLine(text, lineStart);
        key = this.#attempt(lineStart, () => this.#keyFor(text.slice(lineStart, end).trimEnd()));
        position = key ? end + 1 : this.#nextSection(end);
      } else if (key && (first === '"' || first === '@')) {
        const end = this.#endOfValue(lineStart);
        const to = key;
        this.#attempt(lineStart, () => {
          if (++this.#values > MAX_VALUES) throw new FormatError('limit', `more than ${MAX_VALUES} values`);
          to.held.push(this.#value(lineStart, end));
        });
        position = end + 1;
      } else {
        position = endOfLine(text, lineStart) + 1;
      }
      if (this.#keys > MAX_KEYS || this.#values > MAX_VALUES) return;
    }
  }

  /** Where the next line with `[` begins: what is not wanted is passed over at the speed of a search. */
  #nextSection(from: number): number {
    const next = this.#text.indexOf('\n[', from);
    return next < 0 ? this.#text.length : next + 1;
  }

  /** A line that ends with a backslash goes on; backslashes inside a quoted text never stand before a line end. */
  #endOfValue(start: number): number {
    const text = this.#text;
    for (let position = start; ;) {
      const end = endOfLine(text, position);
      const last = text[end - 1] === '\r' ? end - 2 : end - 1;
      if (end >= text.length || text[last] !== '\\') return end;
      position = end + 1;
    }
  }

  /** `[path]` of an export, `[path] time` of Wine, where a backslash is doubled. */
  #keyFor(line: string): TextKey | undefined {
    const end = line.lastIndexOf(']');
    if (end < 0) throw new FormatError('malformed', 'name of a key cut off');
    const inside = line.slice(1, end);
    // A file that takes keys away says nothing of what is there.
    if (!this.#isWine && inside.startsWith('-')) return undefined;
    const parts = this.#isWine ? splitWine(inside) : inside.split('\\');
    if (!this.#isWanted(parts)) return undefined;
    if (parts.length > MAX_DEPTH) throw new FormatError('limit', `keys nested ${MAX_DEPTH} deep`);
    let key = this.root;
    for (const part of parts) {
      const folded = part.toLowerCase();
      let child = key.children.get(folded);
      if (!child) {
        if (++this.#keys > MAX_KEYS) throw new FormatError('limit', `more than ${MAX_KEYS} keys`);
        child = new TextKey(part);
        key.children.set(folded, child);
      }
      key = child;
    }
    return key;
  }

  #isWanted(parts: readonly string[]): boolean {
    if (!this.#below) return true;
    const path = parts.join('\\').toLowerCase();
    return this.#below.some((each) => path === each || path.startsWith(`${each}\\`));
  }

  #value(start: number, end: number): RegistryValue {
    const text = this.#text;
    let position = start + 1;
    let name = '';
    if (text[start] === '"') {
      const close = endOfQuoted(text, position, end);
      name = unescapeText(text.slice(position, close), this.#isWine);
      position = close + 1;
    }
    if (text[position] !== '=') throw new FormatError('malformed', 'value without a sign of equality');
    return { name, ...this.#data(position + 1, end) };
  }

  #data(start: number, end: number): Omit<RegistryValue, 'name'> {
    const text = this.#text;
    const [prefix = ''] =
      /^(?:hex|str|dword)?(?:\([0-9a-f]{1,8}\))?:?/i.exec(text.slice(start, start + 24)) ?? [];
    const at = start + prefix.length;
    const numbered = /\(([0-9a-f]+)\)/i.exec(prefix)?.[1];
    if (/^hex/i.test(prefix)) {
      return {
        type: numbered === undefined ? REG_BINARY : parseInt(numbered, 16),
        data: decodeHexList(text, at, end),
      };
    }
    if (/^dword/i.test(prefix)) {
      const [digits] = /^[0-9a-f]{1,8}/i.exec(text.slice(at, at + 8)) ?? [];
      if (digits === undefined) throw new FormatError('malformed', 'dword without a number');
      const data = Buffer.alloc(4);
      data.writeUInt32LE(parseInt(digits, 16));
      return { type: REG_DWORD, data };
    }
    if (text[at] !== '"') throw new FormatError('malformed', 'value of an unknown kind');
    const close = endOfQuoted(text, at + 1, end);
    const string = unescapeText(text.slice(at + 1, close), this.#isWine);
    return {
      type: numbered === undefined ? REG_SZ : parseInt(numbered, 16),
      data: Buffer.from(`${string}\0`, 'utf16le'),
    };
  }

  #attempt<T>(at: number, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      const diagnostic = toDiagnostic(error);
      if (this.diagnostics.length < MAX_DIAGNOSTICS) {
        this.diagnostics.push({ ...diagnostic, line: this.#lineAt(at) });
      }
      return undefined;
    }
  }

  #lineAt(position: number): number {
    let line = 1;
    for (let at = this.#text.indexOf('\n'); at >= 0 && at < position; at = this.#text.indexOf('\n', at + 1))
      line++;
    return line;
  }
}

/** The closing quote; one after a backslash is part of the text. */
function endOfQuoted(text: string, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at;
  }
  throw new FormatError('truncated', 'quoted text without its end');
}

function splitWine(inside: string): string[] {
  return inside.split('\\\\').map((part) => unescapeText(part, true));
}
