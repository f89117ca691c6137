/**
 * The bytes of an image's files. A layer that can be read anywhere is asked when a file is; of one that comes as a
 * stream, what may matter is kept as it goes by, and what is asked for in vain is fetched by going through it again.
 */

import { FsError } from '../core/target.ts';
import type { Source } from '../formats/archive.ts';
import { inParallel } from './in-parallel.ts';
import { KIND, type Entries } from './entries.ts';
import type { LayerContent, LayerSource } from './image-source.ts';
import type { RecordedLayer } from './layer-record.ts';
import { readRanges } from './ranges.ts';

/** What the index of an image and the contents that are kept may take together. */
const MEMORY = 80 << 20;
const LEAST_KEPT = 24 << 20;
const MOST_KEPT = 48 << 20;

export class Contents {
  readonly #layers: readonly LayerSource[];
  readonly #entries: Entries;
  readonly #kept = new Map<number, Buffer>();
  #keptBytes = 0;
  /** Asked for since the image was opened: what is not can go when there is no room. */
  readonly #used = new Set<number>();
  readonly #missing = new Set<number>();
  /** Asked for, but there is no room for all. */
  readonly #refused = new Set<number>();
  readonly #indexSize: () => number;
  /** Of layers that were not read because they are known: what is kept of them. */
  readonly #recorded = new Map<number, RecordedLayer>();

  /** `indexSize`: bytes that the index of the image takes, which grows while layers are read. */
  constructor(layers: readonly LayerSource[], entries: Entries, indexSize: () => number) {
    this.#layers = layers;
    this.#entries = entries;
    this.#indexSize = indexSize;
  }

  /** Bytes that may be kept in all. */
  get bound(): number {
    return Math.min(MOST_KEPT, Math.max(LEAST_KEPT, MEMORY - this.#indexSize()));
  }

  get room(): number {
    return this.bound - this.#keptBytes;
  }

  /** Nothing was read of the layer: what is kept of it is here. */
  addRecorded(layer: number, recorded: RecordedLayer): void {
    this.#recorded.set(layer, recorded);
  }

  close(): void {
    for (const recorded of this.#recorded.values()) recorded.close();
    this.#recorded.clear();
  }

  keep(entry: number, bytes: Buffer): void {
    if (this.#kept.has(entry)) return;
    this.#kept.set(entry, bytes);
    this.#keptBytes += bytes.length;
  }

  /** The content of a file as something to read from. Throws {@link FsError} when it is not at hand. */
  open(entry: number, path: string): Source {
    const size = this.#entries.sizeOf(entry);
    if (this.#entries.kind(entry) === KIND.sparse) {
      throw new FsError('io', path, 'a sparse file, which is not read from an archive');
    }
    if (size === 0) return EMPTY;
    const content = this.#layers[this.#entries.layer(entry)]?.content;
    if (content?.kind === 'seekable') return part(content.source, this.#entries.offset(entry), size);
    this.#used.add(entry);
    const bytes = this.#kept.get(entry) ?? this.#recordedContent(entry);
    if (bytes) return { size, read: (into, offset) => bytes.copy(into, 0, offset) };
    throw this.#absent(entry, path, size);
  }

  /** The content as a whole; not to be changed. */
  read(entry: number, path: string): Uint8Array {
    const kept = this.#kept.get(entry) ?? this.#recordedContent(entry);
    if (kept) {
      this.#used.add(entry);
      return kept;
    }
    const source = this.open(entry, path);
    const bytes = Buffer.allocUnsafe(source.size);
    if (source.read(bytes, 0) < bytes.length) throw new FsError('io', path, 'its archive is cut off');
    return bytes;
  }

  /** Gets what was asked for in vain; true when asking again makes sense. */
  async fetch(): Promise<boolean> {
    if (this.#missing.size === 0) return false;
    this.dropUnused();
    const wanted = this.#takeFitting();
    await inParallel(this.#layers, (layer, number) => {
      const entries = wanted.filter((entry) => this.#entries.layer(entry) === number);
      return this.#fetchFrom(layer.content, entries);
    });
    return true;
  }

  /** The layer's archive from its beginning; undefined when it can be read anywhere. */
  stream(layer: number): AsyncIterable<Uint8Array> | undefined {
    const content = this.#layers[layer]?.content;
    return content?.kind === 'stream' ? content.open() : undefined;
  }

  /** Makes room: what nobody has asked for goes. */
  dropUnused(): void {
    for (const [entry, bytes] of this.#kept) {
      if (this.#used.has(entry)) continue;
      this.#kept.delete(entry);
      this.#keptBytes -= bytes.length;
    }
  }

  #recordedContent(entry: number): Buffer | undefined {
    if (this.#entries.kind(entry) !== KIND.file) return undefined;
    const bytes = this.#recorded.get(this.#entries.layer(entry))?.content(this.#entries.offset(entry));
    return bytes?.length === this.#entries.sizeOf(entry) ? bytes : undefined;
  }

  #absent(entry: number, path: string, size: number): FsError {
    if (size > this.bound || this.#refused.has(entry)) {
      const mebibytes = Math.floor(this.bound / (1 << 20));
      const message = `file of ${size} bytes in a compressed layer: more than the ${mebibytes} MiB kept in memory`;
      return new FsError('too-large', path, message);
    }
    this.#missing.add(entry);
    return new FsError('io', path, 'not fetched yet');
  }

  /** As many as there is room for, the small ones first; the others are refused from now on. */
  #takeFitting(): readonly number[] {
    const bySize = [...this.#missing].toSorted((a, b) => this.#entries.sizeOf(a) - this.#entries.sizeOf(b));
    this.#missing.clear();
    const fitting: number[] = [];
    let { room } = this;
    for (const entry of bySize) {
      room -= this.#entries.sizeOf(entry);
      if (room >= 0) fitting.push(entry);
      else this.#refused.add(entry);
    }
    return fitting;
  }

  async #fetchFrom(content: LayerContent, entries: readonly number[]): Promise<void> {
    if (content.kind !== 'stream' || entries.length === 0) return;
    const ranges = entries
      .map((entry) => {
        const size = this.#entries.sizeOf(entry);
        return { entry, offset: this.#entries.offset(entry), size, bytes: Buffer.allocUnsafeSlow(size) };
      })
      .toSorted((a, b) => a.offset - b.offset);
    for await (const { range, piece, at } of readRanges(content.open(), ranges)) {
      piece.copy(range.bytes, at);
      if (at + piece.length === range.size) this.keep(range.entry, range.bytes);
    }
    // The stream is verified by now.
    content.slot?.add(new Map(ranges.map(({ offset, bytes }) => [offset, bytes])));
  }
}

const EMPTY: Source = { size: 0, read: () => 0 };

function part(source: Source, start: number, size: number): Source {
  return {
    size,
    read: (into, offset) => {
      if (offset >= size) return 0;
      return source.read(into.subarray(0, Math.min(into.length, size - offset)), start + offset);
    },
  };
}
