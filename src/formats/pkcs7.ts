/** The certificates inside a PKCS#7 or CMS SignedData (RFC 5652, section 5.1), in DER or BER. */

import { asBuffer } from '../core/bytes.ts';
import { children, content, element, expectTlv, readTlv, Tag } from '../core/der.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';

/** 1.2.840.113549.1.7.2 */
const SIGNED_DATA = '2a864886f70d010702';
const MAX_CERTIFICATES = 100_000;

/** The certificates as stored, in order. Other choices (attribute certificates) are left out. */
export function parsePkcs7(bytes: Uint8Array): Parsed<Uint8Array> {
  const entries: Uint8Array[] = [];
  const diagnostics: Diagnostic[] = [];
  try {
    const info = expectTlv(bytes, 0, bytes.length, Tag.sequence, 'ContentInfo');
    const type = expectTlv(bytes, info.contentStart, info.contentEnd, Tag.oid, 'contentType');
    if (asBuffer(content(bytes, type)).toString('hex') !== SIGNED_DATA) {
      throw new FormatError('unsupported', 'PKCS#7 content is not SignedData', type.start);
    }
    const wrapper = expectTlv(bytes, type.end, info.contentEnd, 0xa0, 'content');
    const signed = expectTlv(bytes, wrapper.contentStart, wrapper.contentEnd, Tag.sequence, 'SignedData');
    for (const field of children(bytes, signed, 100)) {
      if (field.tag !== 0xa0) continue;
      for (const certificate of children(bytes, field, MAX_CERTIFICATES)) {
        if (certificate.tag === Tag.sequence) entries.push(element(bytes, certificate));
      }
    }
  } catch (error) {
    diagnostics.push(toDiagnostic(error));
  }
  if (entries.length === 0 && diagnostics.length === 0) {
    diagnostics.push({ level: 'note', code: 'note', message: 'PKCS#7 data without certificates' });
  }
  return { entries, diagnostics };
}

/** True for bytes that begin like a ContentInfo with SignedData. */
export function looksLikePkcs7(bytes: Uint8Array): boolean {
  try {
    const info = readTlv(bytes, 0);
    if (info.tag !== Tag.sequence) return false;
    const type = readTlv(bytes, info.contentStart, info.contentEnd);
    return type.tag === Tag.oid && asBuffer(content(bytes, type)).toString('hex') === SIGNED_DATA;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}
