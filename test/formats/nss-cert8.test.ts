import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/core/certificate.ts';
import { element } from '../../src/core/der.ts';
import { certificateFrom } from '../../src/core/certificate.ts';
import { trustStatus } from '../../src/core/trust.ts';
import { parseCert8 } from '../../src/formats/nss-cert8.ts';
import { certificateRecord, hashFile, pairsPage } from '../support/berkeley-hash.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { unless } from '../support/nss.ts';
import { hasSample, sample } from '../support/root.ts';

const root = makeCertificate({ subject: { CN: 'Root' } });
const SIZE = { pageSize: 4096 };
const CA: readonly [number, number, number] = [0x18, 0x400, 0x400];

function keyOf({ der }: TestCertificate): Buffer {
  const { layout } = certificateFrom(der);
  if (!layout) throw new Error('no certificate');
  const serial = der.subarray(layout.serial.contentStart, layout.serial.contentEnd);
  return Buffer.concat([Buffer.of(1), serial, element(der, layout.issuer)]);
}

function database(...records: readonly Uint8Array[]): Buffer {
  return hashFile(
    [
      pairsPage(
        records.map((record) => [keyOf(root), record] as const),
        SIZE,
      ),
    ],
    SIZE,
  );
}

function lines(bytes: Uint8Array, blob?: (name: string) => Uint8Array | undefined): string[] {
  return parseCert8(bytes, blob).entries.map(
    ({ nickname, trust }) => `${nickname} | ${trust.expressed} | ${trustStatus(trust)}`,
  );
}

describe('trust in cert8.db', () => {
  it.each<[string, readonly [number, number, number], string]>([
    ['a trusted CA', [0x18, 0x400, 0x400], 'C,, | trusted'],
    ['for all purposes', [0x18, 0x18, 0x18], 'C,C,C | trusted'],
    ['a CA of Netscape times', [0x38, 0, 0], 'C,, | trusted'],
    ['for client certificates', [0x88, 0, 0], 'T,, | trusted'],
    ['a trusted peer', [0x3, 0, 0], 'P,, | trusted'],
    ['for mail only', [0, 0x10, 0], ',C, | trusted'],
    ['distrust for all purposes', [1, 1, 1], 'p,p,p | mitigated'],
    ['a valid CA', [8, 0, 0], 'c,, | present'],
    ['must verify before distrust', [0x401, 0x401, 0x401], ',, | present'],
    ['none', [0, 0, 0], ',, | present'],
    ['a CA with its private key', [0x58, 0, 0], 'Cu,u,u | trusted'],
  ])('%s', (_, flags, expected) => {
    expect(lines(database(certificateRecord(root.der, 'n', flags)))).toEqual([`n | ${expected}`]);
  });
});

describe('a record of cert8.db', () => {
  it.each([5, 7, 8])('of version %i is read', (version) => {
    const { entries, diagnostics } = parseCert8(
      database(certificateRecord(root.der, 'ä', [0x18, 0, 0], version)),
    );
    expect(diagnostics).toEqual([]);
    expect(entries.map(({ der, nickname }) => [sha256(der), nickname])).toEqual([[root.sha256, 'ä']]);
  });

  it('without a nickname, or with one that is not UTF-8, is kept', () => {
    const foreign = certificateRecord(root.der, 'x', CA);
    foreign[foreign.length - 2] = 0xff;
    const { entries } = parseCert8(database(certificateRecord(root.der, '', CA), foreign));
    expect(entries.map(({ nickname, nicknameExact }) => [nickname, nicknameExact])).toEqual([
      ['', true],
      ['\ufffd', false],
    ]);
  });

  it('in a file of its own is read from there, and its length may need more than 16 bits', () => {
    const large = Buffer.concat([root.der, Buffer.alloc(70_000)]);
    const name = `b${createHash('sha1').update(keyOf(root)).digest('base64').replaceAll('/', '-')}`;
    const blob = Buffer.concat([Buffer.from('0808000010000000', 'hex'), Buffer.from(`${name}\0`)]);
    const asked: string[] = [];
    const { entries, diagnostics } = parseCert8(database(blob), (file) => {
      asked.push(file);
      return certificateRecord(large, 'large', CA);
    });
    expect(diagnostics).toEqual([]);
    expect(entries.map(({ der, file }) => [der.length, file])).toEqual([[large.length, name]]);
    expect(asked).toEqual([name]);
  });

  const record = certificateRecord(root.der, 'n', CA);
  const blobNamed = (name: string): Buffer =>
    Buffer.concat([Buffer.from('0808000010000000', 'hex'), Buffer.from(`${name}\0`)]);
  it.each<[string, Uint8Array, string]>([
    ['cut off', record.subarray(0, 8), 'error truncated'],
    ['cut in its certificate', record.subarray(0, 100), 'error malformed'],
    ['with bytes too many', Buffer.concat([record, Buffer.of(1)]), 'error malformed'],
    ['of an unknown version', Buffer.concat([Buffer.of(9), record.subarray(1)]), 'error unsupported'],
    ['of another type', Buffer.concat([Buffer.of(8, 2), record.subarray(2)]), 'error malformed'],
    ['of nothing', Buffer.alloc(0), 'error malformed'],
    ['without a certificate', certificateRecord(Buffer.alloc(0), '', CA), 'error malformed'],
    ['in a file that is a path', blobNamed('../../../../../etc/passwd'), 'error malformed'],
    ['in the file of another', blobNamed(`b${'A'.repeat(27)}=`), 'error malformed'],
  ])('%s is an error', (_, broken, expected) => {
    const { entries, diagnostics } = parseCert8(database(broken, record), () => record);
    expect(entries).toHaveLength(1);
    expect(diagnostics.map(({ level, code }) => `${level} ${code}`)).toEqual([expected]);
  });

  it('under the key of another is told in a note', () => {
    const other = makeCertificate({ subject: { CN: 'Other' } });
    const { diagnostics } = parseCert8(database(certificateRecord(other.der, 'other', CA)));
    expect(diagnostics.map(({ message }) => message)).toEqual([
      '"other" is stored under the key of another certificate',
    ]);
  });

  it('in a damaged file never makes the parser throw', () => {
    const file = database(record, certificateRecord(root.der, 'm', [1, 1, 1]));
    const edit = fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.nat(file.length), fc.array(edit, { maxLength: 30 }), (length, edits) => {
        const bytes = Buffer.from(file);
        for (const [at, value] of edits) bytes[at] = value;
        parseCert8(bytes, () => bytes);
        parseCert8(bytes.subarray(0, length));
      }),
      { numRuns: 500, interruptAfterTimeLimit: 10_000 },
    );
  });
});

const hasSamples = hasSample('nss-legacy');
const hasXz = spawnSync('xz', ['--version'], { stdio: 'ignore' }).status === 0;

describe.skipIf(!hasSamples)(`real databases${unless(hasSamples, 'the directory of samples')}`, () => {
  const blob = (name: string): Uint8Array | undefined => {
    const file = `nss-legacy/dbm-with-blobs/cert8.dir/${name}`;
    return hasSample(file) ? sample(file) : undefined;
  };

  it('by certutil, with certificates in files of their own', () => {
    const main = sample('nss-legacy/dbm-with-blobs/cert8.db');
    expect(lines(main, blob)).toEqual([
      'RA Root 1 | C,, | trusted',
      'RA Root 2 | p,p,p | mitigated',
      'big10 | C,, | trusted',
      'big20 | C,, | trusted',
      'big70 | C,, | trusted',
    ]);
    const { entries, diagnostics } = parseCert8(main);
    expect(entries).toHaveLength(3);
    expect(diagnostics.map(({ code }) => code)).toEqual(['truncated', 'truncated']);
  });

  it.each([
    ['libpkix-module-cert8.db', 6, 1],
    ['netscape-cert7.db', 34, 34],
  ])('%s has %i certificates, %i of them trusted', (name, count, trusted) => {
    const { entries, diagnostics } = parseCert8(sample(`nss-legacy/${name}`));
    expect(diagnostics).toEqual([]);
    expect(entries).toHaveLength(count);
    expect(entries.filter(({ trust }) => trustStatus(trust) === 'trusted')).toHaveLength(trusted);
    expect(entries.every(({ der }) => certificateFrom(der).layout)).toBe(true);
  });

  it.skipIf(!hasXz)(`with the roots of Mozilla are read whole${unless(hasXz, 'xz')}`, () => {
    const bytes = execFileSync('xz', ['-dc', join('../shared/samples/nss-legacy/mozilla144-cert8.db.xz')]);
    const { entries, diagnostics } = parseCert8(bytes);
    expect(diagnostics).toEqual([]);
    expect(new Set(entries.map(({ der }) => sha256(der))).size).toBe(144);
    expect(new Set(entries.map(({ trust }) => trust.expressed))).toEqual(new Set(['C,C,C']));
  });
});
