/** Where the certificates of a PEM file lie, and what goes with each: whole lines where it has them for itself. */

import { asBuffer } from '../../core/bytes.ts';
import { sha256, type Sha256 } from '../../core/certificate.ts';
import { parsePem } from '../../formats/pem.ts';

/** Byte offsets, `end` exclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface PemBlock extends ByteRange {
  /** Every certificate in it: a PKCS#7 block has several. */
  readonly certificates: readonly Sha256[];
  /** Line numbers, from 1. */
  readonly firstLine: number;
  readonly lastLine: number;
  /** The range is these lines, no more and no less. */
  readonly hasWholeLines: boolean;
}

export interface PemBlocks {
  /** In their order. */
  readonly blocks: readonly PemBlock[];
  /** The file has blocks of other kinds, or damaged ones: a private key. */
  readonly hasOthers: boolean;
}

export function findPemBlocks(bytes: Uint8Array): PemBlocks {
  const text = new Text(bytes);
  const found = new Map<number, PemBlock>();
  for (const { der, start, end, firstLine, lastLine } of parsePem(bytes).entries) {
    const known = found.get(start);
    const certificates = [...(known?.certificates ?? []), sha256(der)];
    found.set(start, { ...(known ?? text.placed({ start, end, firstLine, lastLine })), certificates });
  }
  const blocks = [...found.values()].toSorted((a, b) => a.start - b.start);
  return { blocks, hasOthers: text.countMarkers() > blocks.filter((block) => !text.isAll(block)).length };
}

const [TAB, LF, CR, SPACE] = [0x09, 0x0a, 0x0d, 0x20];

/** Characters by their offset in the bytes: one octet each, or two in UTF-16. */
class Text {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #wide: 'little' | 'big' | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = asBuffer(bytes);
    const [first, second, third] = this.#bytes;
    this.#wide =
      first === 0xff && second === 0xfe ? 'little' : first === 0xfe && second === 0xff ? 'big' : undefined;
    this.#start = this.#wide ? 2 : first === 0xef && second === 0xbb && third === 0xbf ? 3 : 0;
  }

  /** A block with its lines, where nothing but blanks is on them besides. */
  placed({
    start,
    end,
    firstLine,
    lastLine,
  }: Omit<PemBlock, 'certificates' | 'hasWholeLines'>): Omit<PemBlock, 'certificates'> {
    const lines = { firstLine, lastLine };
    const width = this.#wide ? 2 : 1;
    let from = start;
    while (from > this.#start && this.#isBlank(from - width)) from -= width;
    let to = end;
    while (to < this.#bytes.length && this.#isBlank(to)) to += width;
    const startsLine = from <= this.#start || this.#isLineEnd(from - width);
    const endsLine = to >= this.#bytes.length || this.#isLineEnd(to);
    if (!startsLine || !endsLine) return { start, end, ...lines, hasWholeLines: false };
    if (this.#at(to) === CR && this.#at(to + width) === LF) to += width;
    const range = { start: from, end: Math.min(to + width, this.#bytes.length) };
    // A byte order mark is part of the first line for sed, and not of the block.
    return { ...range, ...lines, hasWholeLines: !this.#wide && (from > this.#start || this.#start === 0) };
  }

  /** How many blocks begin, of whatever kind. */
  countMarkers(): number {
    const marker = Buffer.from('-----BEGIN ', this.#wide ? 'utf16le' : 'latin1');
    if (this.#wide === 'big') marker.swap16();
    let count = 0;
    for (let at = this.#bytes.indexOf(marker); at >= 0; at = this.#bytes.indexOf(marker, at + 1)) count++;
    return count;
  }

  /** A DER file is one block without marker. */
  isAll({ start, end }: ByteRange): boolean {
    return start === 0 && end === this.#bytes.length && this.#bytes[0] === 0x30;
  }

  #at(offset: number): number | undefined {
    const octet = this.#bytes[offset];
    if (!this.#wide || octet === undefined) return octet;
    const next = this.#bytes[offset + 1] ?? 0;
    return this.#wide === 'little' ? octet | (next << 8) : (octet << 8) | next;
  }

  #isBlank(offset: number): boolean {
    const character = this.#at(offset);
    return character === SPACE || character === TAB;
  }

  #isLineEnd(offset: number): boolean {
    const character = this.#at(offset);
    return character === LF || character === CR;
  }
}
