/** What limits the purposes of an anchor in p11-kit: attached extensions, OpenSSL's trust settings, its own EKU. */

import { asBuffer } from '../../core/bytes.ts';
import type { Certificate } from '../../core/certificate.ts';
import { children, content, decodeOid, element, expectTlv, readTlv, Tag } from '../../core/der.ts';
import { FormatError } from '../../core/errors.ts';
import {
  PURPOSE_BY_OID,
  PURPOSES,
  trustedForAll,
  trustFor,
  type Purpose,
  type PurposeTrust,
  type Trust,
} from '../../core/trust.ts';
import { ANY_PURPOSE, type CertAux } from '../../formats/cert-aux.ts';
import type { P11KitExtension } from '../../formats/p11-kit.ts';

const EXTENDED_KEY_USAGE = '2.5.29.37';
const MAX_PURPOSES = 1000;

/**
 * p11-kit attaches extensions to public keys, not to certificates; the first one for a key counts. The extension
 * that carries OpenSSL's rejected purposes is only handed on to OpenSSL's bundle: it keeps nothing out of the others.
 */
export class KeyLimits {
  readonly #allowedByKey = new Map<string, readonly string[]>();

  attach({ oid, value, publicKey }: P11KitExtension): void {
    const purposes = oid === EXTENDED_KEY_USAGE ? purposesOfExtension(value) : undefined;
    if (purposes) this.#add(keyOf(publicKey), purposes);
  }

  /**
   * The settings of a TRUSTED CERTIFICATE: true when something remains trusted, false when nothing does. p11-kit
   * takes settings without trusted purposes, even a mere alias, for distrust; it strikes the rejected purposes off
   * the trusted ones by their names, so that rejecting "any" strikes off nothing else.
   */
  attachAux({ der, layout }: Certificate, { trust = [], reject = [] }: CertAux): boolean {
    const allowed = trust.filter((oid) => !reject.includes(oid));
    if (layout) this.#add(keyOf(element(der, layout.spki)), allowed);
    return allowed.length > 0;
  }

  /** Undefined when nothing is attached. */
  of({ der, layout }: Certificate): readonly string[] | undefined {
    if (this.#allowedByKey.size === 0 || !layout) return undefined;
    return this.#allowedByKey.get(keyOf(element(der, layout.spki)));
  }

  #add(key: string, allowed: readonly string[]): void {
    if (!this.#allowedByKey.has(key)) this.#allowedByKey.set(key, allowed);
  }
}

/** Trusted, but only for what its limits leave. */
export function limitedTrust(certificate: Certificate, limits: KeyLimits, expressed: string): Trust {
  const allowed = limits.of(certificate) ?? ownPurposes(certificate);
  if (!allowed) return trustedForAll(expressed);
  const left = PURPOSES.filter((purpose) => lists(allowed, purpose));
  const purposes: Partial<Record<Purpose, PurposeTrust>> = {};
  for (const purpose of left) purposes[purpose] = 'trusted';
  const only = left.length > 0 ? `only ${left.join(' ')}` : 'for none of the known purposes';
  return trustFor(purposes, `${expressed}, ${only}`);
}

function lists(oids: readonly string[], purpose: Purpose): boolean {
  return oids.some((oid) => oid === ANY_PURPOSE || PURPOSE_BY_OID.get(oid) === purpose);
}

function keyOf(publicKey: Uint8Array): string {
  return asBuffer(publicKey).toString('latin1');
}

/** The purposes in the DER of an Extension whose value is ExtKeyUsageSyntax. */
function purposesOfExtension(extension: Uint8Array): readonly string[] | undefined {
  return orUndefined(() => {
    const outer = expectTlv(extension, 0, extension.length, Tag.sequence, 'Extension');
    const fields = children(extension, outer, 3);
    const value = fields.at(-1);
    if (value?.tag !== Tag.octetString) return undefined;
    return purposeList(content(extension, value));
  });
}

function purposeList(bytes: Uint8Array): readonly string[] {
  const list = expectTlv(bytes, 0, bytes.length, Tag.sequence, 'ExtKeyUsageSyntax');
  return children(bytes, list, MAX_PURPOSES).map((item) => decodeOid(content(bytes, item)));
}

/** The certificate's own extended key usage, if it has one. */
function ownPurposes({ der, layout }: Certificate): readonly string[] | undefined {
  const wrapper = layout?.extensions;
  if (!wrapper) return undefined;
  return orUndefined(() => {
    const list = expectTlv(der, wrapper.contentStart, wrapper.contentEnd, Tag.sequence, 'extensions');
    for (const extension of children(der, list, MAX_PURPOSES)) {
      const oid = readTlv(der, extension.contentStart, extension.contentEnd);
      if (decodeOid(content(der, oid)) === EXTENDED_KEY_USAGE)
        return purposesOfExtension(element(der, extension));
    }
    return undefined;
  });
}

function orUndefined<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
