/** Deflated data (RFC 1951) and gzip (RFC 1952), in pieces and in bounds. */

import { createGunzip, createInflateRaw, inflateRawSync, type Gunzip, type InflateRaw } from 'node:zlib';
import { FormatError } from '../core/errors.ts';
import { readExact, type Source } from './archive.ts';

/** What is unpacked in one go; a larger piece goes through a stream, off the main thread. */
export const SMALL = 256 << 10;
const READ_SIZE = 256 << 10;
const OUTPUT_SIZE = 256 << 10;
/** Less is refused by zlib. */
const MIN_CHUNK = 64;

/** A small deflated piece at once, of the size that is expected or about; throws {@link FormatError}. */
export function inflateSmall(
  source: Source,
  start: number,
  length: number,
  expected: number,
  maxOutput: number,
): Buffer {
  const packed = readExact(source, start, length);
  if (!packed) throw new FormatError('truncated', 'packed data cut off', start);
  try {
    // One piece of memory for the result, and one octet more, by which zlib sees that it is the end.
    const chunkSize = Math.max(MIN_CHUNK, Math.min(expected, maxOutput) + 1);
    return inflateRawSync(packed, { chunkSize, maxOutputLength: Math.max(1, maxOutput) });
  } catch (error) {
    throw failure(error, start);
  }
}

/** Unpacks `length` bytes from `start` on, in pieces; throws {@link FormatError}. */
export async function* inflate(
  source: Source,
  start: number,
  length: number,
  form: 'deflate' | 'gzip',
  maxOutput: number,
): AsyncGenerator<Buffer> {
  const stream =
    form === 'gzip' ? createGunzip({ chunkSize: OUTPUT_SIZE }) : createInflateRaw({ chunkSize: OUTPUT_SIZE });
  const feeding = feed(source, start, length, stream);
  let total = 0;
  try {
    for await (const piece of stream) {
      if (!Buffer.isBuffer(piece)) continue;
      total += piece.length;
      if (total > maxOutput) throw new FormatError('limit', `unpacks to more than ${maxOutput} bytes`, start);
      yield piece;
    }
    await feeding;
  } catch (error) {
    throw failure(error, start);
  } finally {
    stream.destroy();
  }
}

async function feed(
  source: Source,
  start: number,
  length: number,
  stream: Gunzip | InflateRaw,
): Promise<void> {
  const end = Math.min(start + length, source.size);
  try {
    for (let position = start; position < end && !stream.destroyed;) {
      const piece = Buffer.allocUnsafe(Math.min(READ_SIZE, end - position));
      const got = source.read(piece, position);
      if (got === 0) break;
      position += got;
      if (!stream.write(piece.subarray(0, got))) await drained(stream);
    }
    stream.end();
  } catch (error) {
    stream.destroy(error instanceof Error ? error : undefined);
  }
}

function drained(stream: Gunzip | InflateRaw): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
  });
}

/** What zlib says as a FormatError; refusals of the file system and defects of ours stay what they are. */
function failure(error: unknown, offset: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ERR_BUFFER_TOO_LARGE') return new FormatError('limit', 'unpacks to more than it may', offset);
  if (typeof code !== 'string' || !code.startsWith('Z_')) return error;
  return new FormatError(code === 'Z_BUF_ERROR' ? 'truncated' : 'malformed', 'damaged packed data', offset);
}
