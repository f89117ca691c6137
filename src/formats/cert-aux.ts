/**
 * CertAux: what OpenSSL writes after the certificate in a PEM block labelled TRUSTED CERTIFICATE
 * (X509_CERT_AUX in OpenSSL's crypto/x509/x_x509a.c).
 */

import { asBuffer } from '../core/bytes.ts';
import { children, content, decodeOid, expectTlv, Tag, type Tlv } from '../core/der.ts';
import { FormatError } from '../core/errors.ts';
import {
  distrustedForAll,
  heldOnly,
  PURPOSE_BY_OID,
  PURPOSES,
  trustFor,
  type Purpose,
  type PurposeTrust,
  type Trust,
} from '../core/trust.ts';

export interface CertAux {
  /** Object identifiers of purposes; undefined when the list is absent, which is not the same as empty. */
  readonly trust: readonly string[] | undefined;
  readonly reject: readonly string[] | undefined;
  readonly alias?: string;
  /** Offset after the element. */
  readonly end: number;
}

/** anyExtendedKeyUsage (RFC 5280, section 4.2.1.12). */
export const ANY_PURPOSE = '2.5.29.37.0';

const MAX_PURPOSES = 1000;
const MAX_ALIAS_BYTES = 4096;

/** Reads the CertAux at `offset`. Throws FormatError: it is part of another parser. */
export function readCertAux(bytes: Uint8Array, offset: number): CertAux {
  const outer = expectTlv(bytes, offset, bytes.length, Tag.sequence, 'CertAux');
  let trust: readonly string[] | undefined;
  let reject: readonly string[] | undefined;
  let alias: string | undefined;
  for (const field of children(bytes, outer, 100)) {
    if (field.tag === Tag.sequence) trust = objectIdentifiers(bytes, field);
    else if (field.tag === 0xa0) reject = objectIdentifiers(bytes, field);
    else if (field.tag === Tag.utf8String) {
      alias = asBuffer(content(bytes, field).subarray(0, MAX_ALIAS_BYTES)).toString('utf8');
    }
  }
  return { trust, reject, ...(alias === undefined ? {} : { alias }), end: outer.end };
}

function objectIdentifiers(bytes: Uint8Array, list: Tlv): string[] {
  return children(bytes, list, MAX_PURPOSES).map((item) => {
    if (item.tag !== Tag.oid)
      throw new FormatError('malformed', 'CertAux: object identifier missing', item.start);
    return decodeOid(content(bytes, item));
  });
}

/**
 * The trust a CertAux expresses. Rejecting wins over trusting. A list of trusted purposes that is empty, or absent
 * beside a list of rejected ones, trusts for nothing: that is how OpenSSL, p11-kit and the distributions write a
 * distrusted root. An aux with neither list (only an alias) leaves the decision to the store: neutral.
 */
export function auxTrust(aux: Pick<CertAux, 'trust' | 'reject'>): Trust {
  const { trust, reject } = aux;
  const expressed = [
    ...(trust ? [`trust ${listed(trust)}`] : []),
    ...(reject ? [`reject ${listed(reject)}`] : []),
  ].join(', ');
  if (!trust && !reject?.length) return heldOnly(expressed || 'no trust settings');
  if (!trust?.length) return distrustedForAll(expressed);
  const purposes: Partial<Record<Purpose, PurposeTrust>> = {};
  for (const purpose of PURPOSES) {
    if (lists(reject, purpose)) purposes[purpose] = 'distrusted';
    else if (lists(trust, purpose)) purposes[purpose] = 'trusted';
  }
  return trustFor(purposes, expressed);
}

function lists(oids: readonly string[] | undefined, purpose: Purpose): boolean {
  return oids?.some((oid) => oid === ANY_PURPOSE || PURPOSE_BY_OID.get(oid) === purpose) ?? false;
}

function listed(oids: readonly string[]): string {
  if (oids.length === 0) return 'nothing';
  return oids.map((oid) => (oid === ANY_PURPOSE ? 'any' : (PURPOSE_BY_OID.get(oid) ?? oid))).join(' ');
}
