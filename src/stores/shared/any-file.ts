/** Certificates out of a file of whatever kind, told by its content. */

import type { Parsed } from '../../core/errors.ts';
import { detectKeystore, parseKeystore } from '../../formats/keystore.ts';
import { parsePem } from '../../formats/pem.ts';
import { looksLikeSst, parseSst } from '../../formats/sst.ts';
import { parseStl } from '../../formats/stl.ts';

/** The DER of every certificate that can be read without a secret. */
export function readCertificates(bytes: Uint8Array): readonly Uint8Array[] {
  return parseCertificates(bytes, []).entries;
}

/** The same with passwords to try, and with what could not be read. */
export function parseCertificates(bytes: Uint8Array, passwords: readonly string[]): Parsed<Uint8Array> {
  if (looksLikeSst(bytes)) {
    const { entries, diagnostics } = parseSst(bytes);
    return { entries: entries.flatMap(({ der }) => der ?? []), diagnostics };
  }
  const { entries, diagnostics } =
    detectKeystore(bytes) === undefined ? parsePem(bytes) : parseKeystore(bytes, { passwords });
  return { entries: entries.map(({ der }) => der), diagnostics };
}

/**
 * The hashes (lower-case hex) that a certificate trust list names, such as authroot.stl; undefined for another file.
 * The certificates in such a file are only those that signed it.
 */
export function readTrustListHashes(bytes: Uint8Array): readonly string[] | undefined {
  const { entries, usages } = parseStl(bytes);
  return usages.length === 0 ? undefined : entries.map(({ identifier }) => identifier);
}
