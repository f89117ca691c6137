import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectKeystore, parseKeystore } from '../../src/formats/keystore.ts';
import {
  authenticatedSafe,
  ber,
  certificateBag,
  DATA,
  der,
  hasSamples,
  int,
  jks,
  jksTrusted,
  octets,
  pkcs12,
  plainSafe,
  sample,
} from '../support/keystores.ts';

const ONE = Buffer.from('3003020101', 'hex');
const TWO = Buffer.from('3003020102', 'hex');
const safe = authenticatedSafe(
  plainSafe(
    certificateBag(ONE, { alias: 'trusted', javaTrusted: true }),
    certificateBag(TWO, { alias: 'held' }),
  ),
);

describe('a keystore is known by its content', () => {
  it.each([
    ['JKS', jks([])],
    ['JCEKS', jks([], { magic: 0xcececece })],
    ['PKCS#12', pkcs12(safe)],
    ['PKCS#12', ber(0x30, int(3), ber(0x30, DATA, ber(0xa0, octets(safe))))],
    [undefined, Buffer.alloc(0)],
    [undefined, Buffer.from('-----BEGIN CERTIFICATE-----\n')],
    [undefined, der(0x30, der(0x30, Buffer.alloc(20)))],
  ])('%s', (format, bytes) => {
    expect(detectKeystore(bytes)).toBe(format);
  });

  it.skipIf(!hasSamples).each([
    ['trust.jks', 'JKS'],
    ['secret-then-cert.jceks', 'JCEKS'],
    ['mozilla144.p12', 'PKCS#12'],
    ['trust.bks', 'BKS'],
    ['christmas.bksv1', 'BKS'],
    ['christmas.uber', 'UBER'],
    ['trust.bcfks', 'BCFKS'],
    ['blocked.certs', undefined],
  ])('%s is %s', (name, format) => {
    expect(detectKeystore(sample(`java/${name}`))).toBe(format);
  });
});

describe('parseKeystore', () => {
  it('makes anchors of the entries that Java trusts', () => {
    const fromJks = parseKeystore(jks([jksTrusted('a', ONE)]));
    expect(fromJks).toMatchObject({ format: 'JKS', password: 'changeit', passwordLess: false });
    expect(fromJks.entries).toMatchObject([{ alias: 'a', anchor: true }]);
    const fromPkcs12 = parseKeystore(pkcs12(safe));
    expect(fromPkcs12).toMatchObject({ format: 'PKCS#12', passwordLess: true });
    expect(fromPkcs12.entries).toMatchObject([
      { alias: 'trusted', anchor: true },
      { alias: 'held', anchor: false },
    ]);
  });

  it.each([
    ['an empty file', Buffer.alloc(0), 'truncated'],
    ['a text', Buffer.from('no keystore at all'), 'malformed'],
  ])('reports %s', (_, bytes, code) => {
    expect(parseKeystore(bytes).diagnostics).toMatchObject([{ level: 'error', code }]);
  });

  it.skipIf(!hasSamples)('says that UBER is not read', () => {
    expect(parseKeystore(sample('java/christmas.uber')).diagnostics).toMatchObject([
      { level: 'error', code: 'unsupported' },
    ]);
  });

  it.skipIf(!hasSamples).each([
    ['trust.bks', 'BKS'],
    ['trust.bcfks', 'BCFKS'],
  ])('reads %s', (name, format) => {
    const parsed = parseKeystore(sample(`java/${name}`));
    expect(parsed).toMatchObject({ format, password: 'changeit', keys: 0, diagnostics: [] });
    expect(parsed.entries.map(({ alias, anchor }) => [alias, anchor])).toEqual([
      ['ra2', true],
      ['ra1', true],
    ]);
  });

  it('never throws, whatever the bytes', () => {
    const starts = [jks([]), pkcs12(safe).subarray(0, 30), Buffer.from('00000002000000140000', 'hex')];
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 200 }), (start, rest) => {
        parseKeystore(Buffer.concat([start, rest]));
      }),
    );
  });
});
