import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseJks } from '../../src/formats/jks.ts';
import {
  DATE,
  hasKeytool,
  hasOpenssl,
  hasSamples,
  jks,
  jksCertificate,
  jksTrusted,
  makeCertificate,
  run,
  sample,
  sha1,
  temporaryDirectory,
  u32,
  utf,
} from '../support/keystores.ts';

const ONE = Buffer.from('3003020101', 'hex');
const TWO = Buffer.from('3003020102', 'hex');
const JCEKS = 0xcececece;

const keyEntry = (alias: string, ...chain: readonly Uint8Array[]): Buffer =>
  Buffer.concat([
    u32(1),
    utf(alias),
    DATE,
    u32(4),
    u32(0),
    u32(chain.length),
    ...chain.map((der) => jksCertificate(der)),
  ]);

const aliases = (bytes: Uint8Array): string[] => parseJks(bytes).entries.map(({ alias }) => alias);

describe('JKS', () => {
  it('lists trusted certificates with alias, bytes and date', () => {
    const parsed = parseJks(jks([jksTrusted('one', ONE), jksTrusted('two', TWO)]));
    const created = Date.UTC(2023, 10, 14, 22, 13, 20);
    expect(parsed.entries.map((entry) => ({ ...entry, der: Buffer.from(entry.der) }))).toEqual([
      { alias: 'one', kind: 'trusted', der: ONE, created },
      { alias: 'two', kind: 'trusted', der: TWO, created },
    ]);
    expect(parsed).toMatchObject({ diagnostics: [], password: 'changeit', keys: 0 });
  });

  it('reads version 1, which has no certificate types', () => {
    expect(aliases(jks([jksTrusted('old', ONE, 1)], { version: 1 }))).toEqual(['old']);
  });

  it('tells the chain of a private key from an anchor', () => {
    const parsed = parseJks(jks([keyEntry('server', ONE, TWO), jksTrusted('root', TWO)]));
    expect(parsed.entries.map(({ alias, kind }) => [alias, kind])).toEqual([
      ['server', 'key-chain'],
      ['server', 'key-chain'],
      ['root', 'trusted'],
    ]);
    expect(parsed.keys).toBe(1);
  });

  it('lists every entry of a name that occurs twice', () => {
    expect(aliases(jks([jksTrusted('same', ONE), jksTrusted('same', TWO)]))).toEqual(['same', 'same']);
  });

  it.each(['', 'with space', 'nul \0 inside', 'ümlaut', '日本', '😀', '\u202e'])(
    'decodes the alias %j',
    (alias) => {
      expect(aliases(jks([jksTrusted(alias, ONE)]))).toEqual([alias]);
    },
  );

  it('replaces what is no modified UTF-8', () => {
    const entry = jksTrusted('abc', ONE);
    entry[6] = 0xff;
    expect(aliases(jks([entry]))).toEqual(['\ufffdbc']);
  });

  it.each(['changeme', 'password', 'secret', ''])('knows the password %j', (password) => {
    expect(parseJks(jks([jksTrusted('a', ONE)], { password })).password).toBe(password);
  });

  it('tries the passwords given', () => {
    const bytes = jks([jksTrusted('a', ONE)], { password: 'pässword' });
    expect(parseJks(bytes).diagnostics).toEqual([
      { level: 'note', code: 'note', message: expect.stringContaining('integrity not checked') },
    ]);
    expect(parseJks(bytes, ['pässword'])).toMatchObject({ password: 'pässword', diagnostics: [] });
  });

  it('tells of bytes after the end', () => {
    const parsed = parseJks(Buffer.concat([jks([jksTrusted('a', ONE)]), Buffer.alloc(5)]));
    expect(parsed.password).toBe('changeit');
    expect(parsed.diagnostics[0]?.message).toBe('5 bytes after the end, which Java ignores');
  });
});

describe('damaged JKS', () => {
  const good = jks([jksTrusted('one', ONE), jksTrusted('two', TWO)]);
  it.each([
    ['nothing', Buffer.alloc(0), 'truncated', 0],
    ['the magic only', good.subarray(0, 4), 'truncated', 0],
    ['another magic', Buffer.concat([u32(1), good.subarray(4)]), 'malformed', 0],
    ['an unknown version', jks([], { version: 3 }), 'unsupported', 0],
    ['a cut in the second entry', good.subarray(0, -30), 'truncated', 1],
    ['a cut in the digest', good.subarray(0, -1), 'truncated', 2],
    ['a count that is too high', jks([jksTrusted('one', ONE)], { count: 2 }), 'malformed', 1],
    ['a hostile count', jks([jksTrusted('one', ONE)], { count: 0xffffffff }), 'malformed', 1],
    [
      'a hostile chain length',
      jks([Buffer.concat([u32(1), utf('k'), DATE, u32(0), u32(0xffffffff)])]),
      'truncated',
      0,
    ],
    [
      'a hostile certificate length',
      jks([Buffer.concat([u32(2), utf('c'), DATE, utf('X.509'), u32(0xfffffff0)])]),
      'truncated',
      0,
    ],
  ])('is reported: %s', (_, bytes, code, count) => {
    const started = performance.now();
    const { entries, diagnostics } = parseJks(bytes);
    expect(diagnostics).toContainEqual(expect.objectContaining({ level: 'error', code }));
    expect(entries).toHaveLength(count);
    expect(performance.now() - started).toBeLessThan(500);
  });

  it('finds the entries after one that cannot be read', () => {
    const broken = Buffer.concat([u32(9), utf('broken'), DATE]);
    const { entries, diagnostics, password } = parseJks(
      jks([jksTrusted('one', ONE), broken, jksTrusted('two', TWO)]),
    );
    expect(entries.map(({ alias }) => alias)).toEqual(['one', 'two']);
    expect(diagnostics).toEqual([
      expect.objectContaining({ level: 'error', message: expect.stringContaining('partly read') }),
    ]);
    expect(password).toBeUndefined();
  });

  it('stays fast on a file made of beginnings of entries', () => {
    const start = Buffer.concat([u32(3), utf('x'), DATE, Buffer.from('aced0005', 'hex')]);
    const started = performance.now();
    const { diagnostics } = parseJks(
      jks([Buffer.concat(Array.from({ length: 100_000 }, () => start))], { count: 2 ** 31 }),
    );
    expect(diagnostics).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it('never throws, whatever the bytes', () => {
    const secret = Buffer.concat([u32(3), utf('s'), DATE, Buffer.from('aced0005737200017800', 'hex')]);
    const base = jks([keyEntry('k', ONE), secret, jksTrusted('two', TWO)], { magic: JCEKS });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 8 }),
        fc.nat(base.length),
        (changes, length) => {
          const bytes = Buffer.from(base);
          for (const [at, value] of changes) bytes[at] = value;
          const { entries } = parseJks(bytes.subarray(0, length));
          expect(entries.length).toBeLessThan(10);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('JCEKS', () => {
  it('marks a store with a serialized object of an unknown kind as partly read, and goes on', () => {
    const secret = Buffer.concat([u32(3), utf('secret'), DATE, Buffer.from('aced00057e0102030405', 'hex')]);
    const { entries, diagnostics } = parseJks(jks([secret, jksTrusted('root', ONE)], { magic: JCEKS }));
    expect(entries.map(({ alias }) => alias)).toEqual(['root']);
    expect(diagnostics[0]).toMatchObject({ level: 'error', code: 'unsupported' });
  });

  it.skipIf(!hasSamples)('steps over a secret key of a kept sample', () => {
    const { entries, keys, password, diagnostics } = parseJks(sample('java/secret-then-cert.jceks'));
    expect(entries.map(({ alias, der }) => [alias, sha1(der)])).toEqual([
      ['ra1', '187bb7535abf09e8a91fe401a3f865b95c136ec9'],
    ]);
    expect({ keys, password, diagnostics }).toEqual({ keys: 1, password: 'changeit', diagnostics: [] });
  });
});

describe.skipIf(!hasSamples)('kept samples', () => {
  it.each([
    ['trust.jks', ['925a8f8d', '86f28f14', '187bb753', 'b31eb1b7'], 'changeit'],
    ['duplicate_aliases.jks', undefined, undefined],
    ['unknown-password.jks', undefined, undefined],
  ])('%s is read', (name, expected, password) => {
    const parsed = parseJks(sample(`java/${name}`));
    const found = parsed.entries.map(({ der }) => sha1(der).slice(0, 8));
    if (expected) expect(found.toSorted()).toEqual(expected.toSorted());
    else expect(found).toHaveLength(2);
    expect(parsed.password).toBe(password);
    expect(parsed.diagnostics.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe.skipIf(!hasKeytool || !hasOpenssl)('stores of keytool', () => {
  let directory = '';
  let certificate: Uint8Array = new Uint8Array();
  beforeAll(() => {
    directory = temporaryDirectory();
    certificate = makeCertificate(directory, 'root');
  });

  const keytool = (...args: string[]): string =>
    run('keytool', [...args, '-storepass', 'tops3cret'], directory);

  it('gives what was put into a JKS', () => {
    keytool(
      '-importcert',
      '-noprompt',
      '-alias',
      'Ünï',
      '-file',
      'root.pem',
      '-keystore',
      'a.jks',
      '-storetype',
      'JKS',
    );
    const { entries, password } = parseJks(readFileSync(join(directory, 'a.jks')), ['tops3cret']);
    expect(entries.map(({ alias, der }) => [alias, sha1(der)])).toEqual([['ünï', sha1(certificate)]]);
    expect(password).toBe('tops3cret');
  });

  it('finds the certificate after a password entry of a JCEKS', () => {
    const store = ['-keystore', 'a.jceks', '-storetype', 'JCEKS'];
    keytool('-genseckey', '-alias', 'key', '-keyalg', 'AES', '-keysize', '256', ...store);
    keytool('-importcert', '-noprompt', '-alias', 'root', '-file', 'root.pem', ...store);
    const parsed = parseJks(readFileSync(join(directory, 'a.jceks')), ['tops3cret']);
    expect(parsed).toMatchObject({ diagnostics: [], keys: 1, password: 'tops3cret' });
    expect(parsed.entries.map(({ alias }) => alias)).toEqual(['root']);
  });
});
