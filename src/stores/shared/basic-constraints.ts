/** What a certificate says of itself: whether it is a CA, and whether it names hosts (RFC 5280, section 4.2.1). */

import { asBuffer } from '../../core/bytes.ts';
import type { Certificate } from '../../core/certificate.ts';
import { children, content, expectTlv, readTlv, Tag, type Tlv } from '../../core/der.ts';
import { FormatError } from '../../core/errors.ts';

const BASIC_CONSTRAINTS = '551d13';
const SUBJECT_ALT_NAME = '551d11';
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

/** True without the extension too, as old roots are; undefined when it cannot be told. */
export function mayBeCa(certificate: Certificate): boolean | undefined {
  return attempt(() => {
    const value = extensionValue(certificate, BASIC_CONSTRAINTS);
    if (!value) return true;
    const [ca] = children(value.bytes, value.sequence, 10);
    return ca?.tag === Tag.boolean && value.bytes[ca.contentStart] !== 0;
  });
}

/** A DNS name or an IP address among its alternative names. */
export function namesHosts(certificate: Certificate): boolean {
  const found = attempt(() => {
    const value = extensionValue(certificate, SUBJECT_ALT_NAME);
    if (!value) return false;
    const names = children(value.bytes, value.sequence);
    return names.some(({ tag }) => tag === DNS_NAME || tag === IP_ADDRESS);
  });
  return found === true;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function extensionValue(
  { der, layout }: Certificate,
  oid: string,
): { readonly bytes: Uint8Array; readonly sequence: Tlv } | undefined {
  if (!layout?.extensions) return undefined;
  const { contentStart, contentEnd } = layout.extensions;
  const list = expectTlv(der, contentStart, contentEnd, Tag.sequence, 'extensions');
  for (const extension of children(der, list, 1000)) {
    const parts = children(der, extension, 10);
    const [id, value] = [parts[0], parts.at(-1)];
    if (!id || !value || asBuffer(content(der, id)).toString('hex') !== oid) continue;
    const bytes = content(der, value);
    return { bytes, sequence: readTlv(bytes, 0) };
  }
  return undefined;
}
