/**
 * One file after the other of those that go by, to be read anywhere: in memory, or in a temporary file where it is large.
 */

import { closeSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import { FsError, type OpenFile } from '../core/target.ts';
import { sourceOf } from '../formats/archive.ts';
import { openTemporary } from './file-source.ts';

/** A larger one goes to the temporary file. */
const MAX_IN_MEMORY = 8 << 20;
/** A larger one is not held at all. */
const MAX_SIZE = 512 << 20;

export class WholeFile {
  readonly #limit: number;
  #bytes: Buffer | undefined;
  /** Undefined until it is needed; -1 when there can be none. */
  #fd: number | undefined;
  #path = '';
  #size = 0;
  #error: unknown;

  /** `memory`: bytes that there is room for. */
  constructor(memory: number) {
    this.#limit = Math.min(memory, MAX_IN_MEMORY);
  }

  /** False for a file that cannot be held. */
  begin(path: string, size: number): boolean {
    if (size > this.#limit && (size > MAX_SIZE || this.#temporary() < 0)) return false;
    this.#path = path;
    this.#size = size;
    this.#error = undefined;
    // The system gives it when it is written to, not before.
    if (size <= this.#limit) this.#bytes ??= Buffer.allocUnsafeSlow(this.#limit);
    return true;
  }

  add(piece: Buffer, at: number): void {
    if (this.#size <= this.#limit) {
      if (this.#bytes) piece.copy(this.#bytes, at);
      return;
    }
    if (this.#error !== undefined) return;
    try {
      const fd = this.#temporary();
      for (let done = 0; done < piece.length;) {
        done += writeSync(fd, piece, done, piece.length - done, at + done);
      }
    } catch (error) {
      this.#error = error;
    }
  }

  /** What was added, until the next file begins. */
  open(): OpenFile {
    const bytes = this.#size <= this.#limit ? this.#bytes : undefined;
    if (bytes) return openBytes(bytes.subarray(0, this.#size));
    return {
      size: this.#size,
      read: (into, offset) => this.#read(into, offset),
      close: () => undefined,
    };
  }

  /** The room of the file that was held last. */
  free(): void {
    if (this.#fd !== undefined && this.#fd >= 0 && this.#size > this.#limit) ftruncateSync(this.#fd);
  }

  close(): void {
    if (this.#fd !== undefined && this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  #read(into: Uint8Array, offset: number): number {
    try {
      if (this.#error !== undefined) throw this.#error;
      const wanted = Math.max(Math.min(into.length, this.#size - offset), 0);
      let filled = 0;
      while (filled < wanted) {
        const length = readSync(this.#temporary(), into, filled, wanted - filled, offset + filled);
        if (length === 0) break;
        filled += length;
      }
      return filled;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      const message = `file of ${this.#size} bytes, for which there is no room in a temporary file: ${code}`;
      throw new FsError('io', this.#path, message);
    }
  }

  #temporary(): number {
    if (this.#fd !== undefined) return this.#fd;
    try {
      this.#fd = openTemporary();
    } catch {
      this.#fd = -1;
    }
    return this.#fd;
  }
}

export function openBytes(bytes: Buffer): OpenFile {
  return { ...sourceOf(bytes), close: () => undefined };
}
