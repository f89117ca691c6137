import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTlv } from '../../src/core/der.ts';
import { Carver, OVERLAP, type CarvedCertificate } from '../../src/formats/carve.ts';
import { loadCorpus } from '../recall/corpus.ts';
import { makeCertificate, tlv, toPem, type TestCertificate } from '../support/certificates.ts';

const long = makeCertificate({ subject: { C: 'KZ', O: 'State', CN: 'Long Root' } });
const rsa = makeCertificate({ subject: { CN: 'RSA Root' }, kind: 'rsa' });
/** Less than 256 octets. */
const short = makeCertificate({ subject: { CN: 'S' }, kind: 'ed25519' });
/** A certificate of version 1 has no version. */
const first = withoutVersion(long.der);

const WINDOW = 2 * OVERLAP + 4096;

function withoutVersion(der: Buffer): Buffer {
  const version = Buffer.from('a003020102', 'hex');
  const bodyStart = der.indexOf(version);
  const bodyEnd = readTlv(der, 4).end;
  const body = der.subarray(bodyStart + version.length, bodyEnd);
  return tlv(0x30, tlv(0x30, body), der.subarray(bodyEnd));
}

function carve(bytes: Uint8Array, piece = bytes.length || 1): CarvedCertificate[] {
  const carver = new Carver(Buffer.alloc(WINDOW));
  const found: CarvedCertificate[] = [];
  for (let at = 0; at < bytes.length; at += piece) found.push(...carver.push(bytes.subarray(at, at + piece)));
  return [...found, ...carver.end()];
}

const outline = (bytes: Uint8Array, piece?: number): string[] =>
  carve(bytes, piece).map(
    ({ certificate, offset, encoding }) => `${encoding} ${offset} ${certificate.sha256}`,
  );

const at = (offset: number, content: Uint8Array | string, after = 100): Buffer =>
  Buffer.concat([Buffer.alloc(offset, 0x90), Buffer.from(content), Buffer.alloc(after, 0x90)]);

describe('certificates in other bytes', () => {
  it.each<[string, TestCertificate, string | Buffer, 'DER' | 'PEM']>([
    ['a DER certificate', long, long.der, 'DER'],
    ['a large one', rsa, rsa.der, 'DER'],
    ['one of less than 256 octets', short, short.der, 'DER'],
    ['PEM', long, long.pem, 'PEM'],
    ['PEM with the ends of lines of Windows', long, long.pem.replaceAll('\n', '\r\n'), 'PEM'],
    ['PEM in one line', long, long.pem.replaceAll('\n', ''), 'PEM'],
    ['PEM in a JSON string', long, JSON.stringify(long.pem), 'PEM'],
    ['PEM in a string that was quoted twice', long, JSON.stringify(JSON.stringify(long.pem)), 'PEM'],
    ['PEM in C', long, long.pem.replaceAll(/(.+)\n/g, String.raw`"$1\n"` + '\n'), 'PEM'],
    ['PEM joined with +', long, long.pem.replaceAll(/(.+)\n/g, String.raw`'$1\n' + `), 'PEM'],
    [
      'a TRUSTED CERTIFICATE',
      long,
      toPem(Buffer.concat([long.der, tlv(0x30)]), 'TRUSTED CERTIFICATE'),
      'PEM',
    ],
    ['the old label', long, toPem(long.der, 'X509 CERTIFICATE'), 'PEM'],
  ])('are found: %s', (_, { sha256 }, content, encoding) => {
    const shift = encoding === 'PEM' ? content.indexOf('-----BEGIN') : 0;
    expect(outline(at(1000, content))).toEqual([`${encoding} ${1000 + shift} ${sha256}`]);
  });

  it('are found whatever they are like', () => {
    const { certificates } = loadCorpus();
    const gap = Buffer.alloc(5, 0x30);
    const bytes = Buffer.concat(certificates.flatMap(({ der, pem }) => [gap, der, gap, Buffer.from(pem)]));
    const found = carve(bytes).map(({ certificate }) => certificate.sha256);
    expect(found).toEqual(certificates.flatMap(({ sha256 }) => [sha256, sha256]));
  });

  it('are found without a version', () => {
    expect(carve(at(7, first)).map(({ offset }) => offset)).toEqual([7]);
  });

  it('are found at the very beginning, at the very end, and side by side', () => {
    const bytes = Buffer.concat([long.der, short.der, Buffer.from(rsa.pem), rsa.der]);
    expect(carve(bytes).map(({ certificate }) => certificate.sha256)).toEqual(
      [long, short, rsa, rsa].map(({ sha256 }) => sha256),
    );
  });

  it.each([
    ['a key block', long.pem.replaceAll('CERTIFICATE', 'PRIVATE KEY')],
    ['a block without an end', long.pem.slice(0, 200)],
    ['a block with other characters', long.pem.replace('\nMII', '\nMI*')],
    ['a certificate that is cut off', long.der.subarray(0, long.der.length - 1)],
    ['a request', tlv(0x30, tlv(0x30, tlv(2, Buffer.of(0)), Buffer.alloc(200)), Buffer.alloc(100))],
    ['an example in a manual', '-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----\n'],
  ])('are not seen in %s', (_, content) => {
    expect(outline(at(50, content, 0))).toEqual([]);
  });

  it('are found once each, wherever the window ends', () => {
    const edge = WINDOW - OVERLAP;
    for (const { der, pem, sha256 } of [long, short]) {
      for (const content of [der, Buffer.from(pem)]) {
        for (const start of [
          edge - content.length,
          edge - 10,
          edge - 6,
          edge - 5,
          edge - 1,
          edge,
          edge + 1,
          WINDOW - 3,
        ]) {
          const found = carve(at(start, content, WINDOW), 5000);
          expect(found.map((each) => [each.offset, each.certificate.sha256])).toEqual([[start, sha256]]);
        }
      }
    }
  });

  it('never make the search throw or take long, and stay the same in pieces', () => {
    const parts = fc.constantFrom<Uint8Array>(
      long.der,
      short.der,
      Buffer.from(long.pem),
      Buffer.from('3082', 'hex'),
      Buffer.from('-----BEGIN CERTIFICATE-----'),
      Buffer.from('3081a0308190a003020102', 'hex'),
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(parts, fc.uint8Array({ maxLength: 50 })), { maxLength: 30 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }),
        (pieces, changes) => {
          const bytes = Buffer.concat(pieces);
          for (const [where, octet] of changes) if (bytes.length > 0) bytes[where % bytes.length] = octet;
          expect(outline(bytes, 97)).toEqual(outline(bytes));
        },
      ),
    );
  });

  it('stop with a problem where each lies inside of another', () => {
    // A certificate whose extension holds a certificate, and so on: each octet belongs to many.
    let nested = long.der;
    while (nested.length < 60_000) {
      nested = wrap(tlv(0xa3, tlv(0x30, nested)));
    }
    const carver = new Carver(Buffer.alloc(1 << 20));
    const start = Date.now();
    const count = 30;
    for (let i = 0; i < count; i++) carver.push(nested);
    carver.end();
    expect(Date.now() - start).toBeLessThan(10_000);
    expect(carver.diagnostics).toMatchObject([{ level: 'error', code: 'limit' }]);
  });
});

/** A certificate with the fields of `long` and these extensions. */
function wrap(extensions: Buffer): Buffer {
  const { der } = long;
  const bodyStart = der[5] === 0x82 ? 8 : 7;
  const body = der.subarray(
    bodyStart,
    der.lastIndexOf(Buffer.from('a3', 'hex'), der.indexOf(Buffer.from('551d13', 'hex'))),
  );
  return tlv(
    0x30,
    tlv(0x30, body, extensions),
    Buffer.from('300a06082a8648ce3d040302', 'hex'),
    tlv(3, Buffer.alloc(9)),
  );
}
