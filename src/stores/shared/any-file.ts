/** Certificates out of a file of whatever kind, told by its content. */

import { detectKeystore, parseKeystore } from '../../formats/keystore.ts';
import { parsePem } from '../../formats/pem.ts';
import { looksLikeSst, parseSst } from '../../formats/sst.ts';
import { parseStl } from '../../formats/stl.ts';

/** The DER of every certificate that can be read without a secret. */
export function readCertificates(bytes: Uint8Array): readonly Uint8Array[] {
  if (looksLikeSst(bytes)) return parseSst(bytes).entries.flatMap(({ der }) => der ?? []);
  const { entries } =
    detectKeystore(bytes) === undefined ? parsePem(bytes) : parseKeystore(bytes, { passwords: [] });
  return entries.map(({ der }) => der);
}

/**
 * The hashes (lower-case hex) that a certificate trust list names, such as authroot.stl; undefined for another file.
 * The certificates in such a file are only those that signed it.
 */
export function readTrustListHashes(bytes: Uint8Array): readonly string[] | undefined {
  const { entries, usages } = parseStl(bytes);
  return usages.length === 0 ? undefined : entries.map(({ identifier }) => identifier);
}
