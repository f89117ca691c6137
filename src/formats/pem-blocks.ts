/**
 * Finds the blocks of a PEM file (RFC 7468, with the headers of RFC 1421) and decodes those that are wanted. Wider
 * than any one tool: indented lines, every line end, blank lines, missing padding, text around the blocks.
 */

import type { Diagnostic, ProblemCode } from '../core/errors.ts';
import { decodeBase64, decodeBase64Lines, endOfBase64 } from './base64.ts';

export interface PemBlock {
  readonly label: string;
  /** Undefined when the label is not wanted. */
  readonly data: Uint8Array | undefined;
  /** Offsets of the first dash of BEGIN and after the last dash of END. */
  readonly start: number;
  readonly end: number;
  /** Line numbers, from 1. */
  readonly firstLine: number;
  readonly lastLine: number;
  /** Where the text above the block starts: the end of the block before. */
  readonly textStart: number;
  /** The RFC 1421 headers say that the content is encrypted. */
  readonly encrypted: boolean;
  /** BEGIN is not the first thing on its line: p11-kit reads such a block, OpenSSL does not. */
  readonly midLine: boolean;
}

interface Marker {
  readonly keyword: 'BEGIN' | 'END';
  readonly label: string;
  readonly start: number;
  readonly end: number;
  /** Nothing but blanks before it, or after it, on its line. */
  readonly first: boolean;
  readonly last: boolean;
}

export const MAX_BLOCKS = 100_000;
const MAX_BLOCK_BYTES = 4 << 20;
const MAX_LABEL_BYTES = 100;
const MAX_DIAGNOSTICS = 1000;
const MAX_HEADER_BYTES = 8192;

const DASHES = Buffer.from('-----');
const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DASH = 0x2d;
const UNDERSCORE = 0x5f;

export class PemBlockScanner {
  readonly #text: Buffer;
  readonly #textStart: number;
  readonly #wanted: (label: string) => boolean;
  readonly #diagnostics: Diagnostic[];
  #position: number;
  #blocks = 0;
  #previousEnd: number;
  /** Line ends before #countedTo, plus one. */
  #line = 1;
  #countedTo = 0;
  #nextUnderscore = -1;

  /** `textStart`: after a byte order mark. Diagnostics are added to `diagnostics`. */
  constructor(
    text: Buffer,
    textStart: number,
    wanted: (label: string) => boolean,
    diagnostics: Diagnostic[],
  ) {
    this.#text = text;
    this.#textStart = textStart;
    this.#wanted = wanted;
    this.#diagnostics = diagnostics;
    this.#position = textStart;
    this.#previousEnd = textStart;
  }

  /** The next whole block; undefined at the end. */
  next(): PemBlock | undefined {
    for (;;) {
      const begin = this.#nextMarker(this.#position);
      if (!begin) return undefined;
      this.#position = begin.end;
      // An END without its BEGIN is text like any other.
      if (begin.keyword === 'END') continue;
      if (this.#blocks >= MAX_BLOCKS) {
        this.#report('error', 'limit', `more than ${MAX_BLOCKS} blocks`, begin.start);
        return undefined;
      }
      const block = this.#blockFrom(begin);
      if (block) return block;
      this.#previousEnd = this.#position;
      if (begin.first && begin.last) this.#blocks++;
    }
  }

  #blockFrom(begin: Marker): PemBlock | undefined {
    const wanted = this.#wanted(begin.label);
    if (wanted) {
      const end = this.#text.indexOf(DASH, begin.end);
      if (this.#isEndOf(begin.label, end)) {
        const fast = this.#decodeFast(begin, end);
        if (fast) return this.#finish(begin, end, fast.data, 1 + fast.lines);
      }
      // One scan over the base64: it stops at the dashes of END, or at whatever does not belong.
      const stop = endOfBase64(this.#text, begin.end);
      if (this.#isEndOf(begin.label, stop)) return this.#decode(begin, begin.end, stop);
    }
    // Where the markers are not lines of their own it is a whole block or none: text may speak of markers.
    return begin.first && begin.last ? this.#irregularBlock(begin, wanted) : undefined;
  }

  /** A block that is not simply base64 between its two markers. */
  #irregularBlock(begin: Marker, wanted: boolean): PemBlock | undefined {
    const level = wanted ? 'error' : 'note';
    const marker = this.#nextMarker(begin.end);
    if (marker?.keyword !== 'END') {
      // Another BEGIN starts anew; it is found again from #position.
      this.#report(level, 'truncated', `the block "${begin.label}" is not terminated`, begin.start);
      return undefined;
    }
    this.#position = marker.end;
    if (marker.label !== begin.label) {
      const message = `the block "${begin.label}" ends as "${marker.label}"`;
      this.#report(level, 'malformed', message, begin.start);
      return undefined;
    }
    if (!wanted) return this.#finish(begin, marker.start, undefined);
    const { bodyStart, encrypted } = this.#skipHeaders(begin, marker);
    return this.#decode(begin, bodyStart, marker.start, encrypted);
  }

  #decode(begin: Marker, from: number, to: number, encrypted = false): PemBlock | undefined {
    this.#position = to;
    if (to - from > MAX_BLOCK_BYTES) {
      this.#report('error', 'limit', `a block of more than ${MAX_BLOCK_BYTES} bytes`, begin.start);
      return undefined;
    }
    const stop = endOfBase64(this.#text, from, to);
    if (stop < to) {
      const octet = (this.#text[stop] ?? 0).toString(16).padStart(2, '0');
      this.#report('error', 'malformed', `bad base64: unexpected octet 0x${octet}`, stop);
      return undefined;
    }
    const data = decodeBase64(this.#text, from, to);
    if (!data?.length) {
      this.#report(
        'error',
        'malformed',
        data ? 'the block is empty' : 'bad base64: wrong length',
        begin.start,
      );
      return undefined;
    }
    return this.#finish(begin, to, data, undefined, encrypted);
  }

  #decodeFast(begin: Marker, end: number): ReturnType<typeof decodeBase64Lines> {
    const body = begin.end + (this.#text[begin.end] === CR ? 2 : 1);
    if (this.#text[body - 1] !== LF || end - body > MAX_BLOCK_BYTES) return undefined;
    if (this.#nextUnderscore < body) {
      const found = this.#text.indexOf(UNDERSCORE, body);
      this.#nextUnderscore = found < 0 ? Infinity : found;
    }
    return this.#nextUnderscore < end ? undefined : decodeBase64Lines(this.#text, body, end);
  }

  /** `lines`: how many lines end between the two markers, if that is known. */
  #finish(
    begin: Marker,
    endMarker: number,
    data: Uint8Array | undefined,
    lines?: number,
    encrypted = false,
  ): PemBlock {
    this.#blocks++;
    const firstLine = this.#lineAt(begin.start);
    if (lines !== undefined) {
      this.#line = firstLine + lines;
      this.#countedTo = endMarker;
    }
    const lastLine = this.#lineAt(endMarker);
    const end = endMarker + '-----END -----'.length + begin.label.length;
    const textStart = this.#previousEnd;
    this.#previousEnd = end;
    this.#position = end;
    // Written out: spreading objects takes longer than decoding a certificate.
    return {
      label: begin.label,
      data,
      start: begin.start,
      end,
      firstLine,
      lastLine,
      textStart,
      encrypted,
      midLine: !begin.first,
    };
  }

  /** The next BEGIN, or the next END at the start of a line. */
  #nextMarker(from: number): Marker | undefined {
    const text = this.#text;
    let position = from;
    for (;;) {
      const start = text.indexOf(DASHES, position);
      if (start < 0) return undefined;
      const marker = this.#markerAt(start);
      if (marker) return marker;
      position = start + DASHES.length;
      while (text[position] === DASH) position++;
    }
  }

  #markerAt(start: number): Marker | undefined {
    const text = this.#text;
    const keywordStart = start + DASHES.length;
    // B or E, looked at first because most lines of dashes are neither.
    const begins = text[keywordStart] === 0x42;
    if (!begins && text[keywordStart] !== 0x45) return undefined;
    const keyword = begins ? 'BEGIN' : 'END';
    const labelStart = keywordStart + keyword.length + 1;
    const line = text.toString('latin1', keywordStart, labelStart + MAX_LABEL_BYTES);
    if (!line.startsWith(keyword) || line.charCodeAt(keyword.length) !== SPACE) return undefined;
    const labelEnd = line.indexOf('-----', keyword.length + 1);
    if (labelEnd < 0) return undefined;
    const label = line.slice(keyword.length + 1, labelEnd);
    if (/[\r\n]/.test(label)) return undefined;
    const end = keywordStart + labelEnd + DASHES.length;
    const first = this.#atLineStart(start);
    return first || begins ? { keyword, label, start, end, first, last: this.#atLineEnd(end) } : undefined;
  }

  #isEndOf(label: string, position: number): boolean {
    if (position < 0 || this.#text[position] !== DASH) return false;
    const length = label.length + '-----END -----'.length;
    return this.#text.toString('latin1', position, position + length) === `-----END ${label}-----`;
  }

  #atLineStart(position: number): boolean {
    let before = position - 1;
    while (before >= this.#textStart) {
      const octet = this.#text[before];
      if (octet === LF || octet === CR) return true;
      if (octet !== SPACE && octet !== TAB) return false;
      before--;
    }
    return true;
  }

  #atLineEnd(position: number): boolean {
    let after = position;
    while (this.#text[after] === SPACE || this.#text[after] === TAB) after++;
    const octet = this.#text[after];
    return octet === undefined || octet === LF || octet === CR;
  }

  /** Where the base64 begins after RFC 1421 headers. */
  #skipHeaders(
    begin: Marker,
    endMarker: Marker,
  ): { readonly bodyStart: number; readonly encrypted: boolean } {
    const limit = Math.min(endMarker.start, begin.end + MAX_HEADER_BYTES);
    const text = this.#text.toString('latin1', begin.end, limit);
    if (!/^\s*[\w-]+:/.test(text)) return { bodyStart: begin.end, encrypted: false };
    const first = text.search(/\S/);
    const blank = /\n[ \t]*\n|\r\n[ \t]*\r\n|\r[ \t]*\r/.exec(text.slice(first));
    const headers = blank ? text.slice(0, first + blank.index) : text;
    return { bodyStart: begin.end + headers.length, encrypted: headers.includes('ENCRYPTED') };
  }

  #lineAt(position: number): number {
    const text = this.#text;
    let line = this.#line;
    if (position < this.#countedTo) return line;
    for (let at = this.#countedTo; at < position; at++) {
      const octet = text[at];
      if (octet === LF || (octet === CR && text[at + 1] !== LF)) line++;
    }
    this.#line = line;
    this.#countedTo = position;
    return line;
  }

  #report(level: Diagnostic['level'], code: ProblemCode, message: string, offset: number): void {
    if (this.#diagnostics.length > MAX_DIAGNOSTICS) return;
    if (this.#diagnostics.length === MAX_DIAGNOSTICS) {
      this.#diagnostics.push({ level: 'error', code: 'limit', message: 'further problems are not listed' });
      return;
    }
    const line = this.#lineAt(offset);
    const diagnosticCode = level === 'note' ? 'note' : code;
    this.#diagnostics.push({ level, code: diagnosticCode, message, offset, line });
  }
}
