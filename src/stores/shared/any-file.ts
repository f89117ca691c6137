/** Certificates out of a file of whatever kind, told by its content. */

import type { Parsed } from '../../core/errors.ts';
import { detectKeystore, parseKeystore } from '../../formats/keystore.ts';
import { parsePem } from '../../formats/pem.ts';
import { looksLikeSst, parseSst } from '../../formats/sst.ts';
import { parseStl } from '../../formats/stl.ts';

/** The DER of every certificate that can be read without a secret. */
export function readCertificates(bytes: Uint8Array): readonly Uint8Array[] {
  return parseCertificates(bytes, []).entries.map(({ der }) => der);
}

/** A certificate in a file, and what the file calls it. */
interface FileCertificate {
  readonly der: Uint8Array;
  /** Its alias in a keystore. */
  readonly name?: string;
  /** In a text file: the first and the last line, from 1. */
  readonly lines?: { readonly first: number; readonly last: number };
}

/** The same with passwords to try, and with what could not be read. */
export function parseCertificates(
  bytes: Uint8Array,
  passwords: readonly string[],
): Parsed<FileCertificate> & { readonly format: string } {
  if (looksLikeSst(bytes)) {
    const { entries, diagnostics } = parseSst(bytes);
    return { format: 'SST', entries: entries.flatMap(({ der }) => (der ? [{ der }] : [])), diagnostics };
  }
  if (detectKeystore(bytes) !== undefined) {
    const { entries, diagnostics, format = 'keystore' } = parseKeystore(bytes, { passwords });
    const named = entries.map(({ der, alias }) => ({ der, ...(alias !== '' && { name: alias }) }));
    return { format, entries: named, diagnostics };
  }
  const { entries, diagnostics } = parsePem(bytes);
  const isText = entries.every(({ label }) => label !== 'DER' && label !== 'PKCS7');
  return {
    format: isText ? 'PEM' : (entries[0]?.label ?? 'DER'),
    entries: entries.map(({ der, firstLine, lastLine }) => ({
      der,
      ...(isText && { lines: { first: firstLine, last: lastLine } }),
    })),
    diagnostics,
  };
}

/**
 * The hashes (lower-case hex) that a certificate trust list names, such as authroot.stl; undefined for another file.
 * The certificates in such a file are only those that signed it.
 */
export function readTrustListHashes(bytes: Uint8Array): readonly string[] | undefined {
  const { entries, usages } = parseStl(bytes);
  return usages.length === 0 ? undefined : entries.map(({ identifier }) => identifier);
}
