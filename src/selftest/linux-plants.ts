/** Stores of Linux distributions, of OpenSSL and p11-kit there, and of containers. */

import type { MadeCertificate } from './certificates.ts';
import { byContent, CA, pem, type Plant } from './plant.ts';

const p11Kit = ({ pem: text }: MadeCertificate): string =>
  `[p11-kit-object-v1]\ntrusted: true\nx-distrusted: false\n${text}`;

const EFI_CERT_X509_GUID = Buffer.from('a159c0a5e494a74a87b5ab155c2bf072', 'hex');

/** EFI_SIGNATURE_LIST with one certificate and no owner (UEFI specification, section 32.4.1). */
function signatureList(der: Uint8Array): Buffer {
  const sizes = Buffer.alloc(12);
  sizes.writeUInt32LE(28 + 16 + der.length, 0);
  sizes.writeUInt32LE(16 + der.length, 8);
  return Buffer.concat([EFI_CERT_X509_GUID, sizes, Buffer.alloc(16), der]);
}

export const LINUX_PLANTS: readonly Plant[] = [
  {
    store: 'debian-ca-certificates',
    form: 'PEM, chosen',
    files: pem('/usr/share/ca-certificates/s/a.crt', { '/etc/ca-certificates.conf': 's/a.crt\n' }),
  },
  { store: 'debian-local-anchors', form: 'PEM', files: pem('/usr/local/share/ca-certificates/a.crt') },
  {
    store: 'debian-bundle',
    form: 'PEM bundle',
    files: pem('/etc/ssl/certs/ca-certificates.crt', { '/etc/ca-certificates.conf': '\n' }),
  },
  { store: 'rhel-anchors', form: 'PEM', files: pem('/etc/pki/ca-trust/source/anchors/a.pem') },
  { store: 'rhel-anchors', form: 'p11-kit', files: byContent('/etc/pki/ca-trust/source/a.p11-kit', p11Kit) },
  {
    store: 'rhel-bundle',
    form: 'PEM bundle',
    files: pem('/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem'),
  },
  { store: 'suse', form: 'PEM', files: pem('/etc/pki/trust/anchors/a.pem') },
  { store: 'suse-bundle', form: 'PEM bundle', files: pem('/var/lib/ca-certificates/ca-bundle.pem') },
  { store: 'arch', form: 'PEM', files: pem('/etc/ca-certificates/trust-source/anchors/a.crt') },
  {
    store: 'arch-bundle',
    form: 'PEM bundle',
    files: pem('/etc/ca-certificates/extracted/tls-ca-bundle.pem'),
  },
  {
    store: 'p11-kit',
    form: 'DER',
    files: byContent('/opt/trust/anchors/a.der', ({ der }) => der, {
      '/etc/pkcs11/modules/own.module': "module: p11-kit-trust.so\nx-init-reserved: paths='/opt/trust'\n",
    }),
  },
  { store: 'openssl-dir', form: 'PEM bundle', files: pem('/usr/lib/ssl/cert.pem') },
  { store: 'openssl-env', form: 'PEM', files: pem(CA, { '/etc/environment': `SSL_CERT_FILE=${CA}\n` }) },
  { store: 'system-bundle', form: 'PEM bundle', files: pem('/usr/local/share/certs/ca-root-nss.crt') },
  { store: 'docker', form: 'PEM', files: pem('/etc/docker/certs.d/reg.example/ca.crt') },
  { store: 'podman', form: 'PEM', files: pem('/etc/containers/certs.d/reg.example/ca.crt') },
  {
    store: 'containerd',
    form: 'hosts.toml',
    files: pem('/etc/containerd/certs.d/reg.example/ca.crt', {
      '/etc/containerd/certs.d/reg.example/hosts.toml':
        'server = "https://reg.example:5000"\n[host."https://reg.example:5000"]\n  ca = "ca.crt"\n',
    }),
  },
  { store: 'kubernetes', form: 'PEM', files: pem('/etc/kubernetes/pki/ca.crt') },
  {
    store: 'kubeconfig',
    form: 'YAML',
    files: byContent(
      '/home/u/.kube/config',
      ({ pem: text }) =>
        `apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster:\n    server: https://k\n    certificate-authority-data: ${Buffer.from(text).toString('base64')}\n`,
    ),
  },
  {
    store: 'uefi',
    form: 'EFI signature list',
    files: byContent('/sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f', ({ der }) =>
      Buffer.concat([Buffer.alloc(4), signatureList(der)]),
    ),
  },
  {
    store: 'unreadable-places',
    form: 'too large to be read',
    files: () => ({ '/etc/environment': Buffer.alloc((1 << 20) + 1, '#') }),
    says: 'certificates, or settings that name them, may be here',
  },
];
