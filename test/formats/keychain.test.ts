import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { certificateFrom } from '../../src/core/certificate.ts';
import { parseKeychain } from '../../src/formats/keychain.ts';
import { keychain, sha1 } from '../support/apple.ts';
import { makeCertificate } from '../support/certificates.ts';
import { unless } from '../support/nss.ts';
import { hasSample, sample } from '../support/root.ts';

const one = makeCertificate({ subject: { CN: 'One' } });
const two = makeCertificate({ subject: { CN: 'Two' }, kind: 'rsa' });

/** Where the table of certificates begins: after the header, the list of two tables, and an empty table. */
const TABLE = 20 + 8 + 8 + 28 + 4;
const SLOT = TABLE + 28;
const RECORD = SLOT + 3 * 4;

function changed(changes: Readonly<Record<number, number>>): Buffer {
  const bytes = keychain([{ der: one.der, label: 'One' }, { der: two.der }]);
  for (const [at, value] of Object.entries(changes)) bytes.writeUInt32BE(value, Number(at));
  return bytes;
}

const labels = (bytes: Uint8Array): string[] => parseKeychain(bytes).entries.map(({ label }) => label);

describe('a keychain file', () => {
  it('gives its certificates as stored, with their names', () => {
    const { entries, diagnostics } = parseKeychain(changed({}));
    expect(diagnostics).toEqual([]);
    expect(entries.map(({ der, label }) => [sha1(der), label])).toEqual([
      [sha1(one.der), 'One'],
      [sha1(two.der), ''],
    ]);
    expect(entries[0]?.offset).toBe(RECORD);
  });

  it.each<[string, Buffer, number, string, string]>([
    ['of no bytes', Buffer.alloc(0), 0, 'malformed', 'not a keychain file'],
    ['that is something else', Buffer.from('-----BEGIN'), 0, 'malformed', 'not a keychain file'],
    ['that ends after its name', Buffer.from('kych'), 0, 'truncated', 'keychain cut off'],
    ['of another version', changed({ 4: 0x20000 }), 0, 'unsupported', 'keychain version 20000'],
    ['with its schema outside', changed({ 12: 0xfffffff0 }), 0, 'truncated', 'keychain cut off'],
    ['with very many tables', changed({ 24: 0xffffffff }), 0, 'malformed', 'keychain with 4294967295 tables'],
    ['with a table outside', changed({ 28: 0x7fffffff }), 2, 'truncated', 'keychain cut off'],
    [
      'with a table that is too long',
      changed({ [TABLE]: 0x7fffffff }),
      0,
      'malformed',
      'does not fit the file',
    ],
    ['with a table that is too short', changed({ [TABLE]: 8 }), 0, 'malformed', 'does not fit the file'],
    ['with very many records', changed({ [TABLE + 8]: 0xffffffff }), 0, 'malformed', '4294967295 records'],
    ['with very many places', changed({ [TABLE + 24]: 0xffffffff }), 0, 'malformed', 'places for records'],
    ['with a record outside', changed({ [SLOT]: 0x7ffffffe }), 1, 'malformed', 'lies outside its table'],
    [
      'with a record that is too long',
      changed({ [RECORD]: 0x7fffffff }),
      1,
      'malformed',
      'does not fit its table',
    ],
    ['with a record that is too short', changed({ [RECORD]: 20 }), 1, 'malformed', 'does not fit its table'],
    ['with too long a certificate', changed({ [RECORD + 16]: 0x7fffffff }), 1, 'malformed', 'its record'],
    [
      'with no certificate in a record',
      changed({ [RECORD + 60]: 0x04020000 }),
      1,
      'malformed',
      'without a certificate',
    ],
  ])('%s is an error, and the rest counts', (_name, bytes, count, code, message) => {
    const { entries, diagnostics } = parseKeychain(bytes);
    expect(entries).toHaveLength(count);
    expect(diagnostics[0]).toMatchObject({ level: 'error', code });
    expect(diagnostics[0]?.message).toContain(message);
  });

  it('has places that are free, and places that repeat others', () => {
    expect(labels(changed({ [SLOT]: 0 }))).toEqual(['']);
    expect(labels(changed({ [SLOT]: 41 }))).toEqual(['']);
    const bytes = changed({});
    bytes.copy(bytes, SLOT + 4, SLOT, SLOT + 4);
    expect(labels(bytes)).toEqual(['One']);
  });

  it('whose records lie over one another is not read without end', () => {
    // Each record spans the whole of the table that follows, with a certificate as large as that.
    const filler = Buffer.alloc(40_000, 0x30);
    for (let at = 0; at < 1000; at++) {
      const start = at * 20;
      filler.writeUInt32BE(39_000 - start, start);
      filler.writeUInt32BE(39_000 - start - 60, start + 16);
    }
    const bytes = keychain(Array.from({ length: 1000 }, () => ({ der: Buffer.alloc(40, 0x30) })));
    const table = Buffer.concat([bytes, filler]);
    const size = table.length - TABLE;
    table.writeUInt32BE(size, TABLE);
    for (let at = 0; at < 1000; at++) table.writeUInt32BE(bytes.length - TABLE + at * 20, SLOT + 4 * at);
    const { entries } = parseKeychain(table);
    expect(entries.reduce((sum, { der }) => sum + der.length, 0)).toBeLessThanOrEqual(table.length);
  });

  it('keeps a certificate whose name cannot be read', () => {
    const name = RECORD + 24 + 8;
    for (const offset of [0, 0x7fffffff, 0x7ffffffe, 61]) {
      expect(labels(changed({ [name]: offset }))).toEqual(['', '']);
    }
  });

  it('never makes the parser throw when it is damaged', () => {
    const good = changed({});
    const edit = fc.tuple(fc.nat(400), fc.nat(255));
    fc.assert(
      fc.property(fc.nat(good.length), fc.array(edit, { maxLength: 20 }), (length, edits) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of edits) bytes[at] = value;
        expect(parseKeychain(bytes).entries.length).toBeLessThanOrEqual(1000);
        parseKeychain(bytes.subarray(0, length));
      }),
      { numRuns: 3000, interruptAfterTimeLimit: 8000 },
    );
  });
});

const samples = hasSample('macos');

describe.skipIf(!samples)(`sample keychains${unless(samples, 'the directory of samples')}`, () => {
  it('of Apple, with 120 roots, is read whole', () => {
    const { entries, diagnostics } = parseKeychain(sample('macos/X509Anchors.keychain'));
    expect(diagnostics).toEqual([]);
    expect(entries).toHaveLength(120);
    expect(entries[0]?.label).toBe('Prefectural Association For JPKI');
    expect(sha1(entries[0]?.der ?? Buffer.alloc(0))).toBe('2DFF6336E33A4829AA009F01A1801EE7EBA582BB');
    expect(entries.every(({ der }) => certificateFrom(der).layout?.outer.end === der.length)).toBe(true);
  });

  it('without certificates gives none: passwords and keys are not looked at', () => {
    expect(parseKeychain(sample('macos/dtformats-login.keychain'))).toEqual({ entries: [], diagnostics: [] });
  });

  it('that Apple damaged for its own tests is an error', () => {
    const { entries, diagnostics } = parseKeychain(sample('macos/corrupt.keychain'));
    expect(entries).toEqual([]);
    expect(diagnostics.map(({ level, code }) => `${level} ${code}`)).toEqual([
      'error malformed',
      'error malformed',
      'error malformed',
    ]);
  });
});
