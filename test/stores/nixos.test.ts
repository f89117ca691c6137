import { beforeAll, describe, expect, it } from 'vitest';
import { store as nixos } from '../../src/stores/nixos.ts';
import { stores as systemBundle } from '../../src/stores/system-bundle.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { foundIn, planFor } from '../support/certificate-files.ts';
import { makeRoot } from '../support/root.ts';

const IN_STORE = '/nix/store/0c-nss-cacert-3.98/etc/ssl/certs/ca-bundle.crt';
const BUNDLE = '/etc/ssl/certs/ca-bundle.crt';

let a: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
});

describe('bundles in the Nix store', () => {
  it('of NixOS are one store however many links lead there, and the configuration takes a root out', () => {
    const root = makeRoot({
      [IN_STORE]: a.pem,
      '/etc/NIXOS': '',
      '/etc/static/ssl/certs/ca-bundle.crt': { link: IN_STORE },
      [BUNDLE]: { link: '/etc/static/ssl/certs/ca-bundle.crt' },
      '/etc/ssl/certs/ca-certificates.crt': { link: BUNDLE },
      '/etc/pki/tls/certs/ca-bundle.crt': { link: BUNDLE },
    });
    expect(foundIn([nixos], root)).toEqual(['nixos /etc/ssl/certs/ca-certificates.crt: listed (trusted)']);
    expect(planFor([nixos, ...systemBundle], root, a)).toMatchObject({
      disposition: 'manual',
      commands: [],
      note: expect.stringContaining('security.pki.caCertificateBlacklist of configuration.nix'),
    });
  });

  it.each([
    ['a profile of a person', { '/home/ann/.nix-profile/etc/ssl/certs/ca-bundle.crt': { link: IN_STORE } }],
    ['the default profile', { '/nix/var/nix/profiles/default': { link: '/nix/store/0c-nss-cacert-3.98' } }],
    ['NIX_SSL_CERT_FILE', { '/etc/environment': `NIX_SSL_CERT_FILE=${IN_STORE}\n` }],
  ])('of Nix elsewhere are found by %s', (_, files) => {
    const root = makeRoot({ [IN_STORE]: a.pem, ...files });
    expect(foundIn([nixos], root)).toHaveLength(1);
    expect(planFor([nixos], root, a).note).toContain('override the package cacert');
  });

  it.each([
    ['a bundle outside of it', { '/nix/store/': '', [BUNDLE]: 'x' }],
    [
      'a link out of it',
      { '/nix/store/x': { link: '/opt/ca.pem' }, '/opt/ca.pem': 'x', [BUNDLE]: { link: '/nix/store/x' } },
    ],
    [
      'a variable that names no file',
      { '/nix/store/': '', '/etc/environment': 'NIX_SSL_CERT_FILE=/nix/store/none\n' },
    ],
    ['no Nix', { '/etc/environment': `NIX_SSL_CERT_FILE=${BUNDLE}\n`, [BUNDLE]: 'x' }],
  ])('are not %s', (_, files) => {
    expect(foundIn([nixos], makeRoot(files))).toEqual([]);
  });

  it('that cannot be read are a problem', () => {
    const root = makeRoot({ [IN_STORE]: a.pem.slice(0, 200), [BUNDLE]: { link: IN_STORE } });
    expect(foundIn([nixos], root)).toEqual([expect.stringMatching(/^nixos .*ca-bundle.crt ! /)]);
  });
});
