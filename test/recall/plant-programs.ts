/** The recipes for other programs, and for systems that are neither Debian's nor its relatives'. */

import { createHash } from 'node:crypto';
import {
  authenticatedSafe,
  certificateBag,
  jks,
  jksTrusted,
  pkcs12,
  plainSafe,
} from '../support/keystores.ts';
import { certificateBlob, sha1 } from '../support/windows.ts';
import { bundle, files, filesOf, textOf, USERS, type Certificates, type Recipe } from './recipe.ts';

const MAC = { '/System/Library/CoreServices/': '' };
const ANDROID = { '/system/build.prop': 'ro.build.version.sdk=34\n' };
const FREEBSD = { '/bin/freebsd-version': '' };
const SOLARIS = { '/usr/sbin/svcadm': '' };
const ROOT_KEY = String.raw`Software\\Microsoft\\SystemCertificates\\Root\\Certificates`;

function wineRegistry(certificates: Certificates): string {
  const keys = certificates.map(({ der }) => {
    const octets = Array.from(certificateBlob(der), (octet) => octet.toString(16).padStart(2, '0')).join(',');
    return `[${ROOT_KEY}\\\\${sha1(der)}] 1700000000\n"Blob"=hex:${octets}\n`;
  });
  return `WINE REGISTRY Version 2\n;; All keys relative to \\\\Machine\n\n#arch=win64\n\n${keys.join('\n')}`;
}

const EFI_CERT_X509_GUID = Buffer.from('a159c0a5e494a74a87b5ab155c2bf072', 'hex');

/** One list for each certificate, since they differ in length. */
function signatureList({ der }: Certificates[number]): Buffer {
  const sizes = Buffer.alloc(12);
  sizes.writeUInt32LE(28 + 16 + der.length, 0);
  sizes.writeUInt32LE(16 + der.length, 8);
  return Buffer.concat([EFI_CERT_X509_GUID, sizes, Buffer.alloc(16), der]);
}

/** Files as Android names them; the hash itself does not matter here. */
const hashed = (directory: string): Recipe['plant'] =>
  filesOf((certificates) => ({
    ...ANDROID,
    ...Object.fromEntries(
      certificates.map(({ der, pem }) => {
        const name = createHash('md5').update(der).digest('hex').slice(0, 8);
        return [`${directory}/${name}.0`, pem];
      }),
    ),
  }));

const kubeconfig = (certificates: Certificates): string => {
  const data = Buffer.from(textOf(certificates)).toString('base64');
  return `apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster:\n    server: https://k\n    certificate-authority-data: ${data}\n`;
};

export const PROGRAM_RECIPES: readonly Recipe[] = [
  {
    store: 'npm',
    how: 'ca[] lines',
    plant: filesOf((certificates) => ({
      '/home/u/.npmrc': certificates
        .map(({ pem }) => `ca[]="${pem.replaceAll('\n', String.raw`\n`)}"\n`)
        .join(''),
    })),
  },
  {
    store: 'containerd',
    how: 'hosts.toml',
    plant: bundle('/opt/own.pem', {
      '/etc/containerd/certs.d/registry.example/hosts.toml':
        'server = "https://registry.example"\n[host."https://registry.example"]\n  ca = "/opt/own.pem"\n',
    }),
  },
  { store: 'kubernetes', how: 'one bundle', plant: bundle('/etc/kubernetes/pki/ca.crt') },
  {
    store: 'kubeconfig',
    how: 'ten users',
    stores: USERS.length,
    plant: filesOf((certificates) => {
      const text = kubeconfig(certificates);
      return Object.fromEntries(USERS.map((user) => [`/home/${user}/.kube/config`, text]));
    }),
  },
  {
    store: 'java-app',
    how: 'JKS',
    plant: filesOf((certificates) => ({
      '/etc/kafka/ssl/truststore.jks': jks(certificates.map(({ sha256, der }) => jksTrusted(sha256, der))),
    })),
  },
  {
    store: 'dotnet',
    how: 'a PKCS#12 file each',
    plant: filesOf((certificates) =>
      Object.fromEntries(
        certificates.map(({ sha256, der }) => [
          `/home/u/.dotnet/corefx/cryptography/x509stores/root/${sha256}.pfx`,
          pkcs12(authenticatedSafe(plainSafe(certificateBag(der)))),
        ]),
      ),
    ),
  },
  {
    store: 'uefi',
    how: 'db',
    plant: filesOf((certificates) => ({
      '/sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f': Buffer.concat([
        Buffer.alloc(4),
        ...certificates.map(signatureList),
      ]),
    })),
  },
  {
    store: 'wine',
    how: 'ten users',
    stores: USERS.length,
    plant: filesOf((certificates) => {
      const text = wineRegistry(certificates);
      return Object.fromEntries(USERS.map((user) => [`/home/${user}/.wine/system.reg`, text]));
    }),
  },
  {
    store: 'python-macos',
    how: 'one bundle',
    plant: bundle('/Library/Frameworks/Python.framework/Versions/3.12/etc/openssl/cert.pem', MAC),
  },
  { store: 'android-system', how: 'a file each', plant: hashed('/system/etc/security/cacerts') },
  { store: 'android-user', how: 'a file each', plant: hashed('/data/misc/user/0/cacerts-added') },
  {
    store: 'freebsd',
    how: 'a file each',
    plant: files('/usr/share/certs/trusted', 'pem', () => ['/bin/freebsd-version', '']),
  },
  {
    store: 'freebsd-bundle',
    how: 'one bundle',
    plant: bundle('/etc/ssl/cert.pem', { ...FREEBSD, '/usr/share/certs/trusted/': '' }),
  },
  {
    store: 'netbsd',
    how: 'a file each',
    plant: files('/usr/share/certs/mozilla/server', 'pem', () => ['/netbsd', '']),
  },
  {
    store: 'netbsd-bundle',
    how: 'one file',
    plant: bundle('/etc/openssl/certs/all.pem', { '/netbsd': '', '/usr/share/certs/mozilla/server/': '' }),
  },
  { store: 'openbsd', how: 'one bundle', plant: bundle('/etc/ssl/cert.pem', { '/bsd': '' }) },
  {
    store: 'solaris',
    how: 'a file each',
    plant: files('/etc/certs/CA', 'pem', () => ['/usr/sbin/svcadm', '']),
  },
  {
    store: 'solaris-bundle',
    how: 'one file',
    plant: bundle('/etc/openssl/certs/all.pem', { ...SOLARIS, '/etc/certs/CA/': '' }),
  },
];
