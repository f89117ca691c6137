/**
 * Layers that were read before are not read again: by the digest of their bytes, what is known of them is kept, for the
 * images of one call and, in a directory of the user's, for the next one. Only what was read to its end, verified, and
 * read without a problem is kept.
 */

import { createHash } from 'node:crypto';
import { LayerRecorder, RecordedLayer, type RecordFile, type RecordSink } from './layer-record.ts';

/** Where records are kept, by keys that are safe as names of files. */
export interface RecordStorage {
  find(key: string): RecordFile | undefined;
  /** Undefined when nothing can be kept. */
  create(key: string): RecordSink | undefined;
}

/** What tells one layer from another. */
export interface LayerIdentity {
  /** Of the bytes as they lie there or come. */
  readonly digest: string;
  /** Of the unpacked bytes, where the image tells it: an image that tells another one is not to be believed. */
  readonly plainDigest?: string | undefined;
}

/** The place of one layer in the cache. */
export interface LayerSlot {
  /** What is known of it; to be closed. */
  find(): RecordedLayer | undefined;
  /** Takes what is read of it; undefined when nothing can be kept. */
  record(): LayerRecorder | undefined;
  /** Adds contents, by where they begin in the archive, to what is known of it. */
  add(contents: ReadonlyMap<number, Uint8Array>): void;
}

interface CacheRules {
  /** Of the program: another one may read layers otherwise. */
  readonly version: string;
  /** Everything is read, whatever is known: `--verify`. */
  readonly fresh: boolean;
}

export class LayerCache {
  readonly #open: () => RecordStorage;
  readonly #rules: CacheRules;
  #storage: RecordStorage | undefined;

  /** `open` is called when the first layer comes that can be kept. */
  constructor(open: () => RecordStorage, rules: CacheRules) {
    this.#open = open;
    this.#rules = rules;
  }

  slot({ digest, plainDigest = '' }: LayerIdentity): LayerSlot {
    this.#storage ??= this.#open();
    const { version, fresh } = this.#rules;
    const identity = [version, digest, plainDigest].join(' ');
    return new Slot(this.#storage, createHash('sha256').update(identity).digest('hex'), fresh);
  }
}

class Slot implements LayerSlot {
  readonly #storage: RecordStorage;
  readonly #key: string;
  readonly #fresh: boolean;

  constructor(storage: RecordStorage, key: string, fresh: boolean) {
    this.#storage = storage;
    this.#key = key;
    this.#fresh = fresh;
  }

  find(): RecordedLayer | undefined {
    return this.#fresh ? undefined : this.#known();
  }

  record(): LayerRecorder | undefined {
    const sink = this.#storage.create(this.#key);
    return sink && new LayerRecorder(sink, this.#key);
  }

  add(contents: ReadonlyMap<number, Uint8Array>): void {
    const known = this.#known();
    if (!known) return;
    try {
      const recorder = this.record();
      if (!recorder) return;
      if (!known.copyTo(recorder)) {
        recorder.discard();
        return;
      }
      for (const [offset, bytes] of contents) recorder.content(offset, bytes);
      recorder.commit();
    } finally {
      known.close();
    }
  }

  #known(): RecordedLayer | undefined {
    const file = this.#storage.find(this.#key);
    if (!file) return undefined;
    const layer = RecordedLayer.read(file, this.#key);
    if (!layer) file.close();
    return layer;
  }
}

/** The same, and `told` each time that the layer is known. */
export function withHits(slot: LayerSlot, told: () => void): LayerSlot {
  return {
    find: () => {
      const found = slot.find();
      if (found) told();
      return found;
    },
    record: () => slot.record(),
    add: (contents) => slot.add(contents),
  };
}
