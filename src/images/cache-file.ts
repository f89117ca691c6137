/** Records of layers as files: written in few pieces, and nothing left of those that are given up. */

import { closeSync, readSync, unlinkSync, writeSync } from 'node:fs';
import type { RecordFile, RecordSink } from './layer-record.ts';

/** What cannot be read counts as missing. */
export function openRecord(fd: number, size: number): RecordFile {
  let isOpen = true;
  return {
    source: { size, read: (into, offset) => readAll(fd, into, offset) },
    close: () => {
      if (isOpen) closeSync(fd);
      isOpen = false;
    },
  };
}

function readAll(fd: number, into: Uint8Array, offset: number): number {
  let filled = 0;
  try {
    while (filled < into.length) {
      const length = readSync(fd, into, filled, into.length - filled, offset + filled);
      if (length === 0) break;
      filled += length;
    }
  } catch {
    return 0;
  }
  return filled;
}

/** Another process may have been faster. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is no longer there, or stays until the next one that looks.
  }
}

interface Ending {
  /** A record that becomes larger is given up. */
  readonly limit: number;
  readonly whole: (size: number) => void;
  readonly failed: (error: unknown) => void;
}

export function writeRecord(fd: number, path: string, ending: Ending): RecordSink {
  return new FileSink(fd, path, ending);
}

const BUFFER = 256 << 10;

class FileSink implements RecordSink {
  readonly #path: string;
  readonly #ending: Ending;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER);
  #filled = 0;
  #size = 0;
  /** Undefined when it is over. */
  #fd: number | undefined;

  constructor(fd: number, path: string, ending: Ending) {
    this.#fd = fd;
    this.#path = path;
    this.#ending = ending;
  }

  write(bytes: Uint8Array): void {
    this.#size += bytes.length;
    if (this.#size > this.#ending.limit) this.discard();
    if (this.#filled + bytes.length > BUFFER) this.#flush();
    if (bytes.length > BUFFER) this.#writeAll(bytes);
    else {
      this.#buffer.set(bytes, this.#filled);
      this.#filled += bytes.length;
    }
  }

  commit(): void {
    this.#flush();
    if (this.#fd === undefined) return;
    try {
      this.#close();
      this.#ending.whole(this.#size);
    } catch (error) {
      this.#fail(error);
    }
  }

  discard(): void {
    if (this.#fd === undefined) return;
    this.#close();
    removeFile(this.#path);
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #flush(): void {
    this.#writeAll(this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }

  #writeAll(bytes: Uint8Array): void {
    if (this.#fd === undefined) return;
    try {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(this.#fd, bytes, done, bytes.length - done);
      }
    } catch (error) {
      // There is no more room, as a rule.
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#close();
    removeFile(this.#path);
    this.#ending.failed(error);
  }
}
