/** The list of the roots that a user has agreed to: value `Certificates` of `Root\ProtectedRoots`. */

import { asBuffer } from '../../core/bytes.ts';

const HEADER_BYTES = 24;
const HASH_BYTES = 20;

/** Header: its size, version, a time, a reserved word, the offset of the hashes; then SHA-1 sums in a row. */
export function parseProtectedRoots(value: Uint8Array | undefined): ReadonlySet<string> {
  const hashes = new Set<string>();
  if (!value || value.length < HEADER_BYTES) return hashes;
  const data = asBuffer(value);
  for (let at = data.readUInt32LE(20); at + HASH_BYTES <= data.length; at += HASH_BYTES) {
    hashes.add(data.toString('hex', at, at + HASH_BYTES));
  }
  return hashes;
}
