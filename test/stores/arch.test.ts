import { beforeAll, describe, expect, it } from 'vitest';
import { readWhole } from '../../src/stores/shared/content.ts';
import { stores } from '../../src/stores/arch.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { locate, makeRoot, outline, runCommands } from '../support/root.ts';

const OPTIONS = { storePasswords: [] };
const PACKAGED = '/usr/share/ca-certificates/trust-source/mozilla.trust.p11-kit';

let a: TestCertificate;
let b: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  b = makeCertificate({ subject: { CN: 'B' } });
});

describe('Arch Linux', () => {
  it('is not taken for Debian, nor Debian for it', () => {
    const debian = makeRoot({
      '/etc/ca-certificates/update.d/x': '',
      '/etc/ssl/certs/ca-certificates.crt': a.pem,
    });
    expect([...locate(stores, debian.target).keys()]).toEqual([]);
  });

  it('has a source and the files extracted from it', () => {
    const { target } = makeRoot({
      '/etc/ca-certificates/trust-source/anchors/a.crt': a.pem,
      [PACKAGED]: `[p11-kit-object-v1]\ntrusted: true\nlabel: "B"\n${b.pem}`,
      '/etc/ca-certificates/extracted/tls-ca-bundle.pem': `${a.pem}${b.pem}`,
      '/etc/ca-certificates/extracted/cadir/A.pem': a.pem,
      '/etc/ca-certificates/extracted/cadir/01234567.0': { link: 'A.pem' },
      '/etc/ca-certificates/extracted/edk2-cacerts.bin': '',
    });
    const found = [...locate(stores, target)].map(([path, [store, location]]) => {
      const content = readWhole(store, target, location, OPTIONS);
      expect(content.problems).toEqual([]);
      return [store.id, path.split('/').at(-1), outline(content).join('; ')];
    });
    expect(found).toEqual([
      ['arch', 'trust-source', 'a.crt = trusted; mozilla.trust.p11-kit: B = trusted'],
      ['arch-bundle', 'tls-ca-bundle.pem', 'certificate 1 of 2 = trusted; certificate 2 of 2 = trusted'],
      ['arch-bundle', 'cadir', 'A.pem = trusted'],
      ['arch-bundle', 'edk2-cacerts.bin', ''],
    ]);
  });

  it('distrusts a packaged root on its own block list', () => {
    const root = makeRoot({ [PACKAGED]: `[p11-kit-object-v1]\ntrusted: true\n${b.pem}` });
    const [store] = stores;
    const location = store?.locate(root.target)[0];
    if (!store || !location) throw new Error('no store');
    const plan = store.planRemoval(
      root.target,
      location,
      readWhole(store, root.target, location, OPTIONS).anchors,
    );
    expect(runCommands(plan.commands)).toEqual([`chroot ${root.target.hostPath('/')} update-ca-trust`]);
    expect(outline(readWhole(store, root.target, location, OPTIONS))).toEqual([
      `rootaudit-${b.sha256.slice(0, 16)}.pem = mitigated`,
      'mozilla.trust.p11-kit = mitigated',
    ]);
  });
});
