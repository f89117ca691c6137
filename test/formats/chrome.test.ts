import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/core/certificate.ts';
import { readChromePolicies } from '../../src/formats/chrome-policies.ts';
import { parseChromeRootStore } from '../../src/formats/chrome-root-store.ts';
import { parseServerCertificates } from '../../src/formats/chrome-server-certificates.ts';
import { parseJsonPolicies } from '../../src/formats/policy-values.ts';
import { makeCertificate } from '../support/certificates.ts';
import { serverCertificateDatabase } from '../support/chrome.ts';
import { hasPython, unless } from '../support/nss.ts';
import { bytesField, numberField, trustSettings } from '../support/protobuf.ts';
import { hasSample, sample } from '../support/root.ts';

const root = makeCertificate({ subject: { CN: 'Root' } });
const hasSamples = hasSample('chrome');
const samplesMissing = unless(hasSamples, 'the directory of samples');

function lines(main: Uint8Array): string[] {
  return parseServerCertificates({ main }).entries.map(
    ({ trust, names }) => `${trust}${names.map((name) => ` ${name}`).join('')}`,
  );
}

describe.skipIf(!hasPython)(`ServerCertificate${unless(hasPython, 'python3 with sqlite3')}`, () => {
  const cidr = (address: readonly number[], prefix: number): Buffer =>
    bytesField(3, bytesField(1, Buffer.from(address)), numberField(2, prefix));
  it.each<[string, Uint8Array, string]>([
    ['a trusted certificate', trustSettings(3), 'trusted'],
    ['a distrusted one', trustSettings(2), 'distrusted'],
    ['a hint', trustSettings(1), 'hint'],
    ['no trust', trustSettings(0), 'none'],
    ['no metadata', Buffer.alloc(0), 'none'],
    ['unknown fields beside it', Buffer.concat([numberField(9, 1), trustSettings(3)]), 'trusted'],
    [
      'names',
      trustSettings(3, bytesField(1, 'example.org'), bytesField(2, 'reserved'), cidr([10, 1, 0, 0], 16)),
      'trusted example.org 10.1.0.0/16',
    ],
    [
      'an IPv6 network',
      trustSettings(3, cidr([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 32)),
      'trusted 2001:db8:0:0:0:0:0:0/32',
    ],
  ])('with %s is read', (_, settings, expected) => {
    const main = serverCertificateDatabase([{ certificate: root, settings }]);
    expect(lines(main)).toEqual([expected]);
    const { entries, diagnostics } = parseServerCertificates({ main });
    expect(diagnostics).toEqual([]);
    expect(entries.map(({ der, key }) => [sha256(der), key])).toEqual([[root.sha256, root.sha256]]);
  });

  it.each<[string, Uint8Array, string | undefined, readonly string[]]>([
    ['a key in upper case', trustSettings(3), root.sha256.toUpperCase(), []],
    ['the key of another', trustSettings(3), 'ab'.repeat(32), ['note note']],
    ['a trust of an unknown kind', trustSettings(7), undefined, ['error unsupported']],
    ['trust that is cut off', trustSettings(3).subarray(0, 3), undefined, ['error truncated']],
  ])('with %s keeps the certificate', (_, settings, key, expected) => {
    const main = serverCertificateDatabase([
      { certificate: root, settings, ...(key !== undefined && { key }) },
    ]);
    const { entries, diagnostics } = parseServerCertificates({ main });
    expect(entries.map(({ der }) => sha256(der))).toEqual([root.sha256]);
    expect(diagnostics.map(({ level, code }) => `${level} ${code}`)).toEqual(expected);
  });

  it('with a row without a certificate is an error, and the others are read', () => {
    const main = serverCertificateDatabase([
      { certificate: new Uint8Array(), settings: trustSettings(3), key: 'x' },
      { certificate: root, settings: trustSettings(3) },
    ]);
    const { entries, diagnostics } = parseServerCertificates({ main });
    expect(entries).toHaveLength(1);
    expect(diagnostics.map(({ code }) => code)).toEqual(['malformed']);
  });

  it('that is damaged never makes the parser throw', () => {
    const main = serverCertificateDatabase([{ certificate: root, settings: trustSettings(3) }]);
    const edit = fc.tuple(fc.nat(main.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.nat(main.length), fc.array(edit, { maxLength: 20 }), (length, edits) => {
        const bytes = Buffer.from(main);
        for (const [at, value] of edits) bytes[at] = value;
        parseServerCertificates({ main: bytes.subarray(0, length), wal: bytes });
      }),
      { numRuns: 200, interruptAfterTimeLimit: 8000 },
    );
  });
});

describe('a file that is no ServerCertificate', () => {
  it.each<[string, Uint8Array, readonly string[]]>([
    ['of no bytes is empty', Buffer.alloc(0), []],
    ['of other bytes is an error', Buffer.from('no database at all'), ['malformed']],
  ])('%s', (_, main, expected) => {
    const { entries, diagnostics } = parseServerCertificates({ main });
    expect(entries).toEqual([]);
    expect(diagnostics.map(({ code }) => code)).toEqual(expected);
  });
});

describe('crs.pb', () => {
  const anchor = (...parts: readonly Uint8Array[]): Buffer =>
    bytesField(1, bytesField(1, root.der), ...parts);
  const outline = (bytes: Uint8Array): string[] =>
    parseChromeRootStore(bytes).entries.map(
      ({ der, sha256: digest, displayName, tlsAnchor, constraints }) =>
        `${der ? 'der' : digest} ${displayName} ${tlsAnchor} ${constraints.join(' | ')}`,
    );

  it.each<[string, Uint8Array, readonly string[]]>([
    ['a root', anchor(bytesField(5, 'Root')), ['der Root true ']],
    [
      'a root until a date',
      anchor(bytesField(4, numberField(1, 1744675199)), bytesField(4, numberField(2, 0))),
      ['der  true first logged no later than 2025-04-14 | first logged after 1970-01-01'],
    ],
    [
      'a root for versions and names',
      anchor(
        bytesField(
          4,
          bytesField(3, '120'),
          bytesField(4, '130'),
          bytesField(5, 'a.example'),
          bytesField(5, 'b.example'),
        ),
      ),
      ['der  true Chrome from version 120, Chrome before version 130, for a.example, b.example'],
    ],
    [
      'a condition nobody knows',
      anchor(bytesField(4, numberField(99, 1))),
      ['der  true a condition of an unknown kind'],
    ],
    ['a digest only', bytesField(1, bytesField(2, 'ab')), ['ab  true ']],
    ['a certificate of another list', bytesField(3, bytesField(1, root.der)), ['der  false ']],
    ['an anchor of another list', bytesField(3, bytesField(1, root.der), numberField(10, 1)), ['der  true ']],
    [
      'anchors without certificates beside it',
      Buffer.concat([bytesField(4, 'tree'), anchor()]),
      ['der  true '],
    ],
  ])('with %s is read', (_, bytes, expected) => {
    expect(outline(Buffer.concat([numberField(2, 27), bytes]))).toEqual(expected);
    expect(parseChromeRootStore(Buffer.concat([numberField(2, 27), bytes])).version).toBe('27');
    expect(parseChromeRootStore(bytes).diagnostics).toEqual([]);
  });

  it.each<[string, Uint8Array, string, number]>([
    ['with a root that has nothing', Buffer.concat([bytesField(1), anchor()]), 'malformed', 1],
    [
      'with a root that is damaged',
      Buffer.concat([bytesField(1, Buffer.of(0x0a, 0x7f)), anchor()]),
      'truncated',
      1,
    ],
    ['cut off', Buffer.concat([anchor(), anchor()]).subarray(0, -5), 'truncated', 1],
    ['of other bytes', Buffer.from('-----BEGIN'), 'truncated', 0],
    ['without roots', bytesField(4, 'tree'), 'malformed', 0],
    ['of no bytes', Buffer.alloc(0), 'malformed', 0],
  ])('%s is an error, and the rest is read', (_, bytes, code, count) => {
    const { entries, diagnostics } = parseChromeRootStore(bytes);
    expect(entries).toHaveLength(count);
    expect(diagnostics.map((diagnostic) => `${diagnostic.level} ${diagnostic.code}`)).toEqual([
      `error ${code}`,
    ]);
  });

  it('that is damaged never makes the parser throw', () => {
    const good = Buffer.concat([anchor(bytesField(4, numberField(1, 5))), anchor()]);
    const edit = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.nat(good.length), fc.array(edit, { maxLength: 20 }), (length, edits) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of edits) bytes[at] = value;
        parseChromeRootStore(bytes.subarray(0, length));
      }),
      { numRuns: 500, interruptAfterTimeLimit: 5000 },
    );
  });
});

describe('policies of Chrome', () => {
  const read = (json: string): ReturnType<typeof readChromePolicies> =>
    readChromePolicies(parseJsonPolicies(Buffer.from(json)).policies);
  const base64 = root.der.toString('base64');

  it('name certificates in base64, with their places in the lists', () => {
    const { certificates, set, ignoresPlatform, diagnostics } = read(
      JSON.stringify({
        CACertificates: [base64, base64],
        CACertificatesWithConstraints: [
          {
            certificate: base64,
            constraints: { permitted_dns_names: ['a.example'], permitted_cidrs: ['10.0.0.0/8'] },
          },
        ],
        CADistrustedCertificates: [],
        CAPlatformIntegrationEnabled: false,
        HomepageLocation: 'https://example.org',
      }),
    );
    expect(diagnostics).toEqual([]);
    expect(certificates.map(({ policy, index, der, names }) => [policy, index, sha256(der), names])).toEqual([
      ['CACertificates', 0, root.sha256, []],
      ['CACertificates', 1, root.sha256, []],
      ['CACertificatesWithConstraints', 0, root.sha256, ['a.example', '10.0.0.0/8']],
    ]);
    expect(set).toEqual([
      'CACertificates',
      'CACertificatesWithConstraints',
      'CADistrustedCertificates',
      'CAPlatformIntegrationEnabled',
    ]);
    expect(ignoresPlatform).toBe(true);
  });

  it.each([
    ['a list that is none', { CACertificates: 'x' }],
    ['an entry that is no text', { CACertificates: [5] }],
    ['an entry that is empty', { CACertificates: [''] }],
    ['an entry in PEM form', { CACertificates: [root.pem] }],
    ['an entry without its certificate', { CACertificatesWithConstraints: [{ constraints: {} }] }],
  ])('with %s are an error', (_, policies) => {
    const { certificates, diagnostics } = read(JSON.stringify(policies));
    expect(certificates).toEqual([]);
    expect(diagnostics.map(({ level, code }) => `${level} ${code}`)).toEqual(['error malformed']);
  });
});

describe.skipIf(!hasSamples)(`samples of Chrome's files${samplesMissing}`, () => {
  it('read as expected', () => {
    expect(lines(sample('chrome/ServerCertificate'))).toEqual([
      'trusted',
      'distrusted',
      'hint',
      'trusted example.org 10.1.1.0/24',
      'none',
    ]);
    const { entries, diagnostics } = parseChromeRootStore(sample('chrome/PKIMetadata/1234/crs.pb'));
    expect(diagnostics).toEqual([]);
    expect(entries.map(({ der, tlsAnchor }) => [der !== undefined, tlsAnchor])).toEqual([
      [true, true],
      [true, true],
      [true, true],
      [true, true],
      [false, true],
      [true, false],
    ]);
  });
});
