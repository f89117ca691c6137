import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { readWhole } from '../../src/stores/shared/content.ts';
import { store } from '../../src/stores/dotnet.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { foundIn, planFor, removeAndUndo } from '../support/certificate-files.ts';
import { certificateBag, hasOpenssl, pkcs12, plainSafe, authenticatedSafe } from '../support/keystores.ts';
import { hasSample, makeRoot, runCommands, sample } from '../support/root.ts';

const STORES = '/home/ann/.dotnet/corefx/cryptography/x509stores';

let a: TestCertificate;
let b: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  b = makeCertificate({ subject: { CN: 'B' } });
});

const pfx = (...certificates: readonly TestCertificate[]): Buffer =>
  pkcs12(authenticatedSafe(plainSafe(...certificates.map(({ der }) => certificateBag(der)))));

describe(".NET's stores", () => {
  it('say by their directory what a certificate is for', () => {
    const root = makeRoot({
      [`${STORES}/root/AA.pfx`]: pfx(a),
      [`${STORES}/ca/BB.pfx`]: pfx(b),
      [`${STORES}/disallowed/AA.pfx`]: pfx(a),
      [`${STORES}/my/CC.pfx`]: pfx(b),
    });
    expect(foundIn([store], root)).toEqual([
      `dotnet ${STORES}/root: Root (trusted)`,
      `dotnet ${STORES}/ca: CertificateAuthority: helps to build chains (present)`,
      `dotnet ${STORES}/disallowed: Disallowed (mitigated)`,
    ]);
  });

  it('lose the file of the certificate, and get it back', () => {
    const root = makeRoot({ [`${STORES}/root/AA.pfx`]: pfx(a), [`${STORES}/root/BB.pfx`]: pfx(b) });
    expect(removeAndUndo([store], root, a, `${STORES}/root/AA.pfx`)).toMatchObject({
      disposition: 'safe',
      after: undefined,
      restored: true,
    });
  });

  it('with a file of two certificates are for a person to change', () => {
    const root = makeRoot({ [`${STORES}/root/AA.pfx`]: pfx(a, b) });
    expect(planFor([store], root, a)).toMatchObject({ disposition: 'manual', commands: [] });
  });

  it.each([
    ['no PKCS#12', Buffer.from('this is no keystore'), 'malformed'],
    ['nothing', Buffer.alloc(0), 'truncated'],
  ])('with a file that is %s have a problem', (_, bytes, code) => {
    expect(foundIn([store], makeRoot({ [`${STORES}/root/AA.pfx`]: bytes }))).toEqual([
      `dotnet ${STORES}/root ! ${code}`,
    ]);
  });

  it.skipIf(!hasOpenssl)(
    'are read as openssl writes them, with an empty password (skipped without it)',
    () => {
      const root = makeRoot({ [`${STORES}/root/`]: '' });
      writeFileSync(root.at('/a.pem'), a.pem);
      const out = root.at(`${STORES}/root/AA.pfx`);
      const args = [
        'pkcs12',
        '-export',
        '-nokeys',
        '-in',
        root.at('/a.pem'),
        '-passout',
        'pass:',
        '-out',
        out,
      ];
      expect(spawnSync('openssl', args).status).toBe(0);
      expect(foundIn([store], root)).toEqual([`dotnet ${STORES}/root: Root (trusted)`]);
      runCommands(planFor([store], root, a).commands);
      expect(existsSync(out)).toBe(false);
    },
  );

  it.skipIf(!hasSample('dotnet-x509stores'))('are read from the kept samples (skipped without them)', () => {
    const names = {
      root: ['187BB7535ABF09E8A91FE401A3F865B95C136EC9', 'B31EB1B740E36C8402DADC37D44DF5D4674952F9'],
      ca: ['CA3AFBCF1240364B44B216208880483919937CF7'],
      disallowed: ['86F28F146BAE75F3D21CC3E9002C56CBD540BF25'],
    };
    const files = Object.entries(names).flatMap(([directory, hashes]) =>
      hashes.map((name) => `${directory}/${name}.pfx`),
    );
    const root = makeRoot(
      Object.fromEntries(files.map((name) => [`${STORES}/${name}`, sample(`dotnet-x509stores/${name}`)])),
    );
    const { target } = root;
    const contents = store
      .locate(target)
      .map((location) => readWhole(store, target, location, { storePasswords: [] }));
    expect(contents.flatMap(({ problems }) => problems)).toEqual([]);
    // The file is named after the SHA-1 of its certificate.
    const found = contents.flatMap(({ anchors }) => anchors.map(({ entry }) => entry));
    expect(found).toEqual(files.map((name) => name.split('/')[1]));
    expect(readFileSync(root.at(`${STORES}/${files[0]}`)).length).toBeGreaterThan(1000);
  });
});
