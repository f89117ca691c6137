import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMobileconfig } from '../../src/formats/mobileconfig.ts';
import { binaryPlist, payload, plist, profile, sha1, type Plain } from '../support/apple.ts';
import { makeCertificate } from '../support/certificates.ts';
import { hasPython, unless } from '../support/nss.ts';
import { hasSample, sample } from '../support/root.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const one = makeCertificate({ subject: { CN: 'One' } });
const two = makeCertificate({ subject: { CN: 'Two' } });
const hasOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;

/** "name: kind of which certificate (profile)". */
function lines(bytes: Uint8Array | string): string[] {
  const { entries, diagnostics } = parseMobileconfig(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  const names = new Map([
    [sha1(one.der), 'One'],
    [sha1(two.der), 'Two'],
  ]);
  return [
    ...entries.map(
      ({ name, kind, der, profile: id, removalDisallowed, anchorOfPayload }) =>
        `${name}: ${kind} ${names.get(sha1(der)) ?? sha1(der)} (${id})` +
        `${removalDisallowed ? ' locked' : ''}${anchorOfPayload ? ' anchor' : ''}`,
    ),
    ...diagnostics.map(({ level, code, message }) => `${level} ${code} ${message}`),
  ];
}

const root = payload('root', one.der, { PayloadDisplayName: 'R' });

describe('a configuration profile', () => {
  it.each<[string, readonly Plain[], string[]]>([
    ['a root', [root], ['R: root One (org.example.profile)']],
    [
      'certificates in PEM',
      [payload('pem', Buffer.from(one.pem + two.pem), { PayloadCertificateFileName: 'a.pem' })],
      ['a.pem: certificate One (org.example.profile)', 'a.pem: certificate Two (org.example.profile)'],
    ],
    ['a certificate', [payload('pkcs1', two.der)], ['(no name): certificate Two (org.example.profile)']],
    [
      'a root that Wi-Fi uses',
      [
        payload('pkcs1', one.der, { PayloadUUID: 'U1', PayloadIdentifier: 'i' }),
        {
          PayloadType: 'com.apple.wifi.managed',
          EAPClientConfiguration: { PayloadCertificateAnchorUUID: ['U1'] },
        },
      ],
      ['i: certificate One (org.example.profile) anchor'],
    ],
    [
      'an identity, which stays shut',
      [payload('pkcs12', Buffer.of(1), { PayloadDisplayName: 'Me', Password: 'secret' })],
      ['note note payload Me is a PKCS#12 identity, which is not opened'],
    ],
    ['other things', [{ PayloadType: 'com.apple.dock', x: one.der }], []],
    [
      'a root without a certificate',
      [payload('root', Buffer.from('hello'), { PayloadDisplayName: 'R' })],
      ['error malformed payload R: neither PEM nor a DER certificate'],
    ],
    [
      'a root without content',
      [payload('root', 1)],
      ['error malformed payload (no name) has no certificate'],
    ],
  ])('with %s', (_name, payloads, expected) => {
    expect(lines(profile(payloads))).toEqual(expected);
  });

  it('may forbid its removal', () => {
    expect(lines(profile([root], { removalDisallowed: true }))).toEqual([
      'R: root One (org.example.profile) locked',
    ]);
  });

  it('in a list of installed profiles lies deeper', () => {
    const item = payload(
      'root',
      { PayloadContent: one.der, PayloadCertificateFileName: 'x' },
      { PayloadUUID: 'u' },
    );
    const list = plist({ _computerlevel: [{ ProfileIdentifier: 'org.example', ProfileItems: [item] }] });
    expect(lines(list)).toEqual(['u: root One (org.example)']);
  });

  it('that is encrypted or no list is an error', () => {
    expect(lines(plist({ PayloadType: 'Configuration', EncryptedPayloadContent: Buffer.of(1) }))).toEqual([
      'error unsupported the profile is encrypted: its content cannot be read',
    ]);
    expect(lines('hello')).toEqual(['error malformed an element is missing']);
  });

  it('never makes the parser throw when it is damaged', () => {
    const good = Buffer.from(profile([root, payload('pem', Buffer.from(two.pem))]));
    const edit = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.nat(good.length), fc.array(edit, { maxLength: 4 }), (length, edits) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of edits) bytes[at] = value;
        parseMobileconfig(bytes);
        parseMobileconfig(bytes.subarray(0, length));
      }),
      { numRuns: 1000, interruptAfterTimeLimit: 6000 },
    );
  });
});

describe.skipIf(!hasPython)(`binary profiles${unless(hasPython, 'python3')}`, () => {
  it('read like those in XML', () => {
    expect(lines(binaryPlist(profile([root])))).toEqual(['R: root One (org.example.profile)']);
  });

  it('that repeat one payload without end stop at a limit', () => {
    const shared = [
      'import plistlib,sys',
      "v=[{'PayloadType':'Configuration'}]",
      'for i in range(20): v=[v]*10',
      'sys.stdout.buffer.write(plistlib.dumps(v, fmt=plistlib.FMT_BINARY))',
    ].join('\n');
    const { stdout, status } = spawnSync('python3', ['-c', shared], { timeout: 5000 });
    if (status !== 0) return;
    expect(lines(stdout)).toEqual(['error limit too large a profile']);
  });

  it('whose payloads share their data stop at a limit', () => {
    const shared = [
      'import plistlib,sys',
      "d=b'x'*(1<<20)",
      "v=[{'PayloadType':'com.apple.security.root','PayloadContent':d,'PayloadDisplayName':str(i)} for i in range(5000)]",
      'sys.stdout.buffer.write(plistlib.dumps(v, fmt=plistlib.FMT_BINARY))',
    ].join('\n');
    const { stdout } = spawnSync('python3', ['-c', shared], { maxBuffer: 64 << 20 });
    const found = lines(stdout);
    expect(found.length).toBeLessThanOrEqual(100);
    expect(found).toContain('error limit payload 64: too much data in one profile');
  });
});

describe.skipIf(!hasOpenssl)(`signed profiles${unless(hasOpenssl, 'openssl')}`, () => {
  function signed(...options: readonly string[]): Buffer {
    const directory = makeTemporaryDirectory();
    const at = (name: string): string => join(directory, name);
    writeFileSync(at('p'), profile([root]));
    writeFileSync(at('cert.pem'), two.pem);
    writeFileSync(at('key.pem'), two.key.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const files = ['-in', at('p'), '-signer', at('cert.pem'), '-inkey', at('key.pem'), '-out', at('out')];
    execFileSync('openssl', ['cms', '-sign', '-binary', '-outform', 'DER', ...options, ...files], {
      stdio: 'ignore',
    });
    return readFileSync(at('out'));
  }

  it.each([
    ['in DER', ['-nodetach']],
    ['in BER, in pieces', ['-nodetach', '-stream', '-indef']],
  ])('%s', (_name, options) => {
    expect(lines(signed(...options))).toEqual(['R: root One (org.example.profile)']);
  });

  it('without their content are an error', () => {
    expect(lines(signed())).toEqual(['error unsupported SignedData without its content']);
  });

  it('never make the parser throw when they are damaged', () => {
    const good = signed('-nodetach');
    fc.assert(
      fc.property(fc.nat(200), fc.nat(255), fc.nat(good.length), (at, value, length) => {
        const bytes = Buffer.from(good);
        bytes[at] = value;
        parseMobileconfig(bytes);
        parseMobileconfig(bytes.subarray(0, length));
      }),
      { numRuns: 1000, interruptAfterTimeLimit: 6000 },
    );
  });
});

const samples = hasSample('macos');

describe.skipIf(!samples)(`sample profiles${unless(samples, 'the directory of samples')}`, () => {
  it.each(['roots.mobileconfig', 'roots.signed.mobileconfig'])('%s', (name) => {
    expect(lines(sample(`macos/${name}`))).toEqual([
      'RA Root 1: root 187BB7535ABF09E8A91FE401A3F865B95C136EC9 (org.example.roots) locked',
      'r2.pem: certificate 86F28F146BAE75F3D21CC3E9002C56CBD540BF25 (org.example.roots) locked',
      'm0.cer: certificate B31EB1B740E36C8402DADC37D44DF5D4674952F9 (org.example.roots) locked',
    ]);
  });
});
