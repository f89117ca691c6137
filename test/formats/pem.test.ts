import { rootCertificates } from 'node:tls';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/core/certificate.ts';
import { parsePem, type PemEntry } from '../../src/formats/pem.ts';
import { makeCertificate, toPem, type TestCertificate } from '../support/certificates.ts';
import { hasSample, sample } from '../support/root.ts';

const R1 = '9d1e25bf4003e27df00b89a3b27a1bf66aedd1c24583a9f13f84608c51014164';
const R2 = '578c72bc8f58036d7c5720128e402e43edb8d5f87226b7182e59781e76c70d5b';

let a: TestCertificate;
let b: TestCertificate;
beforeAll(() => {
  // The signature always has the same length, so damage always has the same effect.
  a = makeCertificate({ subject: { CN: 'A' }, kind: 'ed25519' });
  b = makeCertificate({ subject: { CN: 'B' }, kind: 'rsa' });
});

const parse = (text: string): ReturnType<typeof parsePem> => parsePem(Buffer.from(text, 'latin1'));
const hashes = (entries: readonly PemEntry[]): string[] => entries.map(({ der }) => sha256(der));
const errors = (text: string): (string | number | undefined)[][] =>
  parse(text)
    .diagnostics.filter(({ level }) => level === 'error')
    .map(({ code, line }) => [code, line]);

describe('a PEM bundle', () => {
  it('gives every certificate with its lines and byte range', () => {
    const text = `${a.pem}${b.pem}`;
    const { entries, diagnostics } = parse(text);
    expect(diagnostics).toEqual([]);
    expect(hashes(entries)).toEqual([a.sha256, b.sha256]);
    const lines = text.split('\n');
    for (const { firstLine, lastLine, start, end } of entries) {
      expect(lines[firstLine - 1]).toBe('-----BEGIN CERTIFICATE-----');
      expect(lines[lastLine - 1]).toBe('-----END CERTIFICATE-----');
      expect(text.slice(start, end).split('\n')).toEqual(lines.slice(firstLine - 1, lastLine));
    }
  });

  it('reads the 140 roots that Node brings, in whatever form they are written', () => {
    const expected = rootCertificates.map((pem) =>
      sha256(Buffer.from(pem.split('\n').slice(1, -1).join(''), 'base64')),
    );
    const bundle = `${rootCertificates.join('\n')}\n`;
    for (const text of [bundle, bundle.replaceAll('\n', '\r\n'), bundle.replaceAll('\n', '\r')]) {
      const { entries, diagnostics } = parse(text);
      expect(diagnostics).toEqual([]);
      expect(hashes(entries)).toEqual(expected);
    }
  });

  it.each<[string, (pem: string) => string]>([
    ['CR LF line ends', (pem) => pem.replaceAll('\n', '\r\n')],
    ['CR line ends', (pem) => pem.replaceAll('\n', '\r')],
    ['mixed line ends', (pem) => pem.replace('\n', '\r\n').replace(/\n$/, '\r')],
    ['a UTF-8 byte order mark', (pem) => `\u00ef\u00bb\u00bf${pem}`],
    ['indentation', (pem) => pem.replaceAll(/^/gm, ' \t ')],
    ['blanks at the ends of lines', (pem) => pem.replaceAll('\n', ' \t\n')],
    ['blank lines inside', (pem) => pem.replaceAll('\n', '\n\n')],
    ['all base64 on one line', (pem) => pem.replaceAll(/(?<!-)\n(?!-)/g, '')],
    ['everything on one line', (pem) => pem.replaceAll('\n', '')],
    [
      'lines of 76 characters',
      (pem) => pem.replaceAll(/(?<!-)\n(?!-)/g, '').replaceAll(/[^-\n]{76}/g, '$&\n'),
    ],
    ['no line end at the end', (pem) => pem.trimEnd()],
    ['no padding', (pem) => pem.replace(/=+\n/, '\n')],
    ['RFC 1421 headers', (pem) => pem.replace('-----\n', '-----\nName: value\nOther: value\n\n')],
    [
      'text around it',
      (pem) => `Some text -----BEGIN\nlast ----- line\n${pem}trailing -----END CERTIFICATE-----`,
    ],
    ['another label', (pem) => pem.replaceAll('CERTIFICATE', 'X509 CERTIFICATE')],
    [
      'a header that lies about encryption',
      (pem) => pem.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\n\n'),
    ],
    ['text before BEGIN on its line', (pem) => `see -----BEGIN CERTIFICATE----- or ${pem}`],
    ['a stray END before it', (pem) => `-----END CERTIFICATE-----\n${pem}`],
  ])('is read with %s', (_name, change) => {
    for (const certificate of [a, b]) {
      const { entries, diagnostics } = parse(change(certificate.pem));
      expect(hashes(entries)).toEqual([certificate.sha256]);
      expect(diagnostics.filter(({ level }) => level === 'error')).toEqual([]);
    }
  });

  it.each(['utf16le', 'utf16be'])('is read from %s, with a note that OpenSSL would not', (encoding) => {
    const wide = Buffer.from(`\ufeffText\n${a.pem}`, 'utf16le');
    const bytes = encoding === 'utf16le' ? wide : wide.swap16();
    const { entries, diagnostics } = parsePem(bytes);
    expect(hashes(entries)).toEqual([a.sha256]);
    expect(diagnostics.map(({ level }) => level)).toEqual(['note']);
    expect(entries[0]?.start).toBe(2 + 2 * 5);
    expect(entries[0]?.end).toBe(bytes.length - 2);
  });

  it.each<[string, string, (pem: string) => string]>([
    [
      "certifi's label",
      'My "Root"',
      (pem) => `# Issuer: CN=x\n# Label: "My "Root""\n# MD5 Fingerprint: 00:11\n${pem}`,
    ],
    ["curl's underlined name", 'My Root', (pem) => `\nMy Root\n=======\n${pem}`],
    ["p11-kit's comment", 'My Root', (pem) => `# My Root\n${pem}`],
  ])('keeps %s', (_name, comment, change) => {
    expect(parse(`${b.pem}${change(a.pem)}`).entries[1]?.comment).toBe(comment);
  });

  it('notes bytes after a certificate and keeps all of them', () => {
    const der = Buffer.concat([a.der, Buffer.from('extra')]);
    const { entries, diagnostics } = parse(toPem(der));
    expect(hashes(entries)).toEqual([sha256(der)]);
    expect(diagnostics).toMatchObject([{ level: 'note', message: '5 bytes after the certificate', line: 1 }]);
  });

  it('counts what is no certificate and warns of private keys', () => {
    const other =
      toPem(Buffer.from('key'), 'RSA PRIVATE KEY') + toPem(Buffer.from('x'), 'X509 CRL').repeat(2);
    const { entries, diagnostics } = parse(`${other}${a.pem}`);
    expect(hashes(entries)).toEqual([a.sha256]);
    expect(diagnostics.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'note: holds a private key: 1 block "RSA PRIVATE KEY"',
      'note: ignored: 2 blocks "X509 CRL"',
    ]);
  });
});

describe('a damaged PEM bundle', () => {
  it.each<[string, string, number, (pem: string) => string]>([
    ['a bad character', 'malformed', 3, (pem) => pem.replace(/^((?:.*\n){2}.{5})./, '$1!')],
    ['a character of base64url', 'malformed', 2, (pem) => pem.replace('\nM', '\n_')],
    ['a dash inside', 'malformed', 2, (pem) => pem.replace('\nM', '\n-')],
    [
      'a character missing',
      'malformed',
      1,
      (pem) =>
        pem
          .replace(/\nM(?!.*\nM)/, '\n')
          .replace(/=+\n/, '\n')
          .replace(/..\n-----END/, '\n-----END'),
    ],
    ['padding inside', 'malformed', 1, (pem) => pem.replace('\nM', '\n=M')],
    ['no content', 'malformed', 1, () => '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'],
    ['no END', 'truncated', 1, (pem) => pem.replace(/-----END.*\n/, '')],
    ['an END of another label', 'malformed', 1, (pem) => pem.replace('END CERTIFICATE', 'END PKCS7')],
    [
      'encryption',
      'unsupported',
      1,
      () => toPem(Buffer.from('f'.repeat(64), 'hex')).replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\n\n'),
    ],
    ['half a certificate', 'truncated', 1, () => toPem(Buffer.from('3082010030', 'hex'))],
    ['something else than a SEQUENCE', 'malformed', 1, () => toPem(Buffer.from('0500', 'hex'))],
    ['an unreadable PKCS#7', 'malformed', 1, () => toPem(Buffer.from('3003020101', 'hex'), 'PKCS7')],
    ['a block over the limit', 'limit', 1, () => toPem(Buffer.alloc(4 << 20))],
  ])('with %s is an error there, and the certificate after it is read', (_name, code, line, damage) => {
    const text = `${damage(a.pem)}${b.pem}`;
    expect(hashes(parse(text).entries)).toEqual([b.sha256]);
    expect(errors(text)).toEqual([[code, line]]);
  });

  it.each<[string, string, string]>([
    ['nothing', '', 'note'],
    ['white space', ' \r\n\t\n', 'note'],
    ['comments', '# none yet\n; none\n', 'note'],
    ['other text', 'hello\n', 'error'],
    ['a marker inside a line', 'see -----BEGIN CERTIFICATE-----\n', 'error'],
    ['binary junk', '\u0000\u0001\u00ff', 'error'],
  ])('that holds %s gives no certificate and one diagnostic', (_name, text, level) => {
    const { entries, diagnostics } = parse(text);
    expect(entries).toEqual([]);
    expect(diagnostics.map((each) => each.level)).toEqual([level]);
  });

  it('stops at 100,000 blocks', () => {
    const { entries, diagnostics } = parse('-----BEGIN X-----\n-----END X-----\n'.repeat(100_001));
    expect(entries).toEqual([]);
    expect(diagnostics).toContainEqual(expect.objectContaining({ level: 'error', code: 'limit' }));
  });

  it('lists at most a thousand problems', () => {
    const { diagnostics } = parse('-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n'.repeat(5000));
    expect(diagnostics).toHaveLength(1001);
  });

  it.each([
    ['dashes', '-'],
    ['markers without line ends', '-----BEGIN CERTIFICATE-----'],
    ['open blocks', '-----BEGIN CERTIFICATE-----\n'],
    ['blanks before dashes', `${' '.repeat(50)}-----\n`],
    ['header-like lines', '-----BEGIN CERTIFICATE-----\nA: b\n'],
    ['base64', 'AAAA'],
  ])('of nothing but %s is read in linear time', (_name, part) => {
    const started = performance.now();
    parse(part.repeat(Math.ceil((4 << 20) / part.length)));
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it('never throws, whatever bytes are changed', () => {
    const good = Buffer.from(`# Label: "x"\n${a.pem}${b.pem}${toPem(a.der, 'TRUSTED CERTIFICATE')}`);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 20 }),
        fc.nat(good.length),
        (changes, length) => {
          const bytes = Buffer.from(good.subarray(0, length));
          for (const [at, value] of changes) if (at < length) bytes[at] = value;
          const { entries } = parsePem(bytes);
          expect(entries.length).toBeLessThanOrEqual(3);
        },
      ),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        parsePem(bytes);
      }),
    );
  });
});

describe('a file that is no PEM', () => {
  it('is read as one DER certificate', () => {
    const { entries, diagnostics } = parsePem(a.der);
    expect(diagnostics).toEqual([]);
    expect(entries).toMatchObject([{ label: 'DER', start: 0, end: a.der.length }]);
    expect(hashes(entries)).toEqual([a.sha256]);
  });

  it('may have bytes after the certificate, which are noted', () => {
    const { entries, diagnostics } = parsePem(Buffer.concat([a.der, Buffer.of(0)]));
    expect(entries).toHaveLength(1);
    expect(diagnostics).toMatchObject([{ level: 'note' }]);
  });

  it('cannot hide PEM blocks behind a DER certificate', () => {
    const bytes = Buffer.concat([a.der, Buffer.from(`\n${b.pem}`)]);
    expect(hashes(parsePem(bytes).entries)).toContain(b.sha256);
  });

  it('is text when it merely begins with the digit zero', () => {
    expect(hashes(parse(`0 is a digit\n${a.pem}`).entries)).toEqual([a.sha256]);
  });
});

describe.skipIf(!hasSample('pem'))('the sample files', () => {
  it.each<[string, string[], number]>([
    ['crlf', [R1], 0],
    ['cr-only', [R1], 0],
    ['bom', [R1], 0],
    ['indented', [R1], 0],
    ['one-line-base64', [R1], 0],
    ['no-final-newline', [R1], 0],
    ['der-named', [R1], 0],
    ['encrypted-header', [R1], 0],
    ['utf16le', [R1], 0],
    ['blank-lines', [R1], 0],
    ['leading-text', [R1, R2], 0],
    ['bad-then-good', [R2], 2],
    ['unterminated-then-good', [R2], 1],
    ['duplicate', [R1, R1, R2], 0],
    ['mixed-types', [R1, R1, R2], 0],
    ['pkcs7', [R1, R2], 0],
    ['empty', [], 0],
    ['trusted-header-no-aux', [R2], 0],
    ['rejected-server-any', [R2], 0],
  ])('%s.pem holds what it should', (name, expected, errorCount) => {
    const { entries, diagnostics } = parsePem(sample(`pem/${name}.pem`));
    expect(hashes(entries).toSorted()).toEqual(expected.toSorted());
    expect(diagnostics.filter(({ level }) => level === 'error')).toHaveLength(errorCount);
  });
});
