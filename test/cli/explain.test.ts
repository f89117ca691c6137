import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../support/certificates.ts';
import { PROJECT, rootaudit } from '../support/rootaudit.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const QAZNET = '00309c736dd661da6f1eb24173aa849944c168a43a15bffd192eecfdb6f8dbd2';

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
    ['a file without a certificate', join(PROJECT, 'package.json'), 'holds no certificate'],
    ['an unknown word', 'nonsense', 'no advisory, no file and no fingerprint'],
  ])('ends with 2 for %s', (_what, argument, message) => {
    const { status, stderr } = rootaudit(['explain', argument]);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });
});
