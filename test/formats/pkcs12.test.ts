import { createCipheriv, createHmac, pbkdf2Sync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { parsePkcs12 } from '../../src/formats/pkcs12.ts';
import {
  authenticatedSafe,
  ber,
  certificateBag,
  DATA,
  der,
  ENCRYPTED,
  hasKeytool,
  hasOpenssl,
  hasSamples,
  int,
  keyBag,
  makeCertificate,
  nestedBag,
  octets,
  oid,
  pkcs12,
  plainSafe,
  run,
  sample,
  seq,
  sha1,
  temporaryDirectory,
} from '../support/keystores.ts';

const ONE = Buffer.from('3003020101', 'hex');
const TWO = Buffer.from('3003020102', 'hex');
const SALT = Buffer.from('saltsalt');
const NULL = der(0x05);
const HMAC_SHA256 = seq(oid('2a864886f70d0209'), NULL);
const ITERATIONS = 10;

const pbkdf2Parameters = (...rounds: readonly number[]): Buffer =>
  seq(oid('2a864886f70d01050c'), seq(octets(SALT), int(...rounds), HMAC_SHA256));

/** A safe in PBES2 with PBKDF2-HMAC-SHA256 and AES-128-CBC. */
function encryptedSafe(
  password: string,
  plain: Uint8Array,
  rounds: readonly number[] = [ITERATIONS],
): Buffer {
  const iv = Buffer.alloc(16, 7);
  const key = pbkdf2Sync(password, SALT, ITERATIONS, 16, 'sha256');
  const cipher = createCipheriv('aes-128-cbc', key, iv);
  const data = Buffer.concat([cipher.update(plain), cipher.final()]);
  const scheme = seq(oid('60864801650304 0102'.replace(' ', '')), octets(iv));
  const algorithm = seq(oid('2a864886f70d01050d'), seq(pbkdf2Parameters(...rounds), scheme));
  return seq(ENCRYPTED, der(0xa0, seq(int(0), seq(DATA, algorithm, der(0x80, data)))));
}

/** RFC 9579, section 4. */
function pbmac1(password: string, safe: Uint8Array, rounds: readonly number[] = [ITERATIONS]): Buffer {
  const key = pbkdf2Sync(password, SALT, ITERATIONS, 32, 'sha256');
  const kdf = seq(oid('2a864886f70d01050c'), seq(octets(SALT), int(...rounds), int(32), HMAC_SHA256));
  const digest = createHmac('sha256', key).update(safe).digest();
  const algorithm = seq(oid('2a864886f70d01050e'), seq(kdf, HMAC_SHA256));
  return seq(seq(algorithm, octets(digest)), octets(Buffer.from('unused')), int(1));
}

const bags = seq(certificateBag(ONE, { alias: 'one', javaTrusted: true }));
const aliases = (bytes: Uint8Array, ...passwords: string[]): string[] =>
  parsePkcs12(bytes, { passwords }).entries.map(({ alias }) => alias);

describe('PKCS#12', () => {
  it('reads name, bytes and what Java makes of a certificate', () => {
    const safe = plainSafe(
      certificateBag(ONE, { alias: 'Größe 😀', javaTrusted: true }),
      certificateBag(TWO, { keyId: 'k' }),
      keyBag({ keyId: 'k' }),
      certificateBag(ONE),
    );
    const parsed = parsePkcs12(pkcs12(authenticatedSafe(safe)));
    expect(parsed.entries.map((entry) => ({ ...entry, der: Buffer.from(entry.der) }))).toEqual([
      { alias: 'Größe 😀', der: ONE, javaTrusted: true, ownedByKey: false },
      { alias: '', der: TWO, javaTrusted: false, ownedByKey: true },
      { alias: '', der: ONE, javaTrusted: false, ownedByKey: false },
    ]);
    expect(parsed).toMatchObject({ diagnostics: [], passwordLess: true, password: undefined, keys: 1 });
  });

  it('reads indefinite lengths and octet strings in parts', () => {
    const contents = ber(0x30, certificateBag(ONE, { alias: 'one' }));
    const half = contents.length >> 1;
    const parts = ber(0x24, octets(contents.subarray(0, half)), ber(0x24, octets(contents.subarray(half))));
    const safe = ber(0x30, ber(0x30, DATA, ber(0xa0, parts)));
    const outer = ber(0x30, int(3), ber(0x30, DATA, ber(0xa0, ber(0x24, octets(safe)))));
    expect(aliases(outer)).toEqual(['one']);
  });

  it('reads nested bags', () => {
    const inner = nestedBag(nestedBag(certificateBag(ONE, { alias: 'deep' })));
    expect(aliases(pkcs12(authenticatedSafe(plainSafe(inner))))).toEqual(['deep']);
  });

  it.each(['changeit', '', 'changeme', 'password', 'given', 'Größe'])('opens the password %j', (password) => {
    const safe = authenticatedSafe(encryptedSafe(password, bags));
    const passwords = ['other', 'given', 'Größe'];
    for (const mac of [undefined, pbmac1(password, safe)]) {
      const parsed = parsePkcs12(pkcs12(safe, mac), { passwords });
      expect(parsed.entries).toHaveLength(1);
      expect(parsed).toMatchObject({ diagnostics: [], password, passwordLess: false });
    }
  });

  it('names the option when no password fits, and lists what is not encrypted', () => {
    const safe = authenticatedSafe(
      encryptedSafe('private', bags),
      plainSafe(certificateBag(TWO, { alias: 'two' })),
    );
    const parsed = parsePkcs12(pkcs12(safe, pbmac1('private', safe)));
    expect(parsed.entries.map(({ alias }) => alias)).toEqual(['two']);
    expect(parsed.diagnostics).toEqual([
      {
        level: 'error',
        code: 'password-needed',
        message: expect.stringContaining('--store-password'),
      },
    ]);
  });

  it('lists the certificates of a file whose MAC is wrong, with a note', () => {
    const safe = authenticatedSafe(encryptedSafe('changeit', bags));
    const parsed = parsePkcs12(pkcs12(safe, pbmac1('changeit', Buffer.from('other'))));
    expect(parsed.entries).toHaveLength(1);
    expect(parsed.diagnostics).toEqual([
      { level: 'note', code: 'note', message: expect.stringContaining('integrity failed') },
    ]);
  });

  it('notes a MAC with an unknown password when nothing is encrypted', () => {
    const safe = authenticatedSafe(plainSafe(certificateBag(ONE, { alias: 'one' })));
    const { entries, diagnostics } = parsePkcs12(pkcs12(safe, pbmac1('private', safe)));
    expect(entries).toHaveLength(1);
    expect(diagnostics.map(({ level }) => level)).toEqual(['note']);
  });

  it('opens parts with different passwords', () => {
    const second = seq(certificateBag(TWO, { alias: 'two' }));
    const safe = authenticatedSafe(encryptedSafe('changeit', bags), encryptedSafe('password', second));
    expect(aliases(pkcs12(safe))).toEqual(['one', 'two']);
  });
});

describe('damaged or hostile PKCS#12', () => {
  const huge = [0x7f, 0xff, 0xff, 0xff];
  const million = [0x1e, 0x84, 0x80]; // 2,000,000
  const manySafes = Array.from({ length: 20_000 }, () => encryptedSafe('private', bags));
  let nested = certificateBag(ONE);
  for (let i = 0; i < 12; i++) nested = nestedBag(nested);
  const signed = seq(int(3), seq(oid('2a864886f70d010702'), der(0xa0, seq())));
  const unknownCipher = seq(oid('2a864886f70d010501'), seq(octets(SALT), int(1)));

  it.each([
    ['nothing', Buffer.alloc(0), 'truncated'],
    ['a cut', pkcs12(authenticatedSafe(plainSafe(certificateBag(ONE)))).subarray(0, -5), 'truncated'],
    ['another version', seq(int(4), seq()), 'unsupported'],
    ['a signed file', signed, 'unsupported'],
    ['bags nested too deep', pkcs12(authenticatedSafe(plainSafe(nested))), 'limit'],
    ['2^31 iterations', pkcs12(authenticatedSafe(encryptedSafe('changeit', bags, huge))), 'limit'],
    ['very many encrypted parts', pkcs12(authenticatedSafe(...manySafes)), 'limit'],
    [
      'encryption we do not know',
      pkcs12(
        authenticatedSafe(
          seq(ENCRYPTED, der(0xa0, seq(int(0), seq(DATA, unknownCipher, der(0x80, Buffer.alloc(8)))))),
        ),
      ),
      'unsupported',
    ],
  ])('is reported: %s', (_, bytes, code) => {
    const started = performance.now();
    const { diagnostics } = parsePkcs12(bytes);
    expect(diagnostics).toContainEqual(expect.objectContaining({ level: 'error', code }));
    expect(diagnostics.length).toBeLessThanOrEqual(100);
    expect(performance.now() - started).toBeLessThan(4000);
  });

  it('stops at the total of iterations', () => {
    const expensive = Array.from({ length: 8 }, () => encryptedSafe('private', bags, million));
    const { diagnostics } = parsePkcs12(pkcs12(authenticatedSafe(...expensive)));
    expect(diagnostics).toContainEqual(expect.objectContaining({ code: 'limit' }));
  }, 30_000);

  it('reads the certificates although the MAC asks for too many iterations', () => {
    const safe = authenticatedSafe(encryptedSafe('changeit', bags));
    const { entries, diagnostics } = parsePkcs12(pkcs12(safe, pbmac1('changeit', safe, huge)));
    expect(entries).toHaveLength(1);
    expect(diagnostics[0]).toMatchObject({ level: 'note', code: 'limit' });
  });

  it('goes on after a bag that cannot be read', () => {
    const safe = plainSafe(seq(int(1)), certificateBag(ONE, { alias: 'one' }));
    const { entries, diagnostics } = parsePkcs12(pkcs12(authenticatedSafe(safe)));
    expect(entries).toHaveLength(1);
    expect(diagnostics[0]).toMatchObject({ level: 'error', code: 'malformed' });
  });

  it('never throws, whatever the bytes', () => {
    const safe = authenticatedSafe(
      encryptedSafe('changeit', bags),
      plainSafe(certificateBag(TWO, { alias: 'x' })),
    );
    const base = pkcs12(safe, pbmac1('changeit', safe));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(base.length),
        fc.boolean(),
        (changes, length, cut) => {
          const bytes = Buffer.from(base);
          for (const [at, value] of changes) bytes[at] = value;
          expect(parsePkcs12(cut ? bytes.subarray(0, length) : bytes).entries.length).toBeLessThan(5);
        },
      ),
      { numRuns: 500 },
    );
  }, 30_000);
});

describe.skipIf(!hasSamples)('kept samples', () => {
  const RA1 = '187bb7535abf09e8a91fe401a3f865b95c136ec9';
  const RA2 = '86f28f146bae75f3d21cc3e9002c56cbd540bf25';
  it.each([
    ['java/jdk-passwordless.p12', [RA1, RA2], undefined],
    ['java/jdk-legacy-rc2.p12', [RA1, RA2], 'changeit'],
    ['java/jdk-key-and-cert.p12', [RA1], 'changeit'],
    ['dotnet-x509stores/disallowed/86F28F146BAE75F3D21CC3E9002C56CBD540BF25.pfx', [], ''],
  ])('%s gives the entries Java trusts', (path, trusted, password) => {
    const parsed = parsePkcs12(sample(path));
    expect(parsed).toMatchObject({ diagnostics: [], password });
    const found = parsed.entries.filter(({ javaTrusted }) => javaTrusted).map((entry) => sha1(entry.der));
    expect(found.toSorted()).toEqual(trusted);
  });

  it('tells the certificate of a private key', () => {
    const { entries, keys } = parsePkcs12(sample('java/jdk-key-and-cert.p12'));
    expect(entries.filter(({ ownedByKey }) => ownedByKey).map(({ alias }) => alias)).toEqual(['mykey']);
    expect(keys).toBe(1);
  });

  it('reads 144 roots at the price of their key derivations', () => {
    const bytes = sample('java/mozilla144.p12');
    const started = performance.now();
    expect(parsePkcs12(bytes).entries).toHaveLength(144);
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe.skipIf(!hasKeytool || !hasOpenssl)('files of real tools', () => {
  let directory = '';
  let fingerprint = '';
  beforeAll(() => {
    directory = temporaryDirectory();
    fingerprint = sha1(makeCertificate(directory, 'root'));
  });

  it.each([
    ['PBE-SHA1-RC2-40', 'sha1', true],
    ['PBE-SHA1-RC2-128', 'sha1', true],
    ['PBE-SHA1-RC4-128', 'sha1', true],
    ['PBE-SHA1-RC4-40', 'sha1', true],
    ['PBE-SHA1-3DES', 'sha256', false],
    ['PBE-SHA1-2DES', 'sha384', false],
    ['AES-128-CBC', 'sha512', false],
    ['AES-192-CBC', 'sha224', false],
    ['AES-256-CBC', 'sha1', false],
    ['DES-EDE3-CBC', 'sha256', false],
    ['NONE', 'sha256', false],
  ])('OpenSSL with %s and a MAC of %s is read', (scheme, mac, legacy) => {
    for (const password of ['', 'Größe 1']) {
      const options = ['-certpbe', scheme, '-macalg', mac, '-iter', '50', '-passout', `pass:${password}`];
      const file = join(directory, 'openssl.p12');
      run(
        'openssl',
        [
          'pkcs12',
          '-export',
          '-nokeys',
          '-in',
          'root.pem',
          '-name',
          'ignored',
          '-out',
          file,
          ...options,
        ].concat(legacy ? ['-legacy'] : []),
        directory,
      );
      const parsed = parsePkcs12(readFileSync(file), { passwords: ['Größe 1'] });
      expect(parsed).toMatchObject({ diagnostics: [], password });
      expect(parsed.entries.map((entry) => sha1(entry.der))).toEqual([fingerprint]);
    }
  });

  it.each([
    ['PBEWithHmacSHA512AndAES_256', 'HmacPBESHA512'],
    ['PBEWithHmacSHA1AndAES_128', 'HmacPBESHA384'],
    ['NONE', 'HmacPBESHA256'],
    ['PBEWithSHA1AndRC2_128', 'NONE'],
  ])('keytool with %s and %s is read', (protection, mac) => {
    const file = join(directory, `${protection}-${mac}.p12`);
    const flags = [
      `-J-Dkeystore.pkcs12.certProtectionAlgorithm=${protection}`,
      `-J-Dkeystore.pkcs12.macAlgorithm=${mac}`,
    ];
    const entry = ['-importcert', '-noprompt', '-alias', 'Root One', '-file', 'root.pem'];
    run(
      'keytool',
      [...entry, '-keystore', file, '-storetype', 'PKCS12', '-storepass', 'changeit', ...flags],
      directory,
    );
    const parsed = parsePkcs12(readFileSync(file));
    expect(parsed).toMatchObject({ diagnostics: [], password: 'changeit', passwordLess: false });
    expect(parsed.entries).toMatchObject([{ alias: 'Root One', javaTrusted: true, ownedByKey: false }]);
    expect(parsed.entries.map((found) => sha1(found.der))).toEqual([fingerprint]);
  });
});
