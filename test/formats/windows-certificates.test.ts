import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseSst, looksLikeSst } from '../../src/formats/sst.ts';
import { parseStl, Usage } from '../../src/formats/stl.ts';
import {
  parseWindowsBlob,
  Property,
  textProperty,
  timeProperty,
  usageProperty,
} from '../../src/formats/windows-blob.ts';
import { makeCertificate, tlv, type TestCertificate } from '../support/certificates.ts';
import { hasSample, sample } from '../support/root.ts';
import { blobProperty, certificateBlob, filetime, sst, trustList, u32, utf16 } from '../support/windows.ts';

let a: TestCertificate;
let b: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  b = makeCertificate({ subject: { CN: 'B' } });
});

const SERVER = Buffer.from('300a06082b06010505070301', 'hex');
const codes = (diagnostics: readonly { readonly level: string; readonly code: string }[]): string[] =>
  diagnostics.map(({ level, code }) => `${level} ${code}`);

describe('a certificate of Windows', () => {
  it.each([
    ['before', true],
    ['after', false],
  ])('has properties %s the certificate', (_where, before) => {
    const properties = [
      blobProperty(Property.friendlyName, utf16('Größe 根')),
      blobProperty(Property.enhancedKeyUsage, SERVER),
      blobProperty(Property.notBefore, filetime('2024-06-30T00:00:00Z')),
    ];
    const bytes = before
      ? certificateBlob(a.der, ...properties)
      : Buffer.concat([certificateBlob(a.der), ...properties]);
    const { entries, diagnostics } = parseWindowsBlob(bytes);
    expect(diagnostics).toEqual([]);
    const [entry] = entries;
    expect(Buffer.from(entry?.der ?? []).equals(a.der)).toBe(true);
    const held = entry?.properties ?? new Map<number, Uint8Array>();
    expect(textProperty(held, Property.friendlyName)).toBe('Größe 根');
    expect(usageProperty(held, Property.enhancedKeyUsage)).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(timeProperty(held, Property.notBefore)).toBe(Date.UTC(2024, 5, 30));
    expect(timeProperty(held, Property.disallowedSince)).toBeUndefined();
  });

  it('may be a hash alone', () => {
    const { entries, diagnostics } = parseWindowsBlob(blobProperty(Property.sha1, Buffer.alloc(20)));
    expect(entries.map(({ der, properties }) => [der, properties.size])).toEqual([[undefined, 1]]);
    expect(diagnostics).toEqual([]);
  });

  it.each([
    ['revocation list', 33],
    ['trust list', 34],
  ])('is no %s', (_what, id) => {
    expect(parseWindowsBlob(blobProperty(id, Buffer.alloc(5)))).toEqual({ entries: [], diagnostics: [] });
  });

  it.each<[string, () => Buffer, number, string[]]>([
    ['nothing at all', () => Buffer.alloc(0), 0, ['error truncated']],
    ['half a header', () => Buffer.alloc(5), 0, ['error truncated']],
    ['a certificate that is cut off', () => certificateBlob(a.der).subarray(0, -1), 1, ['error truncated']],
    [
      'a length beyond everything',
      () => Buffer.concat([u32(3), u32(1), u32(0xffffffff)]),
      0,
      ['error truncated'],
    ],
    [
      'two certificates',
      () => Buffer.concat([certificateBlob(a.der), certificateBlob(b.der)]),
      1,
      ['error malformed'],
    ],
    [
      'endless properties',
      () => Buffer.concat(Array.from({ length: 10_001 }, () => blobProperty(3, Buffer.alloc(0)))),
      1,
      ['error limit'],
    ],
  ])('%s is a problem', (_what, bytes, entries, expected) => {
    const parsed = parseWindowsBlob(bytes());
    expect([parsed.entries.length, codes(parsed.diagnostics)]).toEqual([entries, expected]);
  });
});

describe('a serialized store', () => {
  it('gives its certificates with their own properties', () => {
    const bytes = sst(
      blobProperty(Property.friendlyName, utf16('first')),
      blobProperty(32, a.der),
      blobProperty(33, Buffer.alloc(3)),
      blobProperty(32, b.der),
    );
    expect(looksLikeSst(bytes)).toBe(true);
    const { entries, diagnostics } = parseSst(bytes);
    expect(entries.map(({ properties }) => textProperty(properties, 11))).toEqual(['first', undefined]);
    expect(codes(diagnostics)).toEqual(['note note']);
  });

  it.each<[string, () => Buffer, number, string[]]>([
    ['without its end mark', () => sst(blobProperty(32, a.der)).subarray(0, -12), 1, ['note note']],
    ['cut off', () => sst(blobProperty(32, a.der)).subarray(0, -20), 0, ['error truncated']],
    ['of another format', () => a.der, 0, ['error malformed']],
    ['of no bytes', () => Buffer.alloc(0), 0, ['error malformed']],
  ])('%s says so', (_what, bytes, entries, expected) => {
    const parsed = parseSst(bytes());
    expect([parsed.entries.length, codes(parsed.diagnostics)]).toEqual([entries, expected]);
  });

  it.skipIf(!hasSample('windows/roots-2021.sst'))('as certutil writes it gives every root of 2021', () => {
    const { entries, diagnostics } = parseSst(sample('windows/roots-2021.sst'));
    expect(entries).toHaveLength(434);
    expect(entries.filter(({ properties }) => properties.has(Property.disallowedSince))).toHaveLength(122);
    expect(diagnostics).toEqual([]);
  });
});

describe('a trust list', () => {
  const HASH = 'ab'.repeat(20);

  it.each([
    ['signed', false],
    ['by itself', true],
  ])('%s gives its entries', (_how, bare) => {
    const bytes = trustList([[HASH, { [Property.friendlyName]: utf16('Root') }]], { bare });
    const { entries, diagnostics, ...head } = parseStl(bytes);
    expect(entries.map(({ identifier, properties }) => [identifier, textProperty(properties, 11)])).toEqual([
      [HASH, 'Root'],
    ]);
    expect(head).toEqual({
      usages: [Usage.rootList],
      listIdentifier: 'Made_for_a_test',
      subjectAlgorithm: '1.3.14.3.2.26',
    });
    expect(diagnostics).toEqual([]);
  });

  it('may be empty', () => {
    expect(parseStl(trustList([])).entries).toEqual([]);
  });

  it.each<[string, () => Buffer, number, string[]]>([
    ['cut off', () => trustList([[HASH, {}]]).subarray(0, -1), 0, ['error truncated']],
    ['that is a certificate', () => a.der, 0, ['error malformed']],
    [
      'that is other signed data',
      () => Buffer.from('300b06092a864886f70d010701', 'hex'),
      0,
      ['error unsupported'],
    ],
    [
      'with an entry that is none',
      () => trustList([[HASH, {}]], { extra: tlv(0x30, tlv(0x02)) }),
      1,
      ['error malformed'],
    ],
  ])('%s says so', (_what, bytes, entries, expected) => {
    const parsed = parseStl(bytes());
    expect([parsed.entries.length, codes(parsed.diagnostics)]).toEqual([entries, expected]);
  });

  it.skipIf(!hasSample('windows/authroot-2025-06-16.stl'))('of Microsoft gives every root of 2025', () => {
    const { entries, diagnostics, usages } = parseStl(sample('windows/authroot-2025-06-16.stl'));
    const having = (id: number): number => entries.filter(({ properties }) => properties.has(id)).length;
    expect(entries).toHaveLength(514);
    expect([9, 98, 104, 122, 126, 127].map(having)).toEqual([508, 514, 170, 27, 273, 140]);
    expect(usages).toEqual([Usage.rootList]);
    expect(diagnostics).toEqual([]);
  });
});

describe('the parsers', () => {
  it('never throw, whatever the bytes', () => {
    const originals = [
      certificateBlob(a.der),
      sst(blobProperty(32, a.der)),
      trustList([['00'.repeat(20), { 9: SERVER }]]),
    ];
    const mutated = fc.tuple(
      fc.constantFrom(...originals),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
      fc.nat(),
    );
    fc.assert(
      fc.property(mutated, ([original, changes, end]) => {
        const bytes = Buffer.from(original.subarray(0, original.length - (end % 50)));
        for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
        for (const parse of [parseWindowsBlob, parseSst, parseStl]) {
          expect(parse(bytes).entries.length).toBeLessThan(100);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
