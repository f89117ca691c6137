import { hash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBks } from '../../src/formats/bks.ts';
import {
  bks,
  bksCertificate,
  DATE,
  hasSamples,
  jksCertificate,
  sample,
  sha1,
  u32,
  utf,
} from '../support/keystores.ts';

const ONE = Buffer.from('3003020101', 'hex');
const TWO = Buffer.from('3003020102', 'hex');
/** As the writer has it. */
const SALT_LENGTH = 20;

const key = (alias: string, chain: Buffer): Buffer =>
  Buffer.concat([
    Buffer.of(2),
    utf(alias),
    DATE,
    u32(1),
    jksCertificate(chain),
    Buffer.of(0),
    utf('PKCS#8'),
    utf('RSA'),
    u32(3),
    Buffer.from('key'),
  ]);
const blob = (type: number, alias: string): Buffer =>
  Buffer.concat([Buffer.of(type), utf(alias), DATE, u32(0), u32(4), Buffer.from('blob')]);

const good = bks([bksCertificate('one', ONE), key('key', TWO), blob(3, 'secret'), blob(4, 'sealed')]);

describe('BKS', () => {
  it('has anchors and chains of keys, and counts the keys', () => {
    expect(parseBks(good)).toEqual({
      entries: [
        { alias: 'one', der: ONE, anchor: true },
        { alias: 'key', der: TWO, anchor: false },
      ],
      diagnostics: [],
      password: 'changeit',
      keys: 3,
    });
  });

  it.each([0, 1])('of version %i is read, and its check called worthless', (version) => {
    const { entries, diagnostics } = parseBks(bks([bksCertificate('one', ONE)], 'changeit', version));
    expect(entries).toHaveLength(1);
    expect(diagnostics).toMatchObject([{ level: 'note' }]);
  });

  it('is read without its password, and checked with it', () => {
    const bytes = bks([bksCertificate('one', ONE)], 'hidden');
    expect(parseBks(bytes)).toMatchObject({ password: undefined, diagnostics: [{ level: 'note' }] });
    expect(parseBks(bytes).entries).toHaveLength(1);
    expect(parseBks(bytes, ['hidden'])).toMatchObject({ password: 'hidden', diagnostics: [] });
  });

  it.each<[string, Buffer, string, number]>([
    ['nothing', Buffer.alloc(0), 'truncated', 0],
    ['another version', Buffer.concat([u32(3), good.subarray(4)]), 'unsupported', 0],
    ['a salt of three megabytes', Buffer.concat([u32(2), u32(3 << 20), good]), 'limit', 0],
    ['a cut second entry', good.subarray(0, 90), 'truncated', 1],
    ['no end', good.subarray(0, -21), 'truncated', 2],
    ['an entry of type 9', bks([bksCertificate('one', ONE), blob(9, 'x')]), 'malformed', 1],
    [
      'a count that is a lie',
      bks([Buffer.concat([Buffer.of(1), utf('a'), DATE, u32(0xffffffff)])]),
      'truncated',
      0,
    ],
  ])('with %s gives an error and keeps what came before', (_, bytes, code, entries) => {
    const parsed = parseBks(bytes);
    expect(parsed.diagnostics).toMatchObject([{ level: 'error', code }]);
    expect(parsed.entries).toHaveLength(entries);
  });

  it('that asks for too much work is read without a check', () => {
    const bytes = Buffer.from(good);
    bytes.writeUInt32BE(0xffffffff, 8 + SALT_LENGTH);
    const { entries, diagnostics } = parseBks(bytes);
    expect(entries).toHaveLength(2);
    expect(diagnostics).toMatchObject([{ level: 'note' }]);
  });

  it('never throws, whatever bytes are changed, and stays bounded', () => {
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.nat(255),
        fc.integer({ min: 0, max: good.length }),
        (at, value, length) => {
          const bytes = Buffer.from(good);
          // The number of iterations is left alone: what it costs has a test of its own.
          if (at < 8 + SALT_LENGTH || at >= 12 + SALT_LENGTH) bytes[at] = value;
          const parsed = parseBks(bytes.subarray(0, length));
          expect(parsed.entries.length).toBeLessThanOrEqual(good.length / 5);
        },
      ),
      { numRuns: 300 },
    );
  });

  it.skipIf(!hasSamples)('of pyjks is read (skipped without the kept samples)', () => {
    const { entries, keys, password } = parseBks(sample('java/christmas.bksv1'), ['12345678']);
    expect({ keys, password }).toEqual({ keys: 5, password: '12345678' });
    expect(entries.map(({ alias, anchor }) => [alias, anchor])).toEqual([
      ['sealed_private_key', false],
      ['cert', true],
    ]);
    expect(
      entries.some(({ der }) => [sha1(der), hash('sha256', der)].some((id) => id.startsWith('0e2d1454'))),
    ).toBe(true);
  });
});
