import { beforeAll, describe, expect, it } from 'vitest';
import { readWhole } from '../../src/stores/shared/content.ts';
import { purposesWith } from '../../src/core/trust.ts';
import { stores } from '../../src/stores/suse.ts';
import { makeCertificate, toPem, tlv, type TestCertificate } from '../support/certificates.ts';
import { locate, makeRoot, outline } from '../support/root.ts';

const OPTIONS = { storePasswords: [] };
const SERVER = Buffer.from('06082b06010505070301', 'hex');

let a: TestCertificate;
let b: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  b = makeCertificate({ subject: { CN: 'B' } });
});

describe('SUSE', () => {
  it('has anchors of the administrator and of packages, and the files made of them', () => {
    const trusted = toPem(Buffer.concat([a.der, tlv(0x30, tlv(0x30, SERVER))]), 'TRUSTED CERTIFICATE');
    const { target } = makeRoot({
      '/etc/pki/trust/anchors/a.crt': a.pem,
      '/etc/pki/trust/blacklist/': '',
      '/usr/share/pki/trust/ca-certificates-mozilla.trust.p11-kit': `[p11-kit-object-v1]\ntrusted: true\n${b.pem}`,
      '/var/lib/ca-certificates/ca-bundle.pem': `${a.pem}${b.pem}`,
      '/var/lib/ca-certificates/pem/B.pem': b.pem,
      '/var/lib/ca-certificates/pem/01234567.0': { link: 'B.pem' },
      '/var/lib/ca-certificates/openssl/A.pem': trusted,
      '/var/lib/ca-certificates/java-cacerts': 'not ours',
    });
    const found = [...locate(stores, target)].map(([path, [store, location]]) => {
      const content = readWhole(store, target, location, OPTIONS);
      expect(content.problems).toEqual([]);
      return [store.id, path, outline(content).join('; ')];
    });
    expect(found).toEqual([
      ['suse', '/etc/pki/trust', 'a.crt = trusted; ca-certificates-mozilla.trust.p11-kit = trusted'],
      [
        'suse-bundle',
        '/var/lib/ca-certificates/ca-bundle.pem',
        'certificate 1 of 2 = trusted; certificate 2 of 2 = trusted',
      ],
      ['suse-bundle', '/var/lib/ca-certificates/pem', 'B.pem = trusted'],
      ['suse-bundle', '/var/lib/ca-certificates/openssl', 'A.pem = trusted'],
    ]);
    const [store, location] = locate(stores, target).get('/var/lib/ca-certificates/openssl') ?? [];
    const anchors = store && location ? readWhole(store, target, location, OPTIONS).anchors : [];
    expect(anchors.map(({ trust }) => purposesWith(trust, 'trusted'))).toEqual([['serverAuth']]);
  });

  it('updates with update-ca-certificates', () => {
    const root = makeRoot({ '/etc/pki/trust/anchors/a.crt': a.pem });
    const [store, location] = locate(stores, root.target).get('/etc/pki/trust') ?? [];
    if (!store || !location) throw new Error('no store');
    const { anchors } = readWhole(store, root.target, location, OPTIONS);
    const plan = store.planRemoval(root.target, location, anchors);
    expect(plan.commands.at(-1)).toBe(`chroot ${root.target.hostPath('/')} update-ca-certificates`);
    expect(plan.undo.at(-1)).toBe(`chroot ${root.target.hostPath('/')} update-ca-certificates`);
  });
});
