import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTrustStore } from '../../src/formats/ios-trust-store.ts';
import { makeTrustStore, NEVER, plist, sha1 } from '../support/apple.ts';
import { makeCertificate } from '../support/certificates.ts';
import { hasPython, python, unless } from '../support/nss.ts';
import { hasSample, sample } from '../support/root.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const one = makeCertificate({ subject: { CN: 'One' } });
const two = makeCertificate({ subject: { CN: 'Two' } });

function lines(main: Uint8Array): string[] {
  const { entries, diagnostics } = parseTrustStore({ main });
  return [
    ...entries.map(({ der, settings }) => `${sha1(der)} ${settings.map(({ result }) => result).join()}`),
    ...diagnostics.map(({ level, code, message }) => `${level} ${code} ${message}`),
  ];
}

describe.skipIf(!hasPython)(`TrustStore.sqlite3${unless(hasPython, 'python3')}`, () => {
  it('gives certificates and their settings', () => {
    const main = makeTrustStore([
      [one.der, plist([])],
      [two.der, plist(NEVER)],
    ]);
    expect(lines(main)).toEqual([`${sha1(one.der)} `, `${sha1(two.der)} deny`]);
  });

  it('shows a certificate whose settings cannot be read, and says so', () => {
    const main = makeTrustStore([
      [one.der, 'x'],
      [two.der, undefined],
    ]);
    expect(lines(main)).toEqual([
      `${sha1(one.der)} unspecified`,
      `${sha1(two.der)} `,
      'error malformed row 1: an element is missing',
    ]);
  });

  it('without a certificate, or without its table, is an error', () => {
    expect(lines(makeTrustStore([[undefined, plist([])]]))).toEqual([
      'error malformed row 1: no certificate',
    ]);
    const directory = makeTemporaryDirectory();
    python(directory, "c = sqlite3.connect('x'); c.execute('create table t(a)'); c.commit()");
    expect(lines(readFileSync(join(directory, 'x')))).toEqual([
      'error malformed no trust store: it has no table tsettings',
    ]);
  });

  it('never makes the parser throw when it is damaged', () => {
    const good = makeTrustStore([[one.der, plist(NEVER)]]);
    const edit = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 30 }), (edits) => {
        const main = Buffer.from(good);
        for (const [at, value] of edits) main[at] = value;
        parseTrustStore({ main });
      }),
      { numRuns: 500, interruptAfterTimeLimit: 6000 },
    );
  });
});

const samples = hasSample('macos/TrustStore.sqlite3');

describe.skipIf(!samples)(`sample trust store${unless(samples, 'the directory of samples')}`, () => {
  it('trusts one root and refuses another', () => {
    expect(lines(sample('macos/TrustStore.sqlite3'))).toEqual([
      '187BB7535ABF09E8A91FE401A3F865B95C136EC9 ',
      '86F28F146BAE75F3D21CC3E9002C56CBD540BF25 deny',
    ]);
  });
});
