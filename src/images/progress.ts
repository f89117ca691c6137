/** How far the reading of images is: layers, bytes unpacked, bytes received from a registry. */

import type { ImageSource, LayerContent } from './image-source.ts';
import { withHits } from './layer-cache.ts';

export interface ImageProgressState {
  /** Layers of the image that is read now, or 0 while it is not known yet. */
  readonly layers: number;
  readonly done: number;
  /** Unpacked, since the reference was opened. */
  readonly bytes: number;
  /** Packed, from a registry; 0 of 0 elsewhere. */
  readonly received: number;
  readonly size: number;
}

/** Counts what goes by, and tells about each piece. */
export class ImageProgress {
  readonly #tell: (state: ImageProgressState) => void;
  #state: ImageProgressState = { layers: 0, done: 0, bytes: 0, received: 0, size: 0 };

  constructor(tell: (state: ImageProgressState) => void) {
    this.#tell = tell;
  }

  /** The same image, whose layers are counted while they are read. */
  watch(image: ImageSource): ImageSource {
    this.#add({ layers: image.layers.length - this.#state.layers, done: -this.#state.done });
    return {
      ...image,
      layers: image.layers.map((layer) => ({ ...layer, content: this.#watchContent(layer.content) })),
      close: () => image.close(),
    };
  }

  /** What a pipe or a packed archive gives, while it is copied. */
  copying(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    return this.#counting(bytes, (length) => ({ bytes: length }));
  }

  /** So many bytes (more) will come from the registry. */
  expect(size: number): void {
    this.#add({ size });
  }

  /** A layer as the registry sends it. */
  receiving(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    return this.#counting(bytes, (length) => ({ received: length }));
  }

  #watchContent(content: LayerContent): LayerContent {
    if (content.kind === 'seekable') return content;
    const { slot } = content;
    return {
      kind: 'stream',
      open: () => this.#layer(content.open()),
      ...(slot && { slot: withHits(slot, () => this.#add({ done: 1 })) }),
    };
  }

  async *#layer(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    yield* this.copying(bytes);
    this.#add({ done: 1 });
  }

  async *#counting(
    bytes: AsyncIterable<Uint8Array>,
    countsAs: (length: number) => Partial<ImageProgressState>,
  ): AsyncGenerator<Uint8Array> {
    for await (const piece of bytes) {
      this.#add(countsAs(piece.length));
      yield piece;
    }
  }

  #add({ layers = 0, done = 0, bytes = 0, received = 0, size = 0 }: Partial<ImageProgressState>): void {
    const before = this.#state;
    this.#state = {
      layers: before.layers + layers,
      done: before.done + done,
      bytes: before.bytes + bytes,
      received: before.received + received,
      size: before.size + size,
    };
    this.#tell(this.#state);
  }
}
