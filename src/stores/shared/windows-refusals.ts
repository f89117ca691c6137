/**
 * What Windows refuses whatever store trusts it: the Disallowed stores, and Microsoft's list of disallowed
 * certificates. It compares the certificate's hash and the hash of its signed body, so that the same body under
 * another signature is refused too.
 */

import { hash } from 'node:crypto';
import { certificateFrom, sha1Of, type Certificate } from '../../core/certificate.ts';
import { element } from '../../core/der.ts';
import type { TrustList } from '../../formats/stl.ts';
import { Property, type WindowsCertificate } from '../../formats/windows-blob.ts';

/** Hash algorithms by the length of what they give. */
const ALGORITHMS: ReadonlyMap<number, string> = new Map([
  [16, 'md5'],
  [20, 'sha1'],
  [32, 'sha256'],
  [48, 'sha384'],
  [64, 'sha512'],
]);

/** What the identifiers of a disallowed list are hashes of; the last are properties (wincrypt.h). */
const OF_CERTIFICATE = new Set([
  '1.3.14.3.2.26', // SHA-1
  '2.16.840.1.101.3.4.2.1', // SHA-256
  '1.3.6.1.4.1.311.10.11.3', // CERT_SHA1_HASH_PROP_ID
  '1.3.6.1.4.1.311.10.11.107', // CERT_SHA256_HASH_PROP_ID
]);
const OF_BODY = '1.3.6.1.4.1.311.10.11.15'; // CERT_SIGNATURE_HASH_PROP_ID

export class Refusals {
  /** Hex of a hash to where it is refused. */
  readonly #certificates = new Map<string, string>();
  readonly #bodies = new Map<string, string>();
  readonly #bodyLengths = new Set<number>();

  /** A refused certificate, or the hashes that stand for one. */
  add({ der, properties }: WindowsCertificate, where: string): void {
    if (der) {
      const certificate = certificateFrom(der);
      this.#certificates.set(sha1Of(certificate), where);
      const body = bodyHash(certificate, 32);
      if (body !== undefined) this.#addBody(body, where);
      return;
    }
    const sha1 = hex(properties.get(Property.sha1));
    if (sha1 !== undefined) this.#certificates.set(sha1, where);
    const body = hex(properties.get(Property.signatureHash));
    if (body !== undefined) this.#addBody(body, where);
  }

  /** False when nobody can tell what its identifiers are hashes of. */
  addList({ subjectAlgorithm, entries }: TrustList, where: string): boolean {
    if (subjectAlgorithm === OF_BODY) for (const { identifier } of entries) this.#addBody(identifier, where);
    else if (OF_CERTIFICATE.has(subjectAlgorithm)) {
      for (const { identifier } of entries) this.#certificates.set(identifier, where);
    } else return entries.length === 0;
    return true;
  }

  #addBody(hexHash: string, where: string): void {
    this.#bodies.set(hexHash, where);
    this.#bodyLengths.add(hexHash.length / 2);
  }

  /** Where the certificate is refused, in words. */
  find(certificate: Certificate): string | undefined {
    if (this.#certificates.size === 0 && this.#bodies.size === 0) return undefined;
    const itself = this.#certificates.get(sha1Of(certificate)) ?? this.#certificates.get(certificate.sha256);
    if (itself !== undefined) return itself;
    for (const length of this.#bodyLengths) {
      const body = bodyHash(certificate, length);
      const where = body === undefined ? undefined : this.#bodies.get(body);
      if (where !== undefined) return where;
    }
    return undefined;
  }

  /** A copy that can be added to. */
  copy(): Refusals {
    const copy = new Refusals();
    for (const [key, where] of this.#certificates) copy.#certificates.set(key, where);
    for (const [key, where] of this.#bodies) copy.#addBody(key, where);
    return copy;
  }
}

function bodyHash({ der, layout }: Certificate, length: number): string | undefined {
  const algorithm = ALGORITHMS.get(length);
  if (!layout || algorithm === undefined) return undefined;
  return hash(algorithm, element(der, layout.tbs), 'hex');
}

function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes && bytes.length > 0 ? Buffer.from(bytes).toString('hex') : undefined;
}
