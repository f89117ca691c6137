/** Reading a layer for the first time: all its headers, and of a stream those contents that may matter. */

import { asBuffer } from '../core/bytes.ts';
import { FormatError, RootauditError, type Diagnostic } from '../core/errors.ts';
import type { Source } from '../formats/archive.ts';
import { tarEntries, TarStream, type TarEntry } from '../formats/tar.ts';
import type { Contents } from './contents.ts';
import { NOTHING } from './entries.ts';
import type { LayerContent } from './image-source.ts';
import { isTelling, SNIFFED, worthOf } from './keep-rules.ts';
import type { LayerIndex } from './layer-index.ts';
import type { LayerRecorder, RecordedLayer } from './layer-record.ts';

type StreamContent = Extract<LayerContent, { readonly kind: 'stream' }>;

/** What part of the memory for contents is left free for those that matter more, or take less. */
const RESERVED = { settings: 0, certificates: 0.1, sniff: 0.5 } as const;

/** `isPlain`: the archive of a root file system, and no layer of an image. */
export async function readLayer(
  content: LayerContent,
  index: LayerIndex,
  contents: Contents,
  { isPlain, isStopped }: { readonly isPlain: boolean; readonly isStopped: () => boolean },
): Promise<readonly Diagnostic[]> {
  if (content.kind === 'seekable') return readSeekable(content.source, index, isPlain);
  const recorded = content.slot?.find();
  if (!recorded) return readStream(content, index, contents, isStopped);
  contents.addRecorded(index.number, recorded);
  addRecorded(recorded, index);
  return [];
}

function readSeekable(source: Source, index: LayerIndex, isPlain: boolean): readonly Diagnostic[] {
  const { entries, diagnostics } = tarEntries(source);
  for (const entry of entries) index.add(entry);
  // Nothing but the archive itself tells whether it is whole. The size of a layer is told by what it lies in, and
  // programs that make layers leave the end mark out.
  const isWhole = ({ code, level }: Diagnostic): boolean => code !== 'truncated' || level !== 'note';
  return isPlain
    ? diagnostics.map((each) => (isWhole(each) ? each : { ...each, level: 'error' }))
    : diagnostics.filter(isWhole);
}

function addRecorded(recorded: RecordedLayer, index: LayerIndex): void {
  try {
    for (const entry of recorded.entries()) index.add(entry);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new RootauditError(
      'what was kept of a layer was changed while it was read',
      'Try again, or with --no-cache.',
      { cause: error },
    );
  }
}

async function readStream(
  content: StreamContent,
  index: LayerIndex,
  contents: Contents,
  isStopped: () => boolean,
): Promise<readonly Diagnostic[]> {
  const tar = new TarStream();
  const recorder = content.slot?.record();
  const keeper = new Keeper(tar, contents, recorder);
  let isWhole = false;
  try {
    for await (const chunk of content.open()) {
      if (isStopped()) return [];
      for (const event of tar.push(asBuffer(chunk))) {
        if (event instanceof Uint8Array) keeper.piece(event);
        else {
          recorder?.entry(event);
          keeper.begin(event, index.add(event));
        }
      }
    }
    tar.end();
    // The stream itself fails when it ends too early.
    const problems = tar.diagnostics.filter(({ level }) => level === 'error');
    isWhole = problems.length === 0;
    return problems;
  } finally {
    if (isWhole) recorder?.commit();
    else recorder?.discard();
  }
}

/** Keeps contents of a stream while they go by. */
class Keeper {
  readonly #tar: TarStream;
  readonly #contents: Contents;
  readonly #recorder: LayerRecorder | undefined;
  readonly #head = Buffer.alloc(SNIFFED);
  #entry = NOTHING;
  #offset = 0;
  #size = 0;
  #length = 0;
  /** Undefined while its first bytes are looked at. */
  #bytes: Buffer | undefined;

  constructor(tar: TarStream, contents: Contents, recorder: LayerRecorder | undefined) {
    this.#tar = tar;
    this.#contents = contents;
    this.#recorder = recorder;
  }

  begin({ path, kind, size, offset }: TarEntry, entry: number): void {
    if (entry === NOTHING || kind !== 'file' || size === 0) return;
    const worth = worthOf(path, size);
    const { room, bound } = this.#contents;
    if (worth === 'none' || size > room - bound * RESERVED[worth]) return;
    this.#entry = entry;
    this.#offset = offset;
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
    if (this.#length < this.#size) return;
    this.#contents.keep(this.#entry, this.#bytes);
    this.#recorder?.content(this.#offset, this.#bytes);
  }
}
