/** What removals must know of a file, found out once: one bundle may have to lose many certificates. */

import { asBuffer } from '../../core/bytes.ts';
import { sha256, type Sha256 } from '../../core/certificate.ts';
import type { Target } from '../../core/target.ts';
import { oncePerTarget } from './once.ts';
import { findPemBlocks, type PemBlocks } from './pem-blocks-in-file.ts';

export interface ScannedFile {
  /** False when there is no file; it then hashes like an empty one. */
  readonly exists: boolean;
  readonly sha256: Sha256;
  readonly size: number;
  /** sed counts lines by line feeds, so a line number means the same to it only in such a file. */
  readonly hasLineFeedsOnly: boolean;
  readonly endsLine: boolean;
}

const MAX_BYTES = 256 << 20;

const scanned = oncePerTarget(() => new Map<string, ScannedFile>());

/** `path` has no links. Throws FsError. */
export function scannedFile(target: Target, path: string): ScannedFile {
  const known = scanned(target).get(path);
  if (known) return known;
  const bytes = target.fs.read(path, MAX_BYTES);
  const content = asBuffer(bytes ?? new Uint8Array());
  const file = {
    exists: bytes !== undefined,
    sha256: sha256(content),
    size: content.length,
    hasLineFeedsOnly: !content.includes(0) && !hasLoneCarriageReturn(content),
    endsLine: content.at(-1) === 0x0a,
  };
  scanned(target).set(path, file);
  return file;
}

const blocks = oncePerTarget(() => new Map<string, PemBlocks>());

/** Where its certificates lie. `path` has no links. Throws FsError. */
export function pemBlocksOf(target: Target, path: string): PemBlocks {
  const known = blocks(target).get(path);
  if (known) return known;
  const found = findPemBlocks(scannedBytes(target, path));
  blocks(target).set(path, found);
  return found;
}

/** Read anew: the hash of {@link scannedFile} is of the same bytes, or nothing is done. Throws FsError. */
export function scannedBytes(target: Target, path: string): Uint8Array {
  return target.fs.read(path, MAX_BYTES) ?? new Uint8Array();
}

function hasLoneCarriageReturn(content: Buffer): boolean {
  for (let at = content.indexOf(0x0d); at >= 0; at = content.indexOf(0x0d, at + 1)) {
    if (content[at + 1] !== 0x0a) return true;
  }
  return false;
}
