/**
 * A certificate as bytes: its fingerprints and where its fields lie (RFC 5280, section 4.1). Works for every key
 * and signature algorithm, because nothing is interpreted; bytes that are no certificate keep their fingerprint.
 */

import { createHash, hash } from 'node:crypto';
import { asBuffer, equalBytes } from './bytes.ts';
import { children, derHeader, element, expectTlv, readTlv, Tag, type Tlv } from './der.ts';
import { FormatError } from './errors.ts';

/** Lower-case hex of a SHA-256 digest; made by {@link sha256} or checked by {@link parseSha256}. */
export type Sha256 = string & { readonly brand: 'sha256' };

/** Where the fields of a certificate lie in its bytes. */
interface CertificateLayout {
  readonly outer: Tlv;
  readonly tbs: Tlv;
  readonly serial: Tlv;
  readonly issuer: Tlv;
  readonly validity: Tlv;
  readonly subject: Tlv;
  /** SubjectPublicKeyInfo. */
  readonly spki: Tlv;
  /** The [3] extensions wrapper, when there is one. */
  readonly extensions: Tlv | undefined;
  readonly signatureAlgorithm: Tlv;
  readonly signature: Tlv;
}

export interface Certificate {
  /** The bytes exactly as the store holds them. */
  readonly der: Uint8Array;
  /** SHA-256 of {@link der}: the certificate's identity. */
  readonly sha256: Sha256;
  /** Undefined when the bytes do not have the shape of a certificate. */
  readonly layout: CertificateLayout | undefined;
  /** Only for a certificate that is known by its hashes and has no bytes. */
  readonly knownSha1?: string;
}

export function sha256(bytes: Uint8Array): Sha256 {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the brand is given here and in parseSha256 only
  return hash('sha256', bytes, 'hex') as Sha256;
}

/** Of a text that comes in pieces. */
export function sha256OfText(pieces: Iterable<string>): string {
  const whole = createHash('sha256');
  for (const piece of pieces) whole.update(piece);
  return whole.digest('hex');
}

/** A fingerprint as people write it (any case, with or without colons or spaces), or undefined if it is none. */
export function parseSha256(text: string): Sha256 | undefined {
  const hex = text.replaceAll(/[:\s]/g, '').toLowerCase();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is one
  return /^[0-9a-f]{64}$/.test(hex) ? (hex as Sha256) : undefined;
}

export function certificateFrom(der: Uint8Array): Certificate {
  return new StoredCertificate(der);
}

/** Most certificates are recognised by their hash alone: their bytes are walked when somebody asks. */
class StoredCertificate implements Certificate {
  readonly der: Uint8Array;
  readonly sha256: Sha256;
  #layout: CertificateLayout | undefined | null = null;

  constructor(der: Uint8Array) {
    this.der = der;
    this.sha256 = sha256(der);
  }

  get layout(): CertificateLayout | undefined {
    if (this.#layout === null) this.#layout = layoutOf(this.der);
    return this.#layout;
  }
}

/** A certificate that a store names by its hashes (lower-case hex) without holding it. */
export function certificateByHash(sha256: Sha256, sha1: string): Certificate {
  return { der: new Uint8Array(), sha256, layout: undefined, knownSha1: sha1 };
}

function layoutOf(der: Uint8Array): CertificateLayout | undefined {
  try {
    return readLayout(der);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function readLayout(der: Uint8Array): CertificateLayout {
  const outer = expectTlv(der, 0, der.length, Tag.sequence, 'certificate');
  const tbs = expectTlv(der, outer.contentStart, outer.contentEnd, Tag.sequence, 'tbsCertificate');
  const signatureAlgorithm = readTlv(der, tbs.end, outer.contentEnd);
  const signature = readTlv(der, signatureAlgorithm.end, outer.contentEnd);
  const end = tbs.contentEnd;
  let next = readTlv(der, tbs.contentStart, end);
  if (next.tag === 0xa0) next = readTlv(der, next.end, end); // [0] version, absent in v1
  const serial = next;
  if (serial.tag !== Tag.integer) throw new FormatError('malformed', 'serialNumber missing', serial.start);
  const innerAlgorithm = readTlv(der, serial.end, end);
  const issuer = expectTlv(der, innerAlgorithm.end, end, Tag.sequence, 'issuer');
  const validity = readTlv(der, issuer.end, end);
  const subject = expectTlv(der, validity.end, end, Tag.sequence, 'subject');
  const spki = expectTlv(der, subject.end, end, Tag.sequence, 'subjectPublicKeyInfo');
  let extensions: Tlv | undefined;
  for (let position = spki.end; position < end;) {
    const optional = readTlv(der, position, end);
    if (optional.tag === 0xa3) extensions = optional;
    position = optional.end;
  }
  return {
    outer,
    tbs,
    serial,
    issuer,
    validity,
    subject,
    spki,
    extensions,
    signatureAlgorithm,
    signature,
  };
}

export function sha1Of(certificate: Certificate): string {
  return certificate.knownSha1 ?? hash('sha1', certificate.der, 'hex');
}

/** SHA-256 of the SubjectPublicKeyInfo exactly as the certificate holds it. */
export function spkiSha256Of(certificate: Certificate): Sha256 | undefined {
  const { layout, der } = certificate;
  return layout && sha256(element(der, layout.spki));
}

/** rsaEncryption (RFC 3279, section 2.3.1) without the NULL parameters that the RFC asks for. */
const RSA_WITHOUT_NULL = Buffer.from('300b06092a864886f70d010101', 'hex');
const RSA_WITH_NULL = Buffer.from('300d06092a864886f70d0101010500', 'hex');

/**
 * The same RSA key can be written with and without NULL parameters and then has two SPKI hashes. The hash of the
 * usual form, for a key written the unusual way; undefined for every other key.
 */
export function canonicalSpkiSha256Of(certificate: Certificate): Sha256 | undefined {
  const { layout, der } = certificate;
  if (!layout) return undefined;
  const algorithmStart = layout.spki.contentStart;
  const algorithm = asBuffer(der).subarray(algorithmStart, algorithmStart + RSA_WITHOUT_NULL.length);
  if (!algorithm.equals(RSA_WITHOUT_NULL)) return undefined;
  const key = der.subarray(algorithmStart + RSA_WITHOUT_NULL.length, layout.spki.contentEnd);
  const body = Buffer.concat([RSA_WITH_NULL, key]);
  return sha256(Buffer.concat([derHeader(Tag.sequence, body.length), body]));
}

/** SHA-256 of the signed body (TBSCertificate), with a minimal header whatever the stored one looks like. */
export function tbsSha256Of(certificate: Certificate): Sha256 | undefined {
  const { layout, der } = certificate;
  return layout && sha256(withMinimalHeader(der, layout.tbs));
}

/**
 * SHA-256 of the certificate without what a store or an attacker may have added around it: bytes after the
 * element, or a length that is not in DER's form. Undefined when the stored bytes are already exact.
 */
export function exactSha256Of(certificate: Certificate): Sha256 | undefined {
  const { layout, der } = certificate;
  if (!layout) return undefined;
  if (layout.outer.definiteMinimal && layout.outer.end === der.length) return undefined;
  return sha256(withMinimalHeader(der, layout.outer));
}

function withMinimalHeader(der: Uint8Array, tlv: Tlv): Uint8Array {
  if (tlv.definiteMinimal) return element(der, tlv);
  const body = der.subarray(tlv.contentStart, tlv.contentEnd);
  return Buffer.concat([derHeader(tlv.tag, body.length), body]);
}

/** True when issuer and subject are the same bytes. */
export function isSelfIssued({ layout, der }: Certificate): boolean {
  if (!layout) return false;
  return asBuffer(element(der, layout.issuer)).equals(element(der, layout.subject));
}

/** True when both have the same subject, byte for byte. */
export function hasSameSubject(a: Certificate, b: Certificate): boolean {
  if (!a.layout || !b.layout) return false;
  return equalBytes(element(a.der, a.layout.subject), element(b.der, b.layout.subject));
}

/** The serial number's content octets in hex, without leading zero octets; "" if there is none. */
export function serialNumberOf({ layout, der }: Certificate): string {
  if (!layout) return '';
  const hex = asBuffer(der.subarray(layout.serial.contentStart, layout.serial.contentEnd)).toString('hex');
  return hex.replace(/^(?:00)+(?=..)/, '');
}

/** notBefore and notAfter as ISO 8601 in UTC, where they can be read. */
export function validityOf({ layout, der }: Certificate): { notBefore?: string; notAfter?: string } {
  if (!layout) return {};
  try {
    const [notBefore, notAfter] = children(der, layout.validity, 2).map((time) => decodeTime(der, time));
    return { ...(notBefore && { notBefore }), ...(notAfter && { notAfter }) };
  } catch (error) {
    if (error instanceof FormatError) return {};
    throw error;
  }
}

/** UTCTime and GeneralizedTime of RFC 5280, section 4.1.2.5; undefined for a date that does not exist. */
function decodeTime(der: Uint8Array, time: Tlv): string | undefined {
  const text = asBuffer(der.subarray(time.contentStart, time.contentEnd)).toString('latin1');
  const utc = time.tag === Tag.utcTime;
  const match = (utc ? /^(\d{2})(\d{8})(\d{2})?Z$/ : /^(\d{4})(\d{8})(\d{2})?Z$/).exec(text);
  if (!match) return undefined;
  const [, year = '', rest = '', seconds = '00'] = match;
  const fullYear = utc ? (Number(year) >= 50 ? `19${year}` : `20${year}`) : year;
  const iso = `${fullYear}-${rest.slice(0, 2)}-${rest.slice(2, 4)}T${rest.slice(4, 6)}:${rest.slice(6, 8)}:${seconds}Z`;
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? undefined : iso;
}
