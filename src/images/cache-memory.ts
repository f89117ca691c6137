/** Records of layers for the images of one call, where they cannot or must not be kept for longer. */

import { sourceOf } from '../formats/archive.ts';
import type { RecordStorage } from './layer-cache.ts';
import type { RecordFile, RecordSink } from './layer-record.ts';

/** Of all records together. */
const MAX_BYTES = 16 << 20;

export class MemoryStorage implements RecordStorage {
  readonly #records = new Map<string, Buffer>();
  #bytes = 0;

  find(key: string): RecordFile | undefined {
    const bytes = this.#records.get(key);
    if (!bytes) return undefined;
    // The one that was asked for last goes last.
    this.#records.delete(key);
    this.#records.set(key, bytes);
    return { source: sourceOf(bytes), close: () => {} };
  }

  create(key: string): RecordSink {
    let pieces: Buffer[] = [];
    let length = 0;
    return {
      write: (bytes) => {
        length += bytes.length;
        if (length > MAX_BYTES) pieces = [];
        else pieces.push(Buffer.from(bytes));
      },
      commit: () => {
        if (length <= MAX_BYTES) this.#keep(key, Buffer.concat(pieces));
      },
      discard: () => {
        pieces = [];
      },
    };
  }

  #keep(key: string, record: Buffer): void {
    this.#forget(key);
    for (const oldest of this.#records.keys()) {
      if (this.#bytes + record.length <= MAX_BYTES) break;
      this.#forget(oldest);
    }
    this.#records.set(key, record);
    this.#bytes += record.length;
  }

  #forget(key: string): void {
    this.#bytes -= this.#records.get(key)?.length ?? 0;
    this.#records.delete(key);
  }
}
