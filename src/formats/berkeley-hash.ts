/**
 * Hash databases of Berkeley DB 1.85 (`dbm`), as NSS and Netscape programs wrote them: pages with pairs of key and
 * data, found by a header of big-endian numbers. Written after 4.4BSD's hash(3) and its page layout.
 */

import { ByteReader } from '../core/bytes.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';

export interface HashPair {
  readonly key: Uint8Array;
  readonly data: Uint8Array;
  /** Offset of the page on which the pair begins. */
  readonly offset: number;
}

const MAGIC = 0x00061561;
const LITTLE_ENDIAN = 1234;
const BIG_ENDIAN = 4321;
const MIN_PAGE = 512;
const MAX_PAGE = 65536;
const MAX_DIAGNOSTICS = 100;

/** What the second word of a pair says in place of an offset. */
const OVERFLOW = 0;
const PARTIAL_KEY = 1;
const FULL_KEY = 2;
const FULL_KEY_DATA = 3;

interface Header {
  readonly littleEndian: boolean;
  readonly pageSize: number;
  readonly lastBucket: number;
  readonly pairs: number;
  readonly headerPages: number;
  /** Overflow pages before the buckets of each power of two. */
  readonly spares: readonly number[];
}

export function isBerkeleyHash(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new ByteReader(bytes).u32() === MAGIC;
}

/** Every pair of the database, in the order of its buckets. Each page is read once, whatever points to it. */
export function readBerkeleyHash(bytes: Uint8Array): Parsed<HashPair> {
  try {
    const header = readHeader(bytes);
    return new Walk(bytes, header).pairs();
  } catch (error) {
    return { entries: [], diagnostics: [toDiagnostic(error)] };
  }
}

function readHeader(bytes: Uint8Array): Header {
  const reader = new ByteReader(bytes);
  if (reader.u32() !== MAGIC) throw new FormatError('malformed', 'no Berkeley DB hash file', 0);
  const version = reader.u32();
  if (version !== 1 && version !== 2) throw new FormatError('unsupported', `hash version ${version}`, 4);
  const order = reader.u32();
  if (order !== LITTLE_ENDIAN && order !== BIG_ENDIAN) {
    throw new FormatError('malformed', `byte order ${order}`, 8);
  }
  const pageSize = reader.u32();
  if (pageSize < MIN_PAGE || pageSize > MAX_PAGE || (pageSize & (pageSize - 1)) !== 0) {
    throw new FormatError('malformed', `page size ${pageSize}`, 12);
  }
  reader.seek(40);
  const lastBucket = reader.u32();
  reader.seek(56);
  const pairs = reader.u32();
  const headerPages = reader.u32();
  reader.seek(68);
  const spares = Array.from({ length: 32 }, () => reader.u32());
  if ((lastBucket + 1) * pageSize > 2 * bytes.length + 2 * pageSize) {
    throw new FormatError('malformed', `${lastBucket + 1} buckets do not fit the file`, 40);
  }
  return { littleEndian: order === LITTLE_ENDIAN, pageSize, lastBucket, pairs, headerPages, spares };
}

/** A page as its 16-bit words. */
interface Page {
  readonly number: number;
  readonly offset: number;
  readonly words: number;
  word(index: number): number;
}

interface BigPair {
  readonly pair: HashPair;
  /** Address of the overflow page on which the chain goes on, if it does. */
  readonly next: number | undefined;
}

class Walk {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #header: Header;
  readonly #visited = new Set<number>();
  readonly #entries: HashPair[] = [];
  readonly #diagnostics: Diagnostic[] = [];
  #beyondEnd = false;

  constructor(bytes: Uint8Array, header: Header) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#header = header;
  }

  pairs(): Parsed<HashPair> {
    const { lastBucket, pairs } = this.#header;
    for (let bucket = 0; bucket <= lastBucket; bucket++) {
      try {
        this.#readChain(this.#bucketPage(bucket));
      } catch (error) {
        const diagnostic = toDiagnostic(error);
        if (this.#diagnostics.length < MAX_DIAGNOSTICS) this.#diagnostics.push(diagnostic);
      }
    }
    if (this.#entries.length < pairs && this.#diagnostics.length === 0) {
      const message = `${this.#entries.length} of ${pairs} entries found`;
      this.#diagnostics.push(
        this.#beyondEnd
          ? { level: 'error', code: 'truncated', message }
          : { level: 'note', code: 'note', message },
      );
    }
    return { entries: this.#entries, diagnostics: this.#diagnostics };
  }

  #bucketPage(bucket: number): number {
    const { headerPages, spares } = this.#header;
    const power = Math.ceil(Math.log2(bucket + 1));
    return bucket + headerPages + (bucket === 0 ? 0 : (spares[power - 1] ?? 0));
  }

  #overflowPage(address: number): number {
    return this.#bucketPage(2 ** (address >> 11) - 1) + (address & 0x7ff);
  }

  /** Undefined where nothing was ever written. */
  #page(number: number): Page | undefined {
    const { pageSize, littleEndian } = this.#header;
    const offset = number * pageSize;
    if (offset >= this.#bytes.length) {
      this.#beyondEnd = true;
      return undefined;
    }
    if (this.#visited.has(number)) throw new FormatError('malformed', 'page used twice', offset);
    this.#visited.add(number);
    if (offset + pageSize > this.#bytes.length) throw new FormatError('truncated', 'page cut off', offset);
    const word = (index: number): number => {
      if (index * 2 + 2 > pageSize) throw new FormatError('malformed', 'index outside its page', offset);
      return this.#view.getUint16(offset + index * 2, littleEndian);
    };
    const words = word(0);
    if (words === 0) return undefined;
    if (words % 2 !== 0 || (words + 3) * 2 > pageSize) {
      throw new FormatError('malformed', `page with ${words} index words`, offset);
    }
    return { number, offset, words, word };
  }

  #readChain(first: number): void {
    for (let next: number | undefined = first; next !== undefined;) {
      const page = this.#page(next);
      if (!page) return;
      const address = isBig(page) ? this.#readBig(page) : this.#readPairs(page);
      next = address === undefined ? undefined : this.#overflowPage(address);
    }
  }

  #readBig(page: Page): number | undefined {
    const { pair, next } = this.#bigPair(page);
    this.#entries.push(pair);
    return next;
  }

  /** The pairs of an ordinary page; the address of the page that continues it. */
  #readPairs(page: Page): number | undefined {
    let previous = this.#header.pageSize;
    for (let index = 1; index < page.words; index += 2) {
      const keyStart = page.word(index);
      const dataStart = page.word(index + 1);
      if (dataStart === OVERFLOW) return keyStart;
      if (dataStart > keyStart || keyStart > previous || dataStart < (page.words + 3) * 2) {
        throw new FormatError('malformed', 'pair outside its page', page.offset);
      }
      const key = this.#slice(page, keyStart, previous);
      this.#entries.push({ key, data: this.#slice(page, dataStart, keyStart), offset: page.offset });
      previous = dataStart;
    }
    return undefined;
  }

  #slice({ offset }: Page, start: number, end: number): Uint8Array {
    if (start > end || end > this.#header.pageSize) {
      throw new FormatError('malformed', 'part of an entry outside its page', offset);
    }
    return this.#bytes.subarray(offset + start, offset + end);
  }

  /** A pair that does not fit one page: parts of the key, then parts of the data, each on a page of its own. */
  #bigPair(first: Page): BigPair {
    const { pageSize } = this.#header;
    const keys: Uint8Array[] = [];
    const data: Uint8Array[] = [];
    const done = (next: number | undefined): BigPair => ({
      pair: { key: Buffer.concat(keys), data: Buffer.concat(data), offset: first.offset },
      next,
    });
    let page = first;
    for (; page.word(2) === PARTIAL_KEY; page = this.#following(page)) {
      keys.push(this.#slice(page, page.word(1), pageSize));
    }
    keys.push(this.#slice(page, page.word(1), pageSize));
    if (page.word(2) === FULL_KEY_DATA) {
      data.push(this.#slice(page, page.word(page.words), page.word(1)));
      // Data that ends on this page leaves a byte free: that is the only sign.
      const complete = page.word(page.words + 1) !== 0;
      if (complete) return done(page.words > 2 ? page.word(page.words - 1) : undefined);
    } else if (page.word(2) !== FULL_KEY) {
      throw new FormatError('malformed', 'large entry without its data', page.offset);
    }
    for (;;) {
      page = this.#following(page);
      data.push(this.#slice(page, page.word(1), pageSize));
      if (page.word(2) === FULL_KEY_DATA) break;
      if (page.word(2) !== FULL_KEY)
        throw new FormatError('malformed', 'large entry breaks off', page.offset);
    }
    return done(page.words > 2 ? page.word(page.words - 1) : undefined);
  }

  #following(page: Page): Page {
    const next = this.#page(this.#overflowPage(page.word(page.words - 1)));
    if (!next || !isBig(next)) throw new FormatError('malformed', 'large entry breaks off', page.offset);
    return next;
  }
}

function isBig(page: Page): boolean {
  const kind = page.word(2);
  return kind >= PARTIAL_KEY && kind <= FULL_KEY_DATA;
}
