/** Reading a layer for the first time: all its headers, and of a stream those contents that may matter. */

import { asBuffer } from '../core/bytes.ts';
import type { Diagnostic } from '../core/errors.ts';
import type { Source } from '../formats/archive.ts';
import { tarEntries, TarStream, type TarEntry } from '../formats/tar.ts';
import type { Contents } from './contents.ts';
import { NOTHING } from './entries.ts';
import type { LayerContent } from './image-source.ts';
import { isTelling, SNIFFED, worthOf } from './keep-rules.ts';
import type { LayerIndex } from './layer-index.ts';

/** What part of the memory for contents is left free for those that matter more, or take less. */
const RESERVED = { settings: 0, certificates: 0.1, sniff: 0.5 } as const;

export async function readLayer(
  content: LayerContent,
  index: LayerIndex,
  contents: Contents,
  isStopped: () => boolean,
): Promise<readonly Diagnostic[]> {
  return content.kind === 'seekable'
    ? readSeekable(content.source, index)
    : readStream(content.open(), index, contents, isStopped);
}

/** Nothing but the archive itself tells whether it is whole. */
function readSeekable(source: Source, index: LayerIndex): readonly Diagnostic[] {
  const { entries, diagnostics } = tarEntries(source);
  for (const entry of entries) index.add(entry);
  return diagnostics.map((each) => (each.code === 'truncated' ? { ...each, level: 'error' } : each));
}

async function readStream(
  stream: AsyncIterable<Uint8Array>,
  index: LayerIndex,
  contents: Contents,
  isStopped: () => boolean,
): Promise<readonly Diagnostic[]> {
  const tar = new TarStream();
  const keeper = new Keeper(tar, contents);
  for await (const chunk of stream) {
    if (isStopped()) break;
    for (const event of tar.push(asBuffer(chunk))) {
      if (event instanceof Uint8Array) keeper.piece(event);
      else keeper.begin(event, index.add(event));
    }
  }
  tar.end();
  // The stream itself fails when it ends too early.
  return tar.diagnostics.filter(({ level }) => level === 'error');
}

/** Keeps contents of a stream while they go by. */
class Keeper {
  readonly #tar: TarStream;
  readonly #contents: Contents;
  readonly #head = Buffer.alloc(SNIFFED);
  #entry = NOTHING;
  #size = 0;
  #length = 0;
  /** Undefined while its first bytes are looked at. */
  #bytes: Buffer | undefined;

  constructor(tar: TarStream, contents: Contents) {
    this.#tar = tar;
    this.#contents = contents;
  }

  begin({ path, kind, size }: TarEntry, entry: number): void {
    if (entry === NOTHING || kind !== 'file' || size === 0) return;
    const worth = worthOf(path, size);
    const { room, bound } = this.#contents;
    if (worth === 'none' || size > room - bound * RESERVED[worth]) return;
    this.#entry = entry;
    this.#size = size;
    this.#length = 0;
    this.#bytes = worth === 'sniff' ? undefined : Buffer.allocUnsafeSlow(size);
    this.#tar.take();
  }

  piece(piece: Uint8Array): void {
    let rest = piece;
    if (!this.#bytes) {
      const wanted = Math.min(SNIFFED, this.#size) - this.#length;
      this.#head.set(piece.subarray(0, wanted), this.#length);
      this.#length += Math.min(piece.length, wanted);
      if (piece.length < wanted) return;
      if (!isTelling(this.#head.subarray(0, this.#length), this.#size)) {
        this.#tar.skip();
        return;
      }
      this.#bytes = Buffer.allocUnsafeSlow(this.#size);
      this.#bytes.set(this.#head.subarray(0, this.#length));
      rest = piece.subarray(wanted);
    }
    this.#bytes.set(rest, this.#length);
    this.#length += rest.length;
    if (this.#length === this.#size) this.#contents.keep(this.#entry, this.#bytes);
  }
}
