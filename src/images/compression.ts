/**
 * Compressed bytes unpacked as they come, in bounds, and compared with their digests in the same pass: gzip through
 * zlib, Zstandard through zlib or fzstd, xz and bzip2 through the programs of those names.
 */

import { createGunzip } from 'node:zlib';
import { FormatError, RootauditError } from '../core/errors.ts';
import { checkSize, DigestCheck } from './digest.ts';
import { findProgram } from './find-program.ts';
import { compressionOf, HEAD_SIZE, type Compression } from './kinds.ts';
import { through, type Bytes } from './through.ts';

export interface Unpacking {
  /** "layer 2 of app.tar", for messages. */
  readonly what: string;
  /** Of the bytes as they come. */
  readonly digest?: string | undefined;
  readonly size?: number | undefined;
  /** Of the unpacked bytes. */
  readonly plainDigest?: string | undefined;
}

const CHUNK = 1 << 20;
/** Real layers come nowhere near; what is made to fill memory or time stops here. */
const FREE_OUTPUT = 1 << 30;
const OUTPUT_PER_BYTE = 200;

/**
 * The bytes without compression, whichever they have. Ends with a RootauditError when they are damaged, become more
 * than they may, or do not have the expected digest or size; all of that is known only at the end.
 */
export async function* unpack(
  packed: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { what, digest, size, plainDigest }: Unpacking,
): Bytes {
  const input = new CheckedInput(packed, what, digest, size);
  const { compression, bytes } = await recognise(input.bytes());
  const isSame = !compression && digest === plainDigest;
  const plain = plainDigest === undefined || isSame ? undefined : new DigestCheck(plainDigest);
  let output = 0;
  try {
    for await (const piece of decoded(bytes, compression, what)) {
      output += piece.length;
      if (output > FREE_OUTPUT + OUTPUT_PER_BYTE * input.length) throw bomb(what);
      yield piece;
      // Done when the next piece is asked for: it is being unpacked meanwhile.
      plain?.update(piece);
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new RootauditError(`${what} cannot be unpacked: ${error.message}`, undefined, { cause: error });
  }
  plain?.finish(`${what}, unpacked,`);
}

function bomb(what: string): RootauditError {
  return new RootauditError(
    `${what} unpacks to more than ${OUTPUT_PER_BYTE} times its size`,
    'It was made to fill memory or time. Nothing of it was judged.',
  );
}

/** Counts and hashes what is taken from it. */
class CheckedInput {
  length = 0;
  readonly #pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  readonly #what: string;
  readonly #size: number | undefined;
  readonly #check: DigestCheck | undefined;

  constructor(
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    what: string,
    digest: string | undefined,
    size: number | undefined,
  ) {
    this.#pieces = pieces;
    this.#what = what;
    this.#size = size;
    this.#check = digest === undefined ? undefined : new DigestCheck(digest);
  }

  async *bytes(): Bytes {
    for await (const piece of this.#pieces) {
      this.length += piece.length;
      // It would go on for ever.
      if (this.#size !== undefined && this.length > this.#size) break;
      yield piece;
      this.#check?.update(piece);
    }
    if (this.#size !== undefined) checkSize(this.length, this.#size, this.#what);
    this.#check?.finish(this.#what);
  }
}

/** Takes as many pieces as it needs to see the compression, and gives them back. */
async function recognise(input: Bytes): Promise<{ compression: Compression | undefined; bytes: Bytes }> {
  const start: Uint8Array[] = [];
  let length = 0;
  let isWhole = false;
  while (length < HEAD_SIZE && !isWhole) {
    const { value, done } = await input.next();
    if (done === true) isWhole = true;
    else {
      start.push(value);
      length += value.length;
    }
  }
  const [first] = start;
  const head = first && first.length >= HEAD_SIZE ? first : Buffer.concat(start);
  return { compression: compressionOf(head), bytes: after(start, input) };
}

async function* after(start: readonly Uint8Array[], rest: Bytes): Bytes {
  try {
    yield* start;
    yield* rest;
  } finally {
    await rest.return();
  }
}

async function* decoded(bytes: Bytes, compression: Compression | undefined, what: string): Bytes {
  switch (compression) {
    case undefined:
      yield* bytes;
      break;
    case 'gzip':
      yield* through(createGunzip({ chunkSize: CHUNK }), bytes);
      break;
    case 'zstd': {
      const { nativeZstd, unpackZstd, unpackZstdByProgram } = await import('./unpack-zstd.ts');
      const native = nativeZstd();
      const isFaster = native === undefined && findProgram(['zstd']) !== undefined;
      yield* isFaster ? unpackZstdByProgram(bytes, what) : unpackZstd(bytes, native);
      break;
    }
    case 'xz':
    case 'bzip2': {
      const { throughProgram } = await import('./unpack-program.ts');
      yield* throughProgram(compression, bytes, what);
    }
  }
}
