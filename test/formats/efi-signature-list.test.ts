import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { certificateFrom } from '../../src/core/certificate.ts';
import { parseEfiSignatureLists } from '../../src/formats/efi-signature-list.ts';
import { hasSample, sample } from '../support/root.ts';

const X509 = 'a159c0a5e494a74a87b5ab155c2bf072';
const SHA256 = '2616c4c14c509240aca941f936934328';
const OWNER = '00112233445566778899aabbccddeeff';

function list(type: string, header: Buffer, size: number, ...signatures: readonly Buffer[]): Buffer {
  const sizes = Buffer.alloc(12);
  const total = 28 + header.length + signatures.reduce((sum, each) => sum + 16 + each.length, 0);
  sizes.writeUInt32LE(total, 0);
  sizes.writeUInt32LE(header.length, 4);
  sizes.writeUInt32LE(size, 8);
  const bodies = signatures.flatMap((each) => [Buffer.from(OWNER, 'hex'), each]);
  return Buffer.concat([Buffer.from(type, 'hex'), sizes, header, ...bodies]);
}

const none = Buffer.alloc(0);
const one = Buffer.from('3003020101', 'hex');
const two = Buffer.from('3003020102', 'hex');
const values = (bytes: Uint8Array): string[] =>
  parseEfiSignatureLists(bytes).entries.map(({ der }) => Buffer.from(der).toString('hex'));

describe('EFI signature lists', () => {
  it('give the certificates of every list, with their owner', () => {
    const bytes = Buffer.concat([list(X509, none, 21, one, two), list(X509, Buffer.alloc(3), 21, one)]);
    expect(values(bytes)).toEqual(['3003020101', '3003020102', '3003020101']);
    expect(parseEfiSignatureLists(bytes)).toMatchObject({
      entries: [{ owner: OWNER, offset: 28 }, {}, {}],
      diagnostics: [],
    });
  });

  it('of other types are left out with a note', () => {
    const bytes = Buffer.concat([list(SHA256, none, 48, Buffer.alloc(32)), list(X509, none, 21, one)]);
    expect(values(bytes)).toEqual(['3003020101']);
    expect(parseEfiSignatureLists(bytes).diagnostics).toMatchObject([{ level: 'note' }]);
  });

  it.each<[string, Buffer, string]>([
    ['a cut header', list(X509, none, 21, one).subarray(0, 20), 'truncated'],
    ['a cut list', list(X509, none, 21, one).subarray(0, -1), 'truncated'],
    ['a size that does not divide it', list(X509, none, 20, one), 'malformed'],
    ['a size of zero', list(X509, none, 0, one), 'malformed'],
    ['a list size of zero', Buffer.alloc(28), 'malformed'],
  ])('with %s keep what came before and give an error', (_name, bad, code) => {
    const bytes = Buffer.concat([list(X509, none, 21, one), bad]);
    expect(values(bytes)).toEqual(['3003020101']);
    expect(parseEfiSignatureLists(bytes).diagnostics).toMatchObject([{ level: 'error', code }]);
  });

  it('never throw, whatever bytes are changed', () => {
    const good = list(X509, none, 21, one, two);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, value, length) => {
        const bytes = Buffer.from(good);
        bytes[at] = value;
        expect(parseEfiSignatureLists(bytes.subarray(0, length)).entries.length).toBeLessThan(100);
      }),
      { numRuns: 500 },
    );
  });

  it.skipIf(!hasSample('p11-kit'))('in the sample multiple.edk2 hold certificates', () => {
    const { entries, diagnostics } = parseEfiSignatureLists(sample('p11-kit/multiple.edk2'));
    expect(diagnostics).toEqual([]);
    expect(entries.map(({ der }) => certificateFrom(der).layout !== undefined)).toEqual([true, true]);
  });
});
