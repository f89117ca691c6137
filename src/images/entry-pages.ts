/**
 * The entries of a layer's archive in few bytes, in pages that can be read one by one: names without what they share
 * with the name before, numbers in as many bytes as they need.
 */

import { FormatError } from '../core/errors.ts';
import type { TarEntry } from '../formats/tar.ts';
import { fromLatin1, toLatin1 } from './latin1.ts';

const BLOCK = 512;
const PAGE = 64 << 10;

/** Their place in it is what is written: only ever add to its end. */
const KINDS = [
  'file',
  'directory',
  'link',
  'hard-link',
  'whiteout',
  'other',
] as const satisfies readonly TarEntry['kind'][];
const SPARSE = 8;
const OPAQUE = 16;
const LINK = 32;

export class EntryPageWriter {
  #bytes = Buffer.allocUnsafe(2 * PAGE);
  #length = 0;
  #path = '';
  #block = 0;

  /** A page that is full, gone with the next call. */
  add(entry: TarEntry): Buffer | undefined {
    const path = toLatin1(entry.path);
    const link = entry.link === undefined ? '' : toLatin1(entry.link);
    this.#makeRoom(path.length + link.length + 100);
    const shared = sharedLength(this.#path, path);
    this.#number(shared);
    this.#text(path.slice(shared));
    this.#path = path;
    const flags =
      (entry.sparse ? SPARSE : 0) | (entry.opaque ? OPAQUE : 0) | (entry.link === undefined ? 0 : LINK);
    this.#number(KINDS.indexOf(entry.kind) | flags);
    this.#number(entry.size);
    this.#number(entry.mode);
    this.#number(entry.uid);
    this.#number(entry.modified / 1000);
    const block = entry.offset / BLOCK;
    this.#number(block - this.#block);
    this.#block = block;
    if (entry.link !== undefined) this.#text(link);
    return this.#length >= PAGE ? this.take() : undefined;
  }

  /** What there is of a page; undefined when there is nothing. */
  take(): Buffer | undefined {
    if (this.#length === 0) return undefined;
    const page = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    this.#path = '';
    this.#block = 0;
    return page;
  }

  #makeRoom(length: number): void {
    const needed = this.#length + length;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * needed);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }

  /** Seven bits in each byte, the lowest first. What is no such number is 0, as whoever reads entries takes it. */
  #number(value: number): void {
    let rest = value > 0 ? Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER) : 0;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  #text(latin1: string): void {
    this.#number(latin1.length);
    this.#length += this.#bytes.write(latin1, this.#length, 'latin1');
  }
}

function sharedLength(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  let shared = 0;
  while (shared < length && one.charCodeAt(shared) === other.charCodeAt(shared)) shared++;
  return shared;
}

/** Throws {@link FormatError} for what {@link EntryPageWriter} never wrote. */
export function* readEntryPage(page: Buffer): Generator<TarEntry> {
  const reader = new Reader(page);
  let path = '';
  let block = 0;
  while (!reader.atEnd) {
    path = path.slice(0, reader.number()) + reader.text();
    const flags = reader.number();
    const kind = KINDS[flags & 7];
    if (kind === undefined) throw reader.damaged();
    const [size, mode, uid, modified] = [reader.number(), reader.number(), reader.number(), reader.number()];
    block += reader.number();
    const link = (flags & LINK) === 0 ? undefined : fromLatin1(reader.text());
    yield {
      path: fromLatin1(path),
      kind,
      size,
      mode,
      uid,
      // Nobody asks for it.
      gid: 0,
      modified: modified * 1000,
      offset: block * BLOCK,
      ...(link !== undefined && { link }),
      ...((flags & SPARSE) !== 0 && { sparse: true }),
      ...((flags & OPAQUE) !== 0 && { opaque: true }),
    };
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined || scale > Number.MAX_SAFE_INTEGER) throw this.damaged();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    const length = this.number();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw this.damaged();
    const text = this.#bytes.toString('latin1', this.#at, end);
    this.#at = end;
    return text;
  }

  damaged(): FormatError {
    return new FormatError('malformed', 'a damaged list of entries', this.#at);
  }
}
