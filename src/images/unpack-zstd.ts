/** Zstandard through Node's zlib where it has that (22.15 and later), otherwise through the program zstd, or fzstd. */

import { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { FormatError } from '../core/errors.ts';
import { through, type Bytes } from './through.ts';
import { throughProgram } from './unpack-program.ts';
import { ZstdFrames, type FramePiece } from './zstd-frames.ts';

const CHUNK = 1 << 20;
/** A frame that is and becomes no larger is unpacked at once: some archives have one for every file. */
const SMALL_FRAME = 256 << 10;
const SMALL_OUTPUT = 4 << 20;

/** Throws {@link FormatError} for what is damaged. `native`: what {@link nativeZstd} gives. */
export async function* unpackZstd(
  chunks: AsyncIterable<Uint8Array>,
  native: NativeZstd | undefined,
): AsyncGenerator<Uint8Array> {
  const unpackFrame = native
    ? (pieces: AsyncIterable<FramePiece>) => nativeFrame(pieces, native)
    : (pieces: AsyncIterable<FramePiece>) => portableFrame(pieces);
  const pieces = allPieces(chunks);
  try {
    for (let first = await pieces.next(); !first.done; first = await pieces.next()) {
      yield* unpackFrame(oneFrame(first.value, pieces));
    }
  } finally {
    await pieces.return(undefined);
  }
}

/** The same, by the program zstd. */
export async function* unpackZstdByProgram(chunks: AsyncIterable<Uint8Array>, what: string): Bytes {
  const frames = bytesOfFrames(chunks);
  const first = await frames.next();
  // Of nothing at all the program says that it ends too early.
  if (first.done === true) return;
  yield* throughProgram('zstd', startingWith(first.value, frames), what);
}

async function* startingWith(first: Uint8Array, rest: Bytes): Bytes {
  yield first;
  yield* rest;
}

/** Without what is skipped, and refused where it is cut off or needs too much memory. */
async function* bytesOfFrames(chunks: AsyncIterable<Uint8Array>): Bytes {
  for await (const { bytes } of allPieces(chunks)) yield bytes;
}

async function* allPieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FramePiece, undefined> {
  const frames = new ZstdFrames();
  for await (const chunk of chunks) yield* frames.push(chunk);
  frames.finish();
}

/** Leaves the rest of the pieces for the frames to come. */
async function* oneFrame(
  first: FramePiece,
  rest: AsyncGenerator<FramePiece, undefined>,
): AsyncGenerator<FramePiece> {
  for (let piece = first; ;) {
    yield piece;
    if (piece.last) return;
    const next = await rest.next();
    if (next.done) return;
    piece = next.value;
  }
}

interface NativeZstd {
  open(): Transform;
  unpack(frame: Uint8Array, maxOutput: number): Uint8Array;
}

/** The functions are no part of the types of the oldest Node that is supported. */
export function nativeZstd(): NativeZstd | undefined {
  if (!('createZstdDecompress' in zlib) || !('zstdDecompressSync' in zlib)) return undefined;
  const { createZstdDecompress: create, zstdDecompressSync: unpackNow } = zlib;
  if (typeof create !== 'function' || typeof unpackNow !== 'function') return undefined;
  return {
    open: () => {
      const stream: unknown = Reflect.apply(create, zlib, [{ chunkSize: CHUNK }]);
      if (stream instanceof Transform) return stream;
      throw new TypeError('createZstdDecompress makes no stream');
    },
    unpack: (frame, maxOutput) => {
      const options = { chunkSize: Math.max(64, maxOutput), maxOutputLength: Math.max(64, maxOutput) };
      const bytes: unknown = Reflect.apply(unpackNow, zlib, [frame, options]);
      if (bytes instanceof Uint8Array) return bytes;
      throw new TypeError('zstdDecompressSync gives no bytes');
    },
  };
}

async function* nativeFrame(
  pieces: AsyncIterable<FramePiece>,
  native: NativeZstd,
): AsyncGenerator<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  const start: Uint8Array[] = [];
  for (let size = 0; size < SMALL_FRAME;) {
    const { value, done } = await iterator.next();
    if (done === true) return;
    start.push(value.bytes);
    size += value.bytes.length;
    if (!value.last) continue;
    if (value.maxOutput > SMALL_OUTPUT) break;
    yield unpackNow(native, start, value.maxOutput);
    return;
  }
  yield* through(native.open(), remaining(start, iterator));
}

function unpackNow(native: NativeZstd, pieces: readonly Uint8Array[], maxOutput: number): Uint8Array {
  try {
    return native.unpack(Buffer.concat(pieces), maxOutput);
  } catch (error) {
    throw new FormatError('malformed', `a frame is damaged: ${messageOf(error)}`);
  }
}

async function* remaining(start: readonly Uint8Array[], iterator: AsyncIterator<FramePiece>): Bytes {
  yield* start;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    yield next.value.bytes;
  }
}

/** Block by block, because it gives out all that a piece becomes at once. */
async function* portableFrame(pieces: AsyncIterable<FramePiece>): AsyncGenerator<Uint8Array> {
  const { Decompress } = await import('fzstd');
  let output: Uint8Array[] = [];
  const stream = new Decompress((bytes) => output.push(bytes));
  for await (const { bytes, last } of pieces) {
    try {
      stream.push(bytes, last);
    } catch (error) {
      throw new FormatError('malformed', `a frame is damaged: ${messageOf(error)}`);
    }
    yield* output;
    output = [];
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
