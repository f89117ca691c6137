import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBcfks } from '../../src/formats/bcfks.ts';
import {
  bcfks,
  bcfksObject as object,
  bcfksObjects as objects,
  hasSamples,
  int,
  sample,
  seq,
} from '../support/keystores.ts';

const ONE = Buffer.from('3003020101', 'hex');
const TWO = Buffer.from('3003020102', 'hex');
const good = bcfks(objects(object(0, 'one', ONE), object(1, 'key', Buffer.from('k')), object(0, 'two', TWO)));

describe('BCFKS', () => {
  it.each(['pbkdf2', 'scrypt'] as const)('with %s has certificates, and counts the keys', (kdf) => {
    const bytes = bcfks(objects(object(0, 'one', ONE), object(2, 'secret', Buffer.from('k'))), { kdf });
    expect(parseBcfks(bytes)).toEqual({
      entries: [{ alias: 'one', der: ONE }],
      diagnostics: [],
      password: 'changeit',
      keys: 1,
    });
  });

  it('with a password of its own needs it', () => {
    const bytes = bcfks(objects(object(0, 'one', ONE)), { password: 'hidden' });
    const { entries, diagnostics } = parseBcfks(bytes);
    expect(entries).toEqual([]);
    expect(diagnostics).toMatchObject([{ level: 'error', code: 'password-needed' }]);
    expect(diagnostics[0]?.message).toContain('--store-password');
    expect(parseBcfks(bytes, ['hidden'])).toMatchObject({ password: 'hidden', diagnostics: [] });
  });

  it.each<[string, Buffer, string, number]>([
    ['nothing', Buffer.alloc(0), 'truncated', 0],
    ['its second half missing', good.subarray(0, 100), 'truncated', 0],
    ['another cipher', bcfks(objects(), { cipher: '60864801650304012a' }), 'unsupported', 0],
    [
      'scrypt that asks for gigabytes',
      bcfks(objects(), { kdf: 'scrypt', scryptN: [64, 0, 0, 0] }),
      'limit',
      0,
    ],
    ['scrypt with a wrong number', bcfks(objects(), { kdf: 'scrypt', scryptN: [3] }), 'malformed', 0],
    ['a second object without data', bcfks(objects(object(0, 'one', ONE), seq(int(0)))), 'malformed', 1],
    ['no objects', bcfks(seq(int(1))), 'malformed', 0],
  ])('with %s gives an error', (_, bytes, code, entries) => {
    const parsed = parseBcfks(bytes);
    expect(parsed.diagnostics).toMatchObject([{ level: 'error', code }]);
    expect(parsed.entries).toHaveLength(entries);
  });

  it('never throws, whatever bytes are changed', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, value, cut) => {
        const bytes = Buffer.from(good);
        bytes[at] = value;
        parseBcfks(bytes.subarray(0, at % 2 === 0 ? bytes.length : cut));
      }),
      { numRuns: 150 },
    );
  }, 15_000);

  it.skipIf(!hasSamples)('of Bouncy Castle itself is read (skipped without the kept samples)', () => {
    const { entries, password } = parseBcfks(sample('java/trust.bcfks'));
    expect(password).toBe('changeit');
    expect(entries.map(({ alias }) => alias)).toEqual(['ra2', 'ra1']);
  });
});
