import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rootCertificates } from 'node:tls';
import { describe, expect, it } from 'vitest';
import {
  canonicalSpkiSha256Of,
  certificateFrom,
  exactSha256Of,
  isSelfIssued,
  parseSha256,
  serialNumberOf,
  sha1Of,
  sha256,
  spkiSha256Of,
  tbsSha256Of,
  validityOf,
} from '../../src/core/certificate.ts';
import { formatName, parseName } from '../../src/core/name.ts';
import { makeCertificate, tlv } from '../support/certificates.ts';

const SAMPLES = fileURLToPath(new URL('../../../shared/samples/certificates/', import.meta.url));

function oracle(der: Uint8Array): { sha256: string; sha1: string; spki: string } {
  const x509 = new X509Certificate(der);
  return {
    sha256: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
    sha1: x509.fingerprint.replaceAll(':', '').toLowerCase(),
    spki: sha256(x509.publicKey.export({ type: 'spki', format: 'der' })),
  };
}

describe('fingerprints', () => {
  it.each(['ec', 'rsa', 'ed25519'] as const)(
    'agree with OpenSSL for a certificate with an %s key',
    (kind) => {
      const { der } = makeCertificate({ subject: { CN: 'Fingerprint' }, kind });
      const certificate = certificateFrom(der);
      expect({
        sha256: certificate.sha256,
        sha1: sha1Of(certificate),
        spki: spkiSha256Of(certificate),
      }).toEqual(oracle(der));
    },
  );

  it('agree with OpenSSL for every root that Node carries', () => {
    for (const pem of rootCertificates) {
      const { raw, fingerprint256 } = new X509Certificate(pem);
      const certificate = certificateFrom(raw);
      expect(certificate.sha256).toBe(fingerprint256.replaceAll(':', '').toLowerCase());
      expect(spkiSha256Of(certificate)).toBe(oracle(raw).spki);
      expect(certificate.layout).toBeDefined();
    }
  });

  it('are kept for bytes that are no certificate', () => {
    const junk = certificateFrom(Buffer.from('not a certificate'));
    expect(junk.sha256).toBe(sha256(Buffer.from('not a certificate')));
    expect(junk.layout).toBeUndefined();
    expect(spkiSha256Of(junk)).toBeUndefined();
  });

  it.each([
    ['bytes after it', (der: Buffer) => Buffer.concat([der, Buffer.from('extra')])],
    [
      'an indefinite length',
      (der: Buffer) => Buffer.concat([Buffer.of(0x30, 0x80), der.subarray(4), Buffer.of(0, 0)]),
    ],
    [
      'a length with a needless octet',
      (der: Buffer) => Buffer.concat([Buffer.of(0x30, 0x83, 0x00), der.subarray(2)]),
    ],
  ])('show the exact certificate and the same body in spite of %s', (_what, wrap) => {
    const { der } = makeCertificate({ subject: { CN: 'Wrapped' }, kind: 'rsa' });
    const wrapped = certificateFrom(wrap(der));
    expect(wrapped.sha256).not.toBe(sha256(der));
    expect(exactSha256Of(wrapped)).toBe(sha256(der));
    expect(tbsSha256Of(wrapped)).toBe(tbsSha256Of(certificateFrom(der)));
    expect(exactSha256Of(certificateFrom(der))).toBeUndefined();
  });

  it('know an RSA key written without NULL parameters as the same key', () => {
    const { der } = makeCertificate({ subject: { CN: 'Null' }, kind: 'rsa' });
    const usual = Buffer.from('300d06092a864886f70d0101010500', 'hex');
    const unusual = Buffer.from('300b06092a864886f70d010101', 'hex');
    const certificate = certificateFrom(der);
    const spki = certificate.layout?.spki;
    if (!spki) throw new Error('layout expected');
    const key = der.subarray(spki.contentStart + usual.length, spki.contentEnd);
    const rewritten = makeSpkiOnly(tlv(0x30, unusual, key));
    expect(spkiSha256Of(rewritten)).not.toBe(spkiSha256Of(certificate));
    expect(canonicalSpkiSha256Of(rewritten)).toBe(spkiSha256Of(certificate));
    expect(canonicalSpkiSha256Of(certificate)).toBeUndefined();
  });

  it('are read in any spelling people use', () => {
    const hex = 'AB'.repeat(32);
    expect(parseSha256(hex)).toBe('ab'.repeat(32));
    expect(parseSha256('AB:'.repeat(31) + 'AB')).toBe('ab'.repeat(32));
    expect(parseSha256('ab')).toBeUndefined();
  });
});

/** A certificate that is well-formed around the given key; the signature means nothing. */
function makeSpkiOnly(spki: Buffer): ReturnType<typeof certificateFrom> {
  const empty = tlv(0x30);
  const tbs = tlv(0x30, tlv(0x02, Buffer.of(1)), empty, empty, empty, empty, spki);
  return certificateFrom(tlv(0x30, tbs, empty, tlv(0x03, Buffer.of(0))));
}

describe('certificate details', () => {
  it('show names, serial number and dates', () => {
    const { der } = makeCertificate({
      subject: { C: 'KZ', O: 'ISCA, "Ltd"', CN: 'Ünïcode' },
      serial: Buffer.of(0, 0xfe),
    });
    const certificate = certificateFrom(der);
    if (!certificate.layout) throw new Error('layout expected');
    expect(formatName(parseName(der, certificate.layout.subject))).toBe(
      'CN=Ünïcode,O=ISCA\\, \\"Ltd\\",C=KZ',
    );
    expect(serialNumberOf(certificate)).toBe('fe');
    expect(validityOf(certificate)).toEqual({
      notBefore: '2020-01-01T00:00:00Z',
      notAfter: '2049-12-31T23:59:59Z',
    });
    expect(isSelfIssued(certificate)).toBe(true);
  });

  it('tell a certificate issued by another', () => {
    const issuer = makeCertificate({ subject: { CN: 'Root' } });
    expect(isSelfIssued(certificateFrom(makeCertificate({ subject: { CN: 'Child' }, issuer }).der))).toBe(
      false,
    );
  });
});

describe.skipIf(!existsSync(SAMPLES))('odd certificates from the sample collection', () => {
  it.each([
    'baddate',
    'deepsubject',
    'ec384',
    'ed25519',
    'indef-outer',
    'md2',
    'name-badutf8',
    'neg',
    'nonminlen',
    'rsa512md5',
    'rsapss',
    'serial-empty',
    'trailing',
    'v1',
  ])('%s is fingerprinted and its key found', (name) => {
    const der = readFileSync(`${SAMPLES}${name}.der`);
    const certificate = certificateFrom(der);
    expect(certificate.sha256).toBe(sha256(der));
    expect(spkiSha256Of(certificate)).toMatch(/^[0-9a-f]{64}$/);
    expect(() => validityOf(certificate)).not.toThrow();
  });
});
