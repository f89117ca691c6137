import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAnchorList, parseCertsTable } from '../../src/formats/apple-certs-table.ts';
import { certsTable, plist, sha1 } from '../support/apple.ts';
import { makeCertificate } from '../support/certificates.ts';
import { unless } from '../support/nss.ts';
import { hasSample, sample } from '../support/root.ts';

const one = makeCertificate({ subject: { CN: 'One' } });
const two = makeCertificate({ subject: { CN: 'Two' } });

function changed(at: number, value: number): Buffer {
  const bytes = certsTable([one.der, two.der]);
  bytes.writeUInt32LE(value, at);
  return bytes;
}

const RESOURCES = 'macos/Certificates.bundle/Contents/Resources';

describe('certsTable.data', () => {
  it('gives its certificates', () => {
    const { entries, diagnostics } = parseCertsTable(certsTable([one.der, two.der]));
    expect(diagnostics).toEqual([]);
    expect(entries.map(({ der }) => sha1(der))).toEqual([sha1(one.der), sha1(two.der)]);
  });

  it.each<[string, Buffer, number, string]>([
    ['a record of no bytes', changed(0, 0), 0, 'malformed'],
    ['a record that is too long', changed(0, 0xffffffff), 0, 'malformed'],
    ['a certificate that is too long', changed(4, 0xffff), 0, 'malformed'],
    ['no certificate in a record', changed(8, 4), 0, 'malformed'],
    ['a piece of a record at the end', certsTable([one.der]).subarray(0, -1), 0, 'malformed'],
    ['four bytes at the end', Buffer.concat([certsTable([one.der]), Buffer.alloc(4)]), 1, 'truncated'],
  ])('with %s is an error', (_name, bytes, count, code) => {
    const { entries, diagnostics } = parseCertsTable(bytes);
    expect(entries).toHaveLength(count);
    expect(diagnostics).toMatchObject([{ level: 'error', code }]);
  });

  it('never makes the parser throw when it is damaged', () => {
    const good = certsTable([one.der, two.der]);
    const edit = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.nat(good.length), fc.array(edit, { maxLength: 10 }), (length, edits) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of edits) bytes[at] = value;
        parseCertsTable(bytes);
        parseCertsTable(bytes.subarray(0, length));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('Anchors.plist', () => {
  it.each<[string, string, number]>([
    ['no dictionary', plist([]), 0],
    ['no array under a key', plist({ a: 1 }), 0],
    [
      'an anchor without its hash',
      plist({ a: [{ type: 'system' }], b: [{ sha2: one.sha256, type: 'system' }] }),
      1,
    ],
  ])('with %s is an error', (_name, text, count) => {
    const { entries, diagnostics } = parseAnchorList(Buffer.from(text));
    expect(entries).toHaveLength(count);
    expect(diagnostics).toMatchObject([{ level: 'error', code: 'malformed' }]);
  });
});

describe.skipIf(!hasSample(RESOURCES))(
  `sample bundle${unless(hasSample(RESOURCES), 'the directory of samples')}`,
  () => {
    it('has a table of five and a list of four', () => {
      const table = parseCertsTable(sample(`${RESOURCES}/certsTable.data`));
      expect([table.entries.length, table.diagnostics]).toEqual([5, []]);
      const list = parseAnchorList(sample(`${RESOURCES}/Anchors.plist`));
      expect(list.diagnostics).toEqual([]);
      expect(
        list.entries.map(({ sha256, type, oids }) => `${sha256.slice(0, 8)} ${type} ${oids.join()}`),
      ).toEqual([
        '85a0dd7d system ',
        '73c17643 system ',
        '18f1fc7f platform 1.2.840.113635.100.1.3',
        '3e9099b5 custom 1.2.840.113635.100.1.3',
      ]);
    });
  },
);
