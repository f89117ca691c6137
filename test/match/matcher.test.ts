import { describe, expect, it } from 'vitest';
import type { Advisory, RootPrograms } from '../../src/blocklist/advisory.ts';
import { compileBlocklist } from '../../src/blocklist/compile.ts';
import { certificateFrom, parseSha256, sha256, type Sha256 } from '../../src/core/certificate.ts';
import { createMatcher, type Match } from '../../src/match/matcher.ts';
import { advisory, blocked } from '../support/blocklist.ts';
import { makeCertificate, makeKey, tlv } from '../support/certificates.ts';

interface Options {
  readonly carried?: readonly Uint8Array[];
  readonly programs?: Partial<RootPrograms>;
  readonly unverifiedNames?: boolean;
}

function matcherFor(
  advisories: readonly Advisory[],
  { carried = [], programs = {}, unverifiedNames = false }: Options = {},
) {
  const byHash = new Map<Sha256, Uint8Array>(carried.map((der) => [sha256(der), der]));
  const compiled = compileBlocklist({
    manifest: { schemaVersion: 1, version: '1', date: '2026-01-01', files: {} },
    digest: sha256(Buffer.of()),
    advisories,
    programs: {
      date: '',
      sources: [],
      roots: {},
      java: [],
      windowsBuiltin: [],
      windowsRequired: [],
      ...programs,
    },
    certificate: (fingerprint) => byHash.get(fingerprint),
  });
  const matcher = createMatcher(compiled, {
    unverifiedNames,
    blockedCertificate: (hash) => byHash.get(hash),
  });
  return (der: Uint8Array): readonly Match[] => matcher(certificateFrom(der));
}

const kinds = (matches: readonly Match[]): string[] =>
  matches.map(({ advisory: { id }, kind }) => `${id}:${kind}`);

const root = makeCertificate({ subject: { CN: 'Blocked Root' }, kind: 'rsa' });
const listed = advisory({ id: 'listed', certificates: [blocked(root)] });

/** The same signed body with an outer algorithm identifier that lost its NULL: valid for lenient readers. */
function reencode(der: Buffer): Buffer {
  const { layout } = certificateFrom(der);
  if (!layout) throw new Error('layout expected');
  const tbs = der.subarray(layout.tbs.start, layout.tbs.end);
  const signature = der.subarray(layout.signature.start, layout.signature.end);
  return tlv(0x30, tbs, Buffer.from('300b06092a864886f70d01010b', 'hex'), signature);
}

describe('what programmes did', () => {
  const removed = { program: 'mozilla', action: 'removed', date: '2023-11-13' } as const;
  const other = makeCertificate({ subject: { CN: 'Other Root' } });
  const match = matcherFor([
    advisory({
      id: 'listed',
      certificates: [
        {
          ...blocked(root),
          distrustedBy: [
            { ...removed, url: null, note: 'in NSS 3.95' },
            { ...removed, url: 'https://example.org/' },
            { program: 'chrome', action: 'blocked', date: null, url: null },
          ],
        },
        { ...blocked(other), distrustedBy: [{ ...removed, url: null }] },
      ],
    }),
  ]);

  it.each([
    ['the certificate', root.der, [removed, { program: 'chrome', action: 'blocked', date: null }]],
    ['another that shares a day with it', other.der, [removed]],
    [
      'one on its key',
      makeCertificate({ subject: { CN: 'Reissue' }, key: root.key }).der,
      [removed, { program: 'chrome', action: 'blocked', date: null }],
    ],
  ])('is told of %s, each once', (_what, der, expected) => {
    expect(match(der).map(({ distrustedBy }) => distrustedBy)).toEqual([expected]);
  });
});

describe('matching by certificate, body and key', () => {
  const match = matcherFor([listed], { carried: [root.der] });

  it.each([
    ['the certificate itself', root.der, ['listed:certificate']],
    ['the certificate with bytes after it', Buffer.concat([root.der, Buffer.of(0)]), ['listed:body']],
    ['the same signed body under another outer algorithm encoding', reencode(root.der), ['listed:body']],
    [
      'a reissue on the same key',
      makeCertificate({ subject: { CN: 'Innocent' }, key: root.key }).der,
      ['listed:key'],
    ],
    ['an unrelated root', makeCertificate({ subject: { CN: 'Unrelated' } }).der, []],
    [
      'a root with the same name and another key',
      makeCertificate({ subject: { CN: 'Blocked Root' } }).der,
      [],
    ],
    ['bytes that are no certificate', Buffer.from('junk'), []],
  ])('recognises %s', (_what, der, expected) => {
    expect(kinds(match(der))).toEqual(expected);
  });

  it('gives the same answer when asked again', () => {
    expect(match(root.der)).toBe(match(root.der));
  });
});

describe('keys that are also in a trusted root', () => {
  const reissue = makeCertificate({ subject: { CN: 'Live Root' }, key: root.key });

  it('do not match where the record forbids it, though the certificate itself still does', () => {
    const careful = advisory({ id: 'careful', certificates: [blocked(root, { matchKey: false })] });
    const match = matcherFor([careful], { carried: [root.der] });
    expect(match(reissue.der)).toEqual([]);
    expect(kinds(match(root.der))).toEqual(['careful:certificate']);
    expect(kinds(match(reencode(root.der)))).toEqual(['careful:body']);
  });

  it('do not match a certificate that a programme trusts today', () => {
    const match = matcherFor([listed], { programs: { roots: { [reissue.sha256]: ['mozilla'] } } });
    expect(match(reissue.der)).toEqual([]);
  });
});

describe('records known by something else than a certificate', () => {
  it('match by key alone, as for products that share a key and not a certificate', () => {
    const { sha256: _dropped, ...keyOnly } = blocked(root);
    const match = matcherFor([advisory({ id: 'shared-key', certificates: [{ ...keyOnly, pem: false }] })]);
    expect(kinds(match(makeCertificate({ subject: { CN: 'Any Machine' }, key: root.key }).der))).toEqual([
      'shared-key:key',
    ]);
  });

  it('match a key that the certificate writes in the unusual way by its second hash', () => {
    const other = parseSha256('00'.repeat(32));
    const record = blocked(root);
    if (!other || !record.spkiSha256) throw new Error('hash expected');
    const { sha256: _dropped, ...rest } = record;
    const twoHashes = { ...rest, spkiSha256: other, spkiSha256Canonical: record.spkiSha256 };
    const match = matcherFor([advisory({ id: 'two-hashes', certificates: [twoHashes] })]);
    expect(kinds(match(makeCertificate({ subject: { CN: 'X' }, key: root.key }).der))).toEqual([
      'two-hashes:key',
    ]);
  });

  it('match by issuer name and serial number', () => {
    const issuer = makeCertificate({ subject: { C: 'NL', O: 'Issuer, Inc.', CN: 'Issuer' } });
    const issued = makeCertificate({ subject: { CN: 'Sub' }, issuer, serial: Buffer.of(0x6b, 0x49) });
    const byIssuer = {
      id: 'r',
      name: 'Sub',
      role: 'intermediate',
      evidence: 'cited',
      distrustedBy: [],
      references: [],
      pem: false,
      issuer: 'CN=Issuer,O=Issuer\\, Inc.,C=NL',
      serialNumber: '6b49',
    } as const;
    const match = matcherFor([advisory({ id: 'by-issuer', certificates: [byIssuer] })]);
    expect(kinds(match(issued.der))).toEqual(['by-issuer:certificate']);
    expect(match(makeCertificate({ subject: { CN: 'Sub' }, issuer, serial: Buffer.of(1) }).der)).toEqual([]);
  });
});

describe('matching by issuer', () => {
  const child = makeCertificate({ subject: { CN: 'Intermediate' }, issuer: root });
  const impostor = makeCertificate({ subject: { CN: 'Blocked Root' }, kind: 'rsa' });
  const childOfImpostor = makeCertificate({ subject: { CN: 'Intermediate' }, issuer: impostor });
  const match = matcherFor([listed], { carried: [root.der] });

  it('recognises an intermediate that a blocked key signed', () => {
    expect(kinds(match(child.der))).toEqual(['listed:issuer']);
  });

  it('does not believe a name without the signature', () => {
    expect(match(childOfImpostor.der)).toEqual([]);
  });
});

describe('matching by name', () => {
  const rule = {
    id: 'kz',
    attributes: { CN: 'information security certification authority( ca)?' },
    confidence: 'high',
    evidence: 'seen',
    source: 'test',
  } as const;
  const kazakhstan = advisory({ id: 'kz', severity: 'critical', names: [rule] });
  const match = matcherFor([kazakhstan]);
  const named = (subject: Record<string, string>): readonly Match[] =>
    match(makeCertificate({ subject }).der);

  it.each([
    [
      'in any order of attributes',
      { CN: 'Information Security Certification Authority', O: 'ISCA', C: 'KZ' },
    ],
    ['in the other order', { C: 'KZ', O: 'ISCA', CN: 'Information Security Certification Authority CA' }],
    ['in another case', { CN: 'INFORMATION SECURITY CERTIFICATION AUTHORITY' }],
    ['with other white space', { CN: ' Information  Security\tCertification Authority ' }],
    ['in full-width letters', { CN: 'Ｉnformation Security Certification Authority' }],
    ['with zero-width characters', { CN: 'Information\u200b Security Certification Authority' }],
  ])('suspects a reissue with a new key %s', (_what, subject) => {
    expect(named(subject)).toMatchObject([
      { advisory: { id: 'kz' }, kind: 'name', confidence: 'high', severity: 'critical' },
    ]);
  });

  it('suspects an intermediate whose issuer has the name', () => {
    const issuer = makeCertificate({ subject: { CN: 'Information Security Certification Authority' } });
    expect(kinds(match(makeCertificate({ subject: { CN: 'Anything' }, issuer }).der))).toEqual(['kz:name']);
  });

  it('needs the whole value', () => {
    expect(named({ CN: 'Not the Information Security Certification Authority' })).toEqual([]);
    expect(named({ O: 'Information Security Certification Authority' })).toEqual([]);
  });

  it('leaves a root of a programme alone whatever its name', () => {
    const { der, sha256: hash } = makeCertificate({
      subject: { CN: 'Information Security Certification Authority' },
    });
    expect(matcherFor([kazakhstan], { programs: { roots: { [hash]: ['mozilla'] } } })(der)).toEqual([]);
  });

  it.each([
    ['high', 'critical'],
    ['medium', 'medium'],
    ['low', 'low'],
  ] as const)('weighs a rule of %s confidence as %s at most', (confidence, severity) => {
    const rules = [{ ...rule, confidence }];
    const weighed = matcherFor([advisory({ id: 'kz', severity: 'critical', names: rules })]);
    const { der } = makeCertificate({ subject: { CN: 'Information Security Certification Authority' } });
    expect(weighed(der)).toMatchObject([{ severity, confidence }]);
  });

  it('uses unverified rules on request only', () => {
    const rules = [{ ...rule, evidence: 'unverified' as const }];
    const { der } = makeCertificate({ subject: { CN: 'Information Security Certification Authority' } });
    const list = [advisory({ id: 'kz', names: rules })];
    expect(matcherFor(list)(der)).toEqual([]);
    expect(kinds(matcherFor(list, { unverifiedNames: true })(der))).toEqual(['kz:name']);
  });
});

describe('one certificate on several advisories', () => {
  it('reports the strongest match, and another only when it is worse', () => {
    const key = makeKey();
    const mild = makeCertificate({ subject: { CN: 'Retired' }, key });
    const { sha256: _dropped, ...keyOnly } = blocked(mild);
    const retired = advisory({ id: 'retired', severity: 'info', certificates: [blocked(mild)] });
    const leaked = advisory({
      id: 'leaked',
      severity: 'critical',
      certificates: [{ ...keyOnly, id: 'k', pem: false }],
    });
    const twin = makeCertificate({ subject: { CN: 'Twin' }, key });
    expect(kinds(matcherFor([retired, leaked])(twin.der))).toEqual(['retired:key', 'leaked:key']);
    expect(kinds(matcherFor([leaked, retired])(twin.der))).toEqual(['leaked:key']);
    expect(kinds(matcherFor([retired, leaked])(mild.der))).toEqual(['retired:certificate', 'leaked:key']);
  });
});
