/**
 * Tar archives read in two ways by the same headers: from header to header of a file that can be read anywhere, or as
 * a stream that goes by once.
 */

import type { Diagnostic } from '../core/errors.ts';
import type { Source } from './archive.ts';
import { BLOCK } from './tar-fields.ts';
import { TarHeaders, type TarEntry, type TarStep } from './tar-header.ts';

export type { TarEntry } from './tar-header.ts';

export interface TarListing {
  /** To be gone through once. Never throws, but for what the source throws. */
  readonly entries: Iterable<TarEntry>;
  /** Grows while the entries are gone through. An archive without end mark gets a note of code `truncated`. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads headers only: content is skipped over. */
export function tarEntries(source: Source): TarListing {
  const headers = new TarHeaders();
  return { entries: walk(source, headers), diagnostics: headers.diagnostics };
}

/** Content ends at a multiple of the block size. */
function padded(length: number): number {
  return Math.ceil(length / BLOCK) * BLOCK;
}

function* walk(source: Source, headers: TarHeaders): Generator<TarEntry> {
  const window = new Window(source);
  let position = 0;
  for (;;) {
    if (position + BLOCK > source.size || !window.load(position)) {
      headers.finish(Math.min(position, source.size), position !== source.size);
      return;
    }
    const step = headers.block(window.bytes, position - window.start, position);
    position += BLOCK;
    if (step.kind === 'end') return;
    if (step.kind === 'more') continue;
    const end = position + step.stored;
    // What is cut off is said before the entry that it hits.
    if (end > source.size) headers.finish(source.size, true);
    if (step.kind === 'entry' && step.entry) yield step.entry;
    if (headers.ended) return;
    if (step.kind === 'extension' && step.wanted) {
      const bytes = window.piece(position, step.stored);
      if (!bytes) return headers.finish(position, true);
      headers.extension(bytes);
    }
    position += padded(step.stored);
    // Padding that is missing at the very end loses nothing.
    if (position > source.size) position = source.size;
  }
}

const WINDOW = 64 << 10;
/** A header, a long name with its own, and the header after it. */
const SMALL_WINDOW = 2 << 10;
/** Headers that lie nearer to each other than this are faster read together with what lies between them. */
const NEAR = 8 << 10;

/** A piece of the archive in which the next headers may lie. */
class Window {
  readonly bytes = Buffer.allocUnsafe(WINDOW);
  start = 0;
  #length = 0;
  readonly #source: Source;
  /** How far apart headers were of late. */
  #distance = NEAR;
  #last = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  /** True when the block at `position` is in {@link bytes}. */
  load(position: number): boolean {
    this.#distance += (position - this.#last - this.#distance) / 8;
    this.#last = position;
    if (position >= this.start && position + BLOCK <= this.start + this.#length) return true;
    const wanted = this.#distance < NEAR ? WINDOW : SMALL_WINDOW;
    const length = Math.min(wanted, this.#source.size - position);
    this.start = position;
    this.#length = this.#source.read(this.bytes.subarray(0, length), position);
    return this.#length >= BLOCK;
  }

  /** The bytes of an extension: most often they came along with its header. */
  piece(position: number, length: number): Buffer | undefined {
    const from = position - this.start;
    if (from >= 0 && from + length <= this.#length) return this.bytes.subarray(from, from + length);
    const bytes = Buffer.allocUnsafe(length);
    return this.#source.read(bytes, position) === length ? bytes : undefined;
  }
}

/** The same for bytes that come piece by piece. */
export class TarStream {
  readonly #headers = new TarHeaders();
  readonly #block = Buffer.alloc(BLOCK);
  /** Bytes in {@link #block}: a header of which only the first part is there. */
  #partial = 0;
  #position = 0;
  /** Bytes of the current content that are still to come; padding is not among them. */
  #content = 0;
  #skip = 0;
  #taking = false;
  #extension: Buffer | undefined;
  #extensionLength = 0;

  get diagnostics(): readonly Diagnostic[] {
    return this.#headers.diagnostics;
  }

  /** To be called upon an entry: its content then comes in pieces, which are views of what is pushed. */
  take(): void {
    this.#taking = true;
  }

  /** No more of the current content, please. */
  skip(): void {
    this.#taking = false;
  }

  /** Entries as their headers go by, and pieces of the content of those that are taken. */
  *push(chunk: Buffer): Generator<TarEntry | Uint8Array> {
    let at = 0;
    while (at < chunk.length && !this.#headers.ended) {
      const left = chunk.length - at;
      if (this.#content > 0) {
        const length = Math.min(this.#content, left);
        this.#advance(length);
        this.#content -= length;
        if (this.#taking) yield chunk.subarray(at, at + length);
        at += length;
      } else if (this.#extension) {
        at += this.#fillExtension(this.#extension, chunk, at);
      } else if (this.#skip > 0) {
        const length = Math.min(this.#skip, left);
        this.#skip -= length;
        this.#advance(length);
        at += length;
      } else if (this.#partial === 0 && left >= BLOCK) {
        const entry = this.#step(this.#headers.block(chunk, at, this.#position));
        at += BLOCK;
        if (entry) yield entry;
      } else {
        const length = chunk.copy(this.#block, this.#partial, at, at + BLOCK - this.#partial);
        this.#partial += length;
        at += length;
        if (this.#partial < BLOCK) return;
        this.#partial = 0;
        const entry = this.#step(this.#headers.block(this.#block, 0, this.#position));
        if (entry) yield entry;
      }
    }
  }

  /** There is no more to push. */
  end(): void {
    this.#headers.finish(
      this.#position + this.#partial,
      this.#content > 0 || this.#partial > 0 || this.#extension !== undefined,
    );
  }

  #advance(length: number): void {
    this.#position += length;
  }

  #step(step: TarStep): TarEntry | undefined {
    this.#advance(BLOCK);
    this.#taking = false;
    if (step.kind === 'end' || step.kind === 'more') return undefined;
    this.#skip = padded(step.stored) - step.stored;
    if (step.kind === 'extension' && step.wanted) {
      if (step.stored === 0) this.#headers.extension(this.#block.subarray(0, 0));
      else this.#extension = Buffer.allocUnsafe(step.stored);
      this.#extensionLength = 0;
      return undefined;
    }
    this.#content = step.stored;
    return step.kind === 'entry' ? step.entry : undefined;
  }

  #fillExtension(extension: Buffer, chunk: Buffer, at: number): number {
    const length = chunk.copy(extension, this.#extensionLength, at);
    this.#extensionLength += length;
    this.#advance(length);
    if (this.#extensionLength === extension.length) {
      this.#extension = undefined;
      this.#headers.extension(extension);
    }
    return length;
  }
}
