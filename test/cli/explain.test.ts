import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeCertificate, tlv, toPem } from '../support/certificates.ts';
import { PROJECT, rootaudit } from '../support/rootaudit.ts';
import { hasSample } from '../support/root.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import { certificateBlob, sst, trustList } from '../support/windows.ts';

const QAZNET = '00309c736dd661da6f1eb24173aa849944c168a43a15bffd192eecfdb6f8dbd2';

const sampleFile = (name: string): string => join(PROJECT, '../shared/samples', name);

/** The id of each explanation's advisory; empty where it has none. */
function advisoriesOf(explanations: unknown): string[] {
  if (!Array.isArray(explanations)) throw new TypeError('no explanations');
  return explanations.map(
    (each: unknown) => /"advisory":\{"id":"([^"]+)"/.exec(JSON.stringify(each))?.[1] ?? '',
  );
}

/** SignedData with this one certificate. */
function pkcs7(der: Buffer): Buffer {
  const oid = (last: number): Buffer => Buffer.from([6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, last]);
  const version = tlv(0x02, Buffer.of(1));
  const signed = tlv(0x30, version, tlv(0x31), tlv(0x30, oid(1)), tlv(0xa0, der), tlv(0x31));
  return tlv(0x30, oid(2), tlv(0xa0, signed));
}

describe('rootaudit explain', () => {
  it.each([
    ['an advisory', 'superfish', 'Superfish'],
    ['a SHA-256 fingerprint', QAZNET, 'Kazakhstan'],
    ['the beginning of one', QAZNET.slice(0, 8), 'Kazakhstan'],
    ['one with colons and capitals', QAZNET.toUpperCase().replaceAll(/(..)(?!$)/g, '$1:'), 'Kazakhstan'],
    ['a SHA-1 fingerprint', '5811835eefaa2028835ab955da6829bf043a756d', 'Kazakhstan'],
    ['the hash of a key', 'b5ba8dd7f89564c2889d3d6453c84998c77824919b64ea0835aa62986591be50', 'Kazakhstan'],
    ['a file', join(PROJECT, `blocklists/certificates/${QAZNET}.pem`), 'Kazakhstan'],
  ])('tells the story of %s', (_what, argument, expected) => {
    const { status, stdout } = rootaudit(['explain', argument]);
    expect(status).toBe(0);
    expect(stdout).toContain('CRITICAL');
    expect(stdout).toContain(expected);
    expect(stdout).toContain('https://');
  });

  it('says who distrusted it and when', () => {
    expect(rootaudit(['explain', QAZNET]).stdout).toMatch(/2019-08-21 {2}mozilla: revoked/);
  });

  it('says that a certificate is not on the list', () => {
    const file = join(makeTemporaryDirectory(), 'unknown.crt');
    writeFileSync(file, makeCertificate({ subject: { CN: 'Nobody' } }).pem);
    const { status, stdout } = rootaudit(['explain', file]);
    expect(status).toBe(0);
    expect(stdout).toContain('CN=Nobody');
    expect(stdout).toContain('Not on the blocklist (version 20');
  });

  it('recognises a suspected one in a file with several', () => {
    const file = join(makeTemporaryDirectory(), 'two.pem');
    const names = ['Nobody', 'Information Security Certification Authority'];
    writeFileSync(file, names.map((CN) => makeCertificate({ subject: { CN } }).pem).join(''));
    const { stdout } = rootaudit(['explain', '--format', 'json', file]);
    const explained: unknown = JSON.parse(stdout);
    expect(explained).toMatchObject([
      { match: null, advisory: null },
      { match: { kind: 'name' }, advisory: { id: 'kazakhstan' } },
    ]);
  });

  it.each([
    ['ca.cer', 'DER', (der: Buffer) => der],
    ['ca.cer', 'PEM', (der: Buffer) => Buffer.from(toPem(der, 'CERTIFICATE'))],
    ['ca.p7b', 'PKCS#7', pkcs7],
    ['ca.p7b', 'PKCS#7 in PEM', (der: Buffer) => Buffer.from(toPem(pkcs7(der), 'PKCS7'))],
    ['ca.sst', 'a store of Windows', (der: Buffer) => sst(certificateBlob(der))],
  ])('reads %s (%s)', (name, _form, write) => {
    const file = join(makeTemporaryDirectory(), name);
    writeFileSync(file, write(makeCertificate({ subject: { CN: 'Nobody' } }).der));
    const { status, stdout } = rootaudit(['explain', file]);
    expect(status).toBe(0);
    expect(stdout).toContain('CN=Nobody');
  });

  it('tells what a trust list of Windows (.stl) names that is on the blocklist', () => {
    const file = join(makeTemporaryDirectory(), 'list.stl');
    const listed = '5811835eefaa2028835ab955da6829bf043a756d';
    writeFileSync(
      file,
      trustList([...Array.from({ length: 500 }, () => '00'.repeat(20)), listed].map((hash) => [hash, {}])),
    );
    const { status, stdout } = rootaudit(['explain', file]);
    expect(status).toBe(0);
    expect(stdout.match(/Kazakhstan/g)?.length).toBeGreaterThan(0);
    writeFileSync(file, trustList([['00'.repeat(20), {}]]));
    expect(rootaudit(['explain', file]).stdout).toContain('Not on the blocklist (version 20');
  });

  it.skipIf(!hasSample('windows/authroot-2025-06-16.stl'))(
    'names each advisory of the list of Microsoft once, and no signer of the list',
    () => {
      const { stdout } = rootaudit([
        'explain',
        '--format',
        'json',
        sampleFile('windows/authroot-2025-06-16.stl'),
      ]);
      const explained = advisoriesOf(JSON.parse(stdout));
      expect(explained.length).toBeGreaterThan(5);
      expect(new Set(explained).size).toBe(explained.length);
      expect(stdout).not.toContain('Microsoft Certificate Trust List Publisher');
    },
  );

  it.skipIf(!hasSample('windows/roots-2021.sst'))('reads a store that Windows wrote', () => {
    const { status, stdout } = rootaudit([
      'explain',
      '--format',
      'json',
      sampleFile('windows/roots-2021.sst'),
    ]);
    expect(status).toBe(0);
    expect(advisoriesOf(JSON.parse(stdout)).length).toBeGreaterThan(100);
  });

  it.each([
    ['a file without a certificate', join(PROJECT, 'package.json'), 'holds no certificate'],
    ['an unknown word', 'nonsense', 'no advisory, no file and no fingerprint'],
  ])('ends with 2 for %s', (_what, argument, message) => {
    const { status, stderr } = rootaudit(['explain', argument]);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });
});
