/** A layer whose bytes are at hand, in a file or as a part of one: its first bytes say how it is to be read. */

import { RootauditError } from '../core/errors.ts';
import { readExact, type Source } from '../formats/archive.ts';
import { unpack } from './compression.ts';
import { checkSource } from './digest.ts';
import { pieces } from './file-source.ts';
import type { LayerContent } from './image-source.ts';
import type { LayerCache } from './layer-cache.ts';
import { compressionOf, HEAD_SIZE, looksLikeTar } from './kinds.ts';

export interface LayerExpectation {
  /** "layer 2 of app.tar", for messages. */
  readonly what: string;
  /** Of the bytes as they lie there. */
  readonly digest?: string | undefined;
  /** Of the unpacked bytes. */
  readonly plainDigest?: string | undefined;
  /** Also read what would be passed over, to compare its digest. */
  readonly verify: boolean;
  readonly cache?: LayerCache | undefined;
}

/** What is smaller is read as fast as it is looked up. */
const MIN_CACHED = 16 << 10;

/** Throws RootauditError for what is no layer, and with `verify` for one that is not what it should be. */
export function layerContent(source: Source, expected: LayerExpectation): LayerContent {
  const { what, digest, plainDigest, verify, cache } = expected;
  const head = readExact(source, 0, Math.min(HEAD_SIZE, source.size)) ?? Buffer.alloc(0);
  if (compressionOf(head)) {
    const options = { what, digest, plainDigest, size: source.size };
    const isCached = digest !== undefined && source.size >= MIN_CACHED;
    const slot = isCached ? cache?.slot({ digest, plainDigest }) : undefined;
    return { kind: 'stream', open: () => unpack(pieces(source), options), ...(slot && { slot }) };
  }
  if (source.size > 0 && !looksLikeTar(head)) {
    throw new RootauditError(
      `${what} is no tar archive, and not compressed in a way that is known`,
      'Layers may be plain, or compressed with gzip, zstd, xz or bzip2.',
    );
  }
  if (verify) {
    const digests = new Set([digest, plainDigest].filter((each) => each !== undefined));
    for (const each of digests) checkSource(source, each, what);
  }
  return { kind: 'seekable', source };
}
