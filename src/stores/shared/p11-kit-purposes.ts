/** What limits the purposes of an anchor in p11-kit: attached extensions, OpenSSL's trust settings, its own EKU. */

import { asBuffer } from '../../core/bytes.ts';
import type { Certificate } from '../../core/certificate.ts';
import { children, content, decodeOid, element, expectTlv, readTlv, Tag } from '../../core/der.ts';
import { FormatError } from '../../core/errors.ts';
import {
  distrustedForAll,
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
const OPENSSL_REJECT = '1.3.6.1.4.1.3319.6.10.1';
const MAX_PURPOSES = 1000;

interface Limits {
  allowed?: readonly string[];
  rejected?: readonly string[];
}

/** p11-kit attaches extensions to public keys, not to certificates; the first one for a key counts. */
export class KeyLimits {
  readonly #byKey = new Map<string, Limits>();

  attach({ oid, value, publicKey }: P11KitExtension): void {
    if (oid !== EXTENDED_KEY_USAGE && oid !== OPENSSL_REJECT) return;
    const purposes = purposesOfExtension(value);
    if (purposes) this.#add(keyOf(publicKey), oid === OPENSSL_REJECT, purposes);
  }

  /**
   * The settings of a TRUSTED CERTIFICATE: true when something remains trusted, false when nothing does. p11-kit
   * takes settings without trusted purposes, even a mere alias, for distrust.
   */
  attachAux({ der, layout }: Certificate, aux: CertAux): boolean {
    const rejected = aux.reject ?? [];
    const allowed = (aux.trust ?? []).filter((oid) => !rejected.includes(oid));
    if (layout) {
      const key = keyOf(element(der, layout.spki));
      this.#add(key, false, allowed);
      if (rejected.length > 0) this.#add(key, true, rejected);
    }
    return allowed.length > 0;
  }

  of({ der, layout }: Certificate): Limits {
    if (this.#byKey.size === 0 || !layout) return {};
    return this.#byKey.get(keyOf(element(der, layout.spki))) ?? {};
  }

  #add(key: string, isReject: boolean, purposes: readonly string[]): void {
    const limits = this.#byKey.get(key) ?? {};
    if (isReject) limits.rejected ??= purposes;
    else limits.allowed ??= purposes;
    this.#byKey.set(key, limits);
  }
}

/** Trusted, but only for what its limits leave. */
export function limitedTrust(certificate: Certificate, limits: KeyLimits, expressed: string): Trust {
  const { allowed = ownPurposes(certificate), rejected = [] } = limits.of(certificate);
  if (!allowed && rejected.length === 0) return trustedForAll(expressed);
  const purposes: Partial<Record<Purpose, PurposeTrust>> = {};
  const left: string[] = [];
  for (const purpose of PURPOSES) {
    if (lists(rejected, purpose)) purposes[purpose] = 'distrusted';
    else if (!allowed || lists(allowed, purpose)) {
      purposes[purpose] = 'trusted';
      left.push(purpose);
    }
  }
  // Only p11-kit's reserved purpose, or only rejections: an anchor for nothing.
  if (left.length === 0 && rejected.length > 0)
    return distrustedForAll(`${expressed}, every purpose rejected`);
  return trustFor(
    purposes,
    `${expressed}, ${left.length > 0 ? `only ${left.join(' ')}` : 'for none of the known purposes'}`,
  );
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
