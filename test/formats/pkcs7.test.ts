import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/core/certificate.ts';
import { looksLikePkcs7, parsePkcs7 } from '../../src/formats/pkcs7.ts';
import { parsePem } from '../../src/formats/pem.ts';
import { makeCertificate, tlv, toPem, type TestCertificate } from '../support/certificates.ts';
import { hasSample, sample } from '../support/root.ts';

const SIGNED_DATA = Buffer.from('06092a864886f70d010702', 'hex');
const DATA = Buffer.from('06092a864886f70d010701', 'hex');
const END = Buffer.of(0, 0);

let certificates: TestCertificate[];
beforeAll(() => {
  certificates = ['A', 'B'].map((CN) => makeCertificate({ subject: { CN } }));
});

const open = (tag: number, ...parts: readonly Uint8Array[]): Buffer =>
  Buffer.concat([Buffer.of(tag, 0x80), ...parts, END]);

function pkcs7(wrap: (tag: number, ...parts: readonly Uint8Array[]) => Buffer, type = SIGNED_DATA): Buffer {
  const ders = certificates.map(({ der }) => der);
  const version = tlv(0x02, Buffer.of(1));
  return wrap(
    0x30,
    type,
    wrap(0xa0, wrap(0x30, version, tlv(0x31), wrap(0x30, DATA), wrap(0xa0, ...ders), tlv(0x31))),
  );
}

describe('PKCS#7', () => {
  it.each([
    ['DER', tlv],
    ['BER with indefinite lengths', open],
  ])('in %s gives its certificates exactly', (_name, wrap) => {
    const { entries, diagnostics } = parsePkcs7(pkcs7(wrap));
    expect(diagnostics).toEqual([]);
    expect(entries.map(sha256)).toEqual(certificates.map((each) => each.sha256));
    expect(looksLikePkcs7(pkcs7(wrap))).toBe(true);
  });

  it.each(['PKCS7', 'CMS'])(
    'in a PEM block %s gives its certificates with the lines of the block',
    (label) => {
      const { entries, diagnostics } = parsePem(Buffer.from(`\n${toPem(pkcs7(tlv), label)}`));
      expect(diagnostics).toEqual([]);
      expect(entries.map(({ der }) => sha256(der))).toEqual(certificates.map((each) => each.sha256));
      expect(new Set(entries.map(({ firstLine, start, end }) => `${firstLine} ${start} ${end}`)).size).toBe(
        1,
      );
    },
  );

  it('as a plain file is found by the PEM reader', () => {
    expect(parsePem(pkcs7(tlv)).entries.map(({ label }) => label)).toEqual(['PKCS7', 'PKCS7']);
  });

  it.each<[string, () => Buffer, string]>([
    ['nothing', () => Buffer.alloc(0), 'truncated'],
    ['another content type', () => pkcs7(tlv, DATA), 'unsupported'],
    ['a cut file', () => pkcs7(tlv).subarray(0, -1), 'truncated'],
    ['open elements in open elements', () => Buffer.from('3080'.repeat(1000), 'hex'), 'limit'],
    ['no certificates', () => tlv(0x30, SIGNED_DATA, tlv(0xa0, tlv(0x30))), 'note'],
  ])('with %s gives a diagnostic', (_name, bytes, code) => {
    const { entries, diagnostics } = parsePkcs7(bytes());
    expect(entries).toEqual([]);
    expect(diagnostics).toMatchObject([{ code }]);
  });

  it('never throws, whatever bytes are changed', () => {
    for (const good of [pkcs7(tlv), pkcs7(open)]) {
      fc.assert(
        fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
          const bytes = Buffer.from(good);
          bytes[at] = value;
          expect(parsePkcs7(bytes).entries.length).toBeLessThan(1000);
        }),
        { numRuns: 500 },
      );
    }
  });

  it.skipIf(!hasSample('pem'))('in the sample bundle.p7b holds two roots', () => {
    expect(parsePkcs7(sample('pem/bundle.p7b')).entries).toHaveLength(2);
  });
});
