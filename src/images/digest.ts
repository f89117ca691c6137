/** Digests by which documents and layers are named: `sha256:…` and `sha512:…`. A mismatch ends the reading. */

import { createHash, type Hash } from 'node:crypto';
import { RootauditError } from '../core/errors.ts';
import type { Source } from '../formats/archive.ts';
import type { Descriptor } from './manifest.ts';

const CHANGED = 'It is damaged, or was changed after it was made: get it again from where it came from.';

/** Hashes what goes by, to compare it with the digest in the end. */
export class DigestCheck {
  readonly #expected: string;
  readonly #algorithm: string;
  readonly #hash: Hash;

  constructor(expected: string) {
    this.#expected = expected;
    this.#algorithm = expected.slice(0, expected.indexOf(':'));
    this.#hash = createHash(this.#algorithm);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** `what`: "layer 2 of app.tar", or "layer 2 of app.tar, unpacked,". */
  finish(what: string): void {
    const got = `${this.#algorithm}:${this.#hash.digest('hex')}`;
    if (got === this.#expected) return;
    throw new RootauditError(
      `${what} does not have the digest that it should have: expected ${this.#expected}, got ${got}`,
      CHANGED,
    );
  }
}

export function checkSize(got: number, expected: number, what: string): void {
  if (got === expected) return;
  throw new RootauditError(
    `${what} does not have the size that it should have: expected ${expected} bytes, got ${got}`,
    CHANGED,
  );
}

/** A document that was read whole. */
export function checkDocument(bytes: Uint8Array, { digest, size }: Descriptor, what: string): void {
  checkSize(bytes.length, size, what);
  const check = new DigestCheck(digest);
  check.update(bytes);
  check.finish(what);
}

const READ_SIZE = 1 << 20;

/** Reads the whole source. */
export function checkSource(source: Source, digest: string, what: string): void {
  const check = new DigestCheck(digest);
  const piece = Buffer.allocUnsafe(Math.min(READ_SIZE, source.size));
  for (let offset = 0; offset < source.size;) {
    const length = source.read(piece, offset);
    if (length === 0) break;
    check.update(piece.subarray(0, length));
    offset += length;
  }
  check.finish(what);
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
