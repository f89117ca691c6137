import { createPublicKey } from 'node:crypto';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { isP11Kit, parseP11Kit } from '../../src/formats/p11-kit.ts';
import { makeCertificate, toPem, type TestCertificate } from '../support/certificates.ts';
import { hasSample, sample } from '../support/root.ts';

let ca: TestCertificate;
let spki: Buffer;
beforeAll(() => {
  ca = makeCertificate({ subject: { CN: 'A' } });
  spki = createPublicKey(ca.key.privateKey).export({ type: 'spki', format: 'der' });
});

const HEADER = '[p11-kit-object-v1]\n';
const parse = (text: string): ReturnType<typeof parseP11Kit> => parseP11Kit(Buffer.from(text));
const percent = (bytes: Uint8Array): string =>
  `"${Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')}"`;

describe('a p11-kit object file', () => {
  it('is known by its magic, wherever that is', () => {
    expect(isP11Kit(Buffer.from(`# comment\n${HEADER}`))).toBe(true);
    expect(isP11Kit(Buffer.from('p11-kit-object-v1'))).toBe(false);
  });

  it('gives certificates with what it says of them', () => {
    const text = `# This file has been auto-generated and written by p11-kit.\n\n${HEADER}label: "My%20root"\ntrusted: true\nx-distrusted: false\nnss-mozilla-ca-policy: true\nmodifiable: false\nnss-server-distrust-after: "%32%300101000000Z"\n${ca.pem}# comment\n\n  ${HEADER}class : certificate\n value: ${percent(ca.der)}\n216: true\n134: false\n3628353380: true\n`;
    const { entries, diagnostics } = parse(text);
    expect(diagnostics).toEqual([]);
    expect(entries).toMatchObject([
      {
        kind: 'certificate',
        label: 'My root',
        trusted: true,
        distrusted: false,
        serverDistrustAfter: '200101000000Z',
        der: ca.der,
        firstLine: 3,
      },
      { kind: 'certificate', trusted: false, distrusted: true, der: ca.der },
    ]);
  });

  it('gives the lines of each object', () => {
    const { entries } = parse(`${HEADER}${ca.pem}\n# text\n\n${HEADER}trusted: true\n${ca.pem}`);
    const blockLines = ca.pem.split('\n').length - 1;
    expect(entries.map(({ firstLine, lastLine }) => [firstLine, lastLine])).toEqual([
      [1, blockLines + 1],
      [blockLines + 5, 2 * blockLines + 6],
    ]);
  });

  it('gives certificates named by issuer and serial number', () => {
    const text = `${HEADER}class: certificate\nissuer: ${percent(ca.name)}\nserial-number: "%02%01%05"\nx-distrusted: true\n`;
    expect(parse(text).entries).toMatchObject([
      { kind: 'certificate', distrusted: true, issuer: ca.name, serialNumber: Buffer.from('020105', 'hex') },
    ]);
    expect(parse(text).entries[0]).not.toHaveProperty('der');
  });

  it('gives extensions attached to a key', () => {
    const text = `${HEADER}class: x-certificate-extension\nobject-id: 2.5.29.37\nvalue: "%30%00"\n${toPem(spki, 'PUBLIC KEY')}`;
    expect(parse(text)).toMatchObject({
      entries: [{ kind: 'extension', oid: '2.5.29.37', value: Buffer.from('3000', 'hex'), publicKey: spki }],
      diagnostics: [],
    });
  });

  it('gives other objects as such', () => {
    expect(parse(`${HEADER}class: nss-trust\ntrust-server-auth: nss-not-trusted\n`).entries).toMatchObject([
      { kind: 'other' },
    ]);
  });

  it('may hold sections of other kinds, which are skipped', () => {
    const { entries, diagnostics } = parse(`[other]\nwhat: ever\n${ca.pem}${HEADER}${ca.pem}`);
    expect(entries).toHaveLength(1);
    expect(diagnostics).toMatchObject([{ level: 'note' }]);
  });

  it('prefers a field to a PEM block', () => {
    expect(parse(`${HEADER}${ca.pem}value: "x"\n`).entries).toMatchObject([{ der: Buffer.from('x') }]);
  });

  it('may have an object identifier with an 8, with a note', () => {
    const { entries, diagnostics } = parse(`${HEADER}class: x-certificate-extension\nobject-id: 1.2.840.1\n`);
    expect(entries).toHaveLength(1);
    expect(diagnostics).toMatchObject([{ level: 'note', line: 3 }]);
  });

  it.each<[string, string, number]>([
    ['a field before the first section', `trusted: true\n${HEADER}`, 1],
    ['a line without a colon', `${HEADER}trusted = true\n`, 2],
    ['an unknown attribute', `${HEADER}trustful: true\n`, 2],
    ['an unknown word as value', `${HEADER}trusted: yes\n`, 2],
    ['a value in single quotes', `${HEADER}label: 'x'\n`, 2],
    ['an open string', `${HEADER}label: "x\n`, 2],
    ['a bad percent escape', `${HEADER}label: "%4"\n`, 2],
    ['no value', `${HEADER}label:\n`, 2],
    ['an open section', `${HEADER}[p11-kit-object-v1\n`, 2],
    ['a PEM block of another label', `${HEADER}\n${toPem(Buffer.from('x'), 'TRUSTED CERTIFICATE')}`, 5],
    ['a PEM block without its end', `${HEADER}-----BEGIN CERTIFICATE-----\nAAAA\n`, 2],
    [
      'a PEM block with bad base64',
      `${HEADER}-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n`,
      4,
    ],
  ])('with %s is refused whole', (_name, bad, line) => {
    const { entries, diagnostics } = parse(`${bad}${HEADER}`);
    expect(entries).toEqual([]);
    expect(diagnostics).toMatchObject([{ level: 'error', code: 'malformed', line }]);
  });

  it('never throws, whatever bytes are changed', () => {
    const good = Buffer.from(
      `${HEADER}label: "a%20b"\ntrusted: true\n${ca.pem}${HEADER}class: 1\n${toPem(spki, 'PUBLIC KEY')}`,
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 5 }), (changes) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        expect(parseP11Kit(bytes).entries.length).toBeLessThanOrEqual(2);
      }),
      { numRuns: 500 },
    );
  });

  it.skipIf(!hasSample('p11-kit')).each([
    ['verisign-v1.p11-kit', ['certificate'], 0],
    ['extensions.p11-kit', ['extension', 'extension'], 0],
    ['fuzz-lexer_next_buffer_overflow.p11-kit', [], 1],
    ['fuzz-numerical_invalid_type.p11-kit', [], 1],
    ['fuzz-single-quote-value.p11-kit', [], 1],
  ])('in the sample %s is read as expected', (name, kinds, errors) => {
    const { entries, diagnostics } = parseP11Kit(sample(`p11-kit/${name}`));
    expect(entries.map(({ kind }) => kind)).toEqual(kinds);
    expect(diagnostics.filter(({ level }) => level === 'error')).toHaveLength(errors);
  });
});
