/** Certificates out of a file of whatever kind, told by its content. */

import { detectKeystore, parseKeystore } from '../../formats/keystore.ts';
import { parsePem } from '../../formats/pem.ts';
import { looksLikeSst, parseSst } from '../../formats/sst.ts';

/** The DER of every certificate that can be read without a secret. */
export function readCertificates(bytes: Uint8Array): readonly Uint8Array[] {
  if (looksLikeSst(bytes)) return parseSst(bytes).entries.flatMap(({ der }) => der ?? []);
  const { entries } =
    detectKeystore(bytes) === undefined ? parsePem(bytes) : parseKeystore(bytes, { passwords: [] });
  return entries.map(({ der }) => der);
}
