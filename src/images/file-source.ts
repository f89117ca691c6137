/** Files that are read in pieces, shared by all images of an archive, and the temporary file for what comes but once. */

import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, read, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';
import type { Source } from '../formats/archive.ts';

/** Closed when the last of those who {@link hold} it lets go. */
export class SharedFile implements Source {
  readonly size: number;
  readonly #fd: number;
  readonly #name: string;
  #holders = 0;

  /** `name`: for messages. */
  constructor(fd: number, size: number, name: string) {
    this.#fd = fd;
    this.size = size;
    this.#name = name;
  }

  read(into: Uint8Array, offset: number): number {
    let filled = 0;
    try {
      while (filled < into.length) {
        const got = readSync(this.#fd, into, filled, into.length - filled, offset + filled);
        if (got === 0) break;
        filled += got;
      }
    } catch (error) {
      throw new RootauditError(`${this.#name} cannot be read: ${reasonOf(error)}`, undefined, {
        cause: error,
      });
    }
    return filled;
  }

  /** What it returns lets go again. */
  hold(): () => void {
    this.#holders++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holders--;
      if (this.#holders === 0) closeSync(this.#fd);
    };
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : String(error);
}

/** `name`: for messages. Throws RootauditError for what cannot be read, and for anything but a regular file. */
export function openFile(path: string, name: string): SharedFile {
  let fd: number | undefined;
  try {
    // Should it be a pipe after all, nobody waits for its other end.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (stat.isFile()) return new SharedFile(fd, stat.size, name);
  } catch (error) {
    throw new RootauditError(
      `${name} cannot be read: ${reasonOf(error)}`,
      'Check the path and its permissions.',
      { cause: error },
    );
  }
  closeSync(fd);
  throw new RootauditError(`${name} is no regular file`);
}

/** What is already open: a regular file as it is; undefined for a pipe, which goes by once. */
export function sharedFile(fd: number, name: string): SharedFile | undefined {
  const stat = fstatSync(fd);
  return stat.isFile() ? new SharedFile(fd, stat.size, name) : undefined;
}

/** Waits until somebody writes into it. */
export function openPipe(path: string, name: string): number {
  try {
    return openSync(path, constants.O_RDONLY);
  } catch (error) {
    throw new RootauditError(`${name} cannot be read: ${reasonOf(error)}`, undefined, { cause: error });
  }
}

/** A part of another source. */
export function slice(source: Source, start: number, size: number): Source {
  return {
    size,
    read: (into, offset) => {
      const length = Math.max(0, Math.min(into.length, size - offset));
      return source.read(length === into.length ? into : into.subarray(0, length), start + offset);
    },
  };
}

const READ_SIZE = 1 << 20;
/** A pipe holds no more, as a rule. */
const PIPE_SIZE = 64 << 10;

/** Each piece is memory of its own. */
export function* pieces(source: Source): Generator<Buffer> {
  for (let offset = 0; offset < source.size;) {
    const piece = Buffer.allocUnsafeSlow(Math.min(READ_SIZE, source.size - offset));
    const length = source.read(piece, offset);
    if (length === 0) return;
    offset += length;
    yield piece.subarray(0, length);
  }
}

/** What a pipe gives, read beside the main thread, because it may have to be waited for. */
export async function* pipePieces(fd: number, name: string): AsyncGenerator<Buffer> {
  for (;;) {
    const piece = Buffer.allocUnsafeSlow(PIPE_SIZE);
    const length = await readPipe(fd, piece, name);
    if (length === 0) return;
    yield piece.subarray(0, length);
  }
}

/** As much as there is; waits for something. 0 at its end. */
function readPipe(fd: number, into: Buffer, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, into, 0, into.length, null, (error, length) => {
      if (!error) resolve(length);
      // Windows tells the end of a pipe that way.
      else if (error.code === 'EOF') resolve(0);
      else if (error.code === 'EAGAIN') {
        setTimeout(() => {
          readPipe(fd, into, name).then(resolve, reject);
        }, 2);
      } else
        reject(new RootauditError(`${name} cannot be read: ${reasonOf(error)}`, undefined, { cause: error }));
    });
  });
}

/**
 * A temporary file. Nobody else may open it, and it has no name any more when the first byte is written: the system
 * frees it however this program ends. Throws what the system does.
 */
export function openTemporary(): number {
  const path = join(tmpdir(), `rootaudit-${randomBytes(12).toString('hex')}`);
  const fd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return fd;
}

/** Keeps what goes by once in a temporary file, so that it can be read anywhere. */
export async function spool(bytes: AsyncIterable<Uint8Array>, name: string): Promise<SharedFile> {
  let fd: number | undefined;
  let size = 0;
  try {
    fd = openTemporary();
    for await (const piece of bytes) {
      for (let done = 0; done < piece.length;) done += writeSync(fd, piece, done, piece.length - done);
      size += piece.length;
    }
    return new SharedFile(fd, size, name);
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    if (error instanceof RootauditError || !(error instanceof Error && 'syscall' in error)) throw error;
    throw new RootauditError(
      `${name} does not fit into a temporary file in ${visible(tmpdir())}: ${reasonOf(error)}`,
      'Let TMPDIR name a directory with more room, or unpack the archive first.',
      { cause: error },
    );
  }
}
