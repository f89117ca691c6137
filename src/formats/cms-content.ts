/** What a CMS SignedData (RFC 5652, section 5) is a signature over, when it carries that itself. DER or BER. */

import { asBuffer } from '../core/bytes.ts';
import { children, content, expectTlv, readTlv, Tag, type Tlv } from '../core/der.ts';
import { FormatError } from '../core/errors.ts';

/** 1.2.840.113549.1.7.2 */
const SIGNED_DATA = '2a864886f70d010702';
const MAX_CHUNKS = 100_000;
const CONSTRUCTED_OCTET_STRING = 0x24;

/** The content octets; the signature is not checked. Throws FormatError. */
export function signedContent(bytes: Uint8Array): Uint8Array {
  const info = expectTlv(bytes, 0, bytes.length, Tag.sequence, 'ContentInfo');
  const type = expectTlv(bytes, info.contentStart, info.contentEnd, Tag.oid, 'contentType');
  if (asBuffer(content(bytes, type)).toString('hex') !== SIGNED_DATA) {
    throw new FormatError('unsupported', 'CMS content is not SignedData: it may be encrypted', type.start);
  }
  const wrapper = expectTlv(bytes, type.end, info.contentEnd, 0xa0, 'content');
  const signed = expectTlv(bytes, wrapper.contentStart, wrapper.contentEnd, Tag.sequence, 'SignedData');
  const [version, digests, encapsulated] = children(bytes, signed, 100);
  if (version?.tag !== Tag.integer || digests?.tag !== Tag.set || encapsulated?.tag !== Tag.sequence) {
    throw new FormatError('malformed', 'SignedData cannot be read', signed.start);
  }
  const inner = expectTlv(bytes, encapsulated.contentStart, encapsulated.contentEnd, Tag.oid, 'eContentType');
  if (inner.end >= encapsulated.contentEnd) {
    throw new FormatError('unsupported', 'SignedData without its content', inner.start);
  }
  const explicit = expectTlv(bytes, inner.end, encapsulated.contentEnd, 0xa0, 'eContent');
  return octetString(bytes, readTlv(bytes, explicit.contentStart, explicit.contentEnd));
}

/** BER may cut an octet string into pieces. */
function octetString(bytes: Uint8Array, tlv: Tlv): Uint8Array {
  if (tlv.tag === Tag.octetString) return content(bytes, tlv);
  if (tlv.tag !== CONSTRUCTED_OCTET_STRING) {
    throw new FormatError('malformed', 'eContent is no octet string', tlv.start);
  }
  const chunks = children(bytes, tlv, MAX_CHUNKS).map((chunk) => {
    if (chunk.tag !== Tag.octetString) throw new FormatError('malformed', 'nested octet string', chunk.start);
    return content(bytes, chunk);
  });
  return Buffer.concat(chunks);
}
