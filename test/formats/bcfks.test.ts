import { createCipheriv, pbkdf2Sync, scryptSync } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBcfks } from '../../src/formats/bcfks.ts';
import { der, hasSamples, int, octets, oid, sample, seq } from '../support/keystores.ts';

const ONE = Buffer.from('3003020101', 'hex');
const TWO = Buffer.from('3003020102', 'hex');
const SALT = Buffer.alloc(32, 9);
const NONCE = Buffer.alloc(12, 3);
const AES256_CCM = '60864801650304012f';
const DATE = der(0x18, Buffer.from('20240101000000Z'));

const object = (type: number, alias: string, data: Buffer): Buffer =>
  seq(int(type), der(0x0c, Buffer.from(alias)), DATE, DATE, octets(data));
const objects = (...all: readonly Buffer[]): Buffer => seq(int(1), seq(oid('2a03')), DATE, DATE, seq(...all));

const utf16 = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le').swap16();

interface Options {
  readonly password?: string;
  readonly kdf?: 'pbkdf2' | 'scrypt';
  readonly cipher?: string;
  readonly scryptN?: readonly number[];
}

function bcfks(plain: Buffer, options: Options = {}): Buffer {
  const { password = 'changeit', kdf = 'pbkdf2', cipher = AES256_CCM, scryptN = [4, 0] } = options;
  const secret = Buffer.concat([utf16(password), utf16('STORE_ENCRYPTION')]);
  const key =
    kdf === 'pbkdf2'
      ? pbkdf2Sync(secret, SALT, 1024, 32, 'sha512')
      : scryptSync(secret, SALT, 32, { N: 1024, r: 8, p: 1 });
  const sealer = createCipheriv('aes-256-ccm', key, NONCE, { authTagLength: 8 });
  const sealed = Buffer.concat([sealer.update(plain), sealer.final(), sealer.getAuthTag()]);
  const prf = seq(oid('2a864886f70d020b'), der(0x05));
  const derivation =
    kdf === 'pbkdf2'
      ? seq(oid('2a864886f70d01050c'), seq(octets(SALT), int(4, 0), prf))
      : seq(oid('2b06010401da47040b'), seq(octets(SALT), int(...scryptN), int(8), int(1)));
  const scheme = seq(oid(cipher), seq(octets(NONCE), int(8)));
  const algorithm = seq(oid('2a864886f70d01050d'), seq(derivation, scheme));
  return seq(seq(algorithm, octets(sealed)), seq(int(0)));
}

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
