/** Putting every certificate of a corpus into a store of each type, with the real tools where they work in bulk. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sha256 } from '../../src/core/certificate.ts';
import { toPem } from '../support/certificates.ts';
import {
  jks,
  jksTrusted,
  certificateBag,
  authenticatedSafe,
  pkcs12,
  plainSafe,
} from '../support/keystores.ts';
import { makeNssDatabase } from '../support/nss.ts';
import { fingerprintsIn } from '../system/support/openssl.ts';
import { run, succeeds } from '../system/support/tools.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import type { CorpusCertificate } from './corpus.ts';
import { APPLE_RECIPES } from './plant-apple.ts';
import { BROWSER_RECIPES } from './plant-browsers.ts';
import { PROGRAM_RECIPES } from './plant-programs.ts';
import { WINDOWS_RECIPES } from './plant-windows.ts';
import { bundle, derFiles, files, fingerprints, USERS, write, type Plant, type Recipe } from './recipe.ts';

/** The same with OpenSSL's links. */
function hashedFiles(directory: string): Plant {
  return (root, certificates) => {
    const planted = files(directory, 'pem')(root, certificates);
    run('openssl', ['rehash', join(root, directory)]);
    return planted;
  };
}

/** OpenSSL's TRUSTED CERTIFICATE: what OpenSSL puts behind one certificate fits behind each. */
function trustedBundle(path: string): Plant {
  return (root, certificates) => {
    const [first] = certificates;
    if (!first) return [];
    const block = execFileSync('openssl', ['x509', '-trustout', '-addtrust', 'serverAuth'], {
      input: first.pem,
      encoding: 'utf8',
    });
    const trust = Buffer.from(block.replaceAll(/-----.*-----/g, ''), 'base64').subarray(first.der.length);
    const blocks = certificates.map(({ der }) => toPem(Buffer.concat([der, trust]), 'TRUSTED CERTIFICATE'));
    write(root, path, blocks.join(''));
    return fingerprints(certificates);
  };
}

const CACERTS = '/usr/lib/jvm/java-17/lib/security/cacerts';

const javaKeyStore: Plant = (root, certificates) => {
  write(root, CACERTS, jks(certificates.map((each) => jksTrusted(each.sha256, each.der))));
  return fingerprints(certificates);
};

const passwordLessPkcs12: Plant = (root, certificates) => {
  const bags = certificates.map((each) =>
    certificateBag(each.der, { alias: each.sha256, javaTrusted: true }),
  );
  write(root, CACERTS, pkcs12(authenticatedSafe(plainSafe(...bags))));
  return fingerprints(certificates);
};

/** keytool turns a whole JKS into the encrypted PKCS#12 of today's JDKs, and says what is in it. */
const keytoolPkcs12: Plant = (root, certificates) => {
  const source = join(makeTemporaryDirectory(), 'source.jks');
  writeFileSync(source, jks(certificates.map((each) => jksTrusted(each.sha256, each.der))));
  const file = join(root, CACERTS);
  mkdirSync(dirname(file), { recursive: true });
  const passwords = ['-srcstorepass', 'changeit', '-deststorepass', 'changeit', '-noprompt'];
  const types = ['-srcstoretype', 'JKS', '-deststoretype', 'PKCS12'];
  run('keytool', ['-importkeystore', '-srckeystore', source, '-destkeystore', file, ...passwords, ...types]);
  return fingerprintsIn(run('keytool', ['-list', '-rfc', '-keystore', file, '-storepass', 'changeit']));
};

interface NssDatabase {
  readonly directory: string;
  readonly held: readonly string[];
}

const databases = new Map<readonly CorpusCertificate[], NssDatabase>();

/** Made once, with certutil's batch mode, which is fast but stops at the first certificate that NSS refuses. */
function nssDatabase(certificates: readonly CorpusCertificate[]): NssDatabase {
  const known = databases.get(certificates);
  if (known) return known;
  const directory = join(makeTemporaryDirectory(), 'database');
  makeNssDatabase(directory);
  const files = makeTemporaryDirectory();
  const lines = certificates.map((each) => {
    const file = join(files, each.sha256);
    writeFileSync(file, each.der);
    return `-A -d sql:${directory} -n ${each.sha256} -t C,C,C -i ${file}\n`;
  });
  const batch = join(files, 'batch');
  let held: readonly string[] = [];
  for (let next = 0; next < lines.length;) {
    writeFileSync(batch, lines.slice(next).join(''));
    succeeds('certutil', ['-B', '-d', `sql:${directory}`, '-i', batch]);
    const now = heldIn(directory);
    next += now.length - held.length + 1;
    held = now;
  }
  databases.set(certificates, { directory, held });
  return { directory, held };
}

/** What the database says itself: CKA_VALUE of CKO_CERTIFICATE. */
function heldIn(directory: string): string[] {
  const query = "SELECT hex(a11) FROM nssPublic WHERE a0 = x'00000001'";
  const rows = run('sqlite3', [join(directory, 'cert9.db'), query]).split('\n');
  return rows.filter((row) => row !== '').map((row) => sha256(Buffer.from(row, 'hex')));
}

function nssDatabases(paths: readonly string[]): Plant {
  return (root, certificates) => {
    const { directory, held } = nssDatabase(certificates);
    for (const path of paths) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      run('cp', ['-a', directory, join(root, path)]);
    }
    return held;
  };
}

const NSS_TOOLS = ['certutil', 'sqlite3'];
const perUser = (path: string): string[] => USERS.map((user) => `/home/${user}/${path}`);
const MODULE = (path: string): string => `module: p11-kit-trust.so\nx-init-reserved: paths='${path}'\n`;

const OWN = '/opt/own.pem';
const PASSWD = 'u:x:1000:1000::/home/u:/bin/sh\n';

const OFFICE_SETTINGS = '<prop oor:name="CertDir" oor:op="fuse"><value>/home/u/office</value></prop>';

/** Settings that name a file of certificates. */
const SETTINGS: readonly (readonly [
  store: string,
  how: string,
  settings: Readonly<Record<string, string>>,
])[] = [
  ['git', '.gitconfig', { '/home/u/.gitconfig': `[http]\n\tsslCAInfo = ${OWN}\n` }],
  ['curl', '.curlrc', { '/home/u/.curlrc': `cacert = "${OWN}"\n` }],
  ['wget', '.wgetrc', { '/home/u/.wgetrc': `ca_certificate = ${OWN}\n` }],
  ['aws', 'AWS_CA_BUNDLE', { '/etc/environment': `AWS_CA_BUNDLE=${OWN}\n` }],
  ['cloud-tools', 'boto.cfg', { '/etc/boto.cfg': `[Boto]\nca_certificates_file = ${OWN}\n` }],
  ['vpn-wifi-mail-databases', 'OpenVPN', { '/etc/openvpn/a.conf': `client\nca ${OWN}\n` }],
];

/** Bundles that programs bring along. */
const BUNDLES: readonly (readonly [store: string, path: string])[] = [
  ['ruby', '/var/lib/gems/3.1.0/gems/httpclient-2.8.3/lib/httpclient/cacert.pem'],
  ['perl', '/usr/share/perl5/Mozilla/CA/cacert.pem'],
  ['erlang', '/usr/lib/erlang/lib/castore-1.0.0/priv/cacerts.pem'],
  ['r-julia', '/usr/share/julia/cert.pem'],
  ['php', '/var/www/html/wp-includes/certificates/ca-bundle.crt'],
  ['snap-flatpak', '/snap/core22/current/etc/ssl/certs/ca-certificates.crt'],
];

export const RECIPES: readonly Recipe[] = [
  {
    store: 'debian-ca-certificates',
    how: 'a file each',
    plant: files('/usr/share/ca-certificates/all', 'crt', (names) => [
      '/etc/ca-certificates.conf',
      names.map((name) => `all/${name}\n`).join(''),
    ]),
  },
  {
    store: 'debian-local-anchors',
    how: 'a file each',
    plant: files('/usr/local/share/ca-certificates', 'crt'),
  },
  {
    store: 'debian-bundle',
    how: 'one bundle',
    plant: bundle('/etc/ssl/certs/ca-certificates.crt'),
  },
  {
    store: 'debian-bundle',
    how: 'hashed directory',
    needs: ['openssl'],
    plant: (root, certificates) => {
      mkdirSync(join(root, '/usr/share/ca-certificates'), { recursive: true });
      return hashedFiles('/etc/ssl/certs')(root, certificates);
    },
  },
  { store: 'rhel-anchors', how: 'a file each', plant: files('/etc/pki/ca-trust/source/anchors', 'pem') },
  {
    store: 'rhel-bundle',
    how: 'one bundle',
    plant: bundle('/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem'),
  },
  {
    store: 'rhel-bundle',
    how: 'hashed directory',
    needs: ['openssl'],
    plant: hashedFiles('/etc/pki/ca-trust/extracted/pem/directory-hash'),
  },
  {
    store: 'rhel-bundle',
    how: 'trusted certificates',
    needs: ['openssl'],
    plant: trustedBundle('/etc/pki/ca-trust/extracted/openssl/ca-bundle.trust.crt'),
  },
  { store: 'suse', how: 'a file each', plant: files('/etc/pki/trust/anchors', 'pem') },
  { store: 'suse-bundle', how: 'one bundle', plant: bundle('/var/lib/ca-certificates/ca-bundle.pem') },
  { store: 'arch', how: 'a file each', plant: files('/etc/ca-certificates/trust-source/anchors', 'crt') },
  {
    store: 'arch-bundle',
    how: 'one bundle',
    plant: bundle('/etc/ca-certificates/extracted/tls-ca-bundle.pem'),
  },
  {
    store: 'p11-kit',
    how: 'a file each',
    plant: files('/opt/trust/anchors', 'pem', () => ['/etc/pkcs11/modules/own.module', MODULE('/opt/trust')]),
  },
  { store: 'java-cacerts', how: 'JKS', plant: javaKeyStore },
  { store: 'java-cacerts', how: 'PKCS#12, password-less', plant: passwordLessPkcs12 },
  { store: 'java-cacerts', how: 'PKCS#12 of keytool', needs: ['keytool'], plant: keytoolPkcs12 },
  {
    store: 'nss-user',
    how: 'ten users',
    needs: NSS_TOOLS,
    stores: USERS.length,
    plant: nssDatabases(perUser('.pki/nssdb')),
  },
  { store: 'nss-system', how: 'one database', needs: NSS_TOOLS, plant: nssDatabases(['/etc/pki/nssdb']) },
  {
    store: 'firefox',
    how: 'ten users',
    needs: NSS_TOOLS,
    stores: USERS.length,
    plant: nssDatabases(perUser('.mozilla/firefox/a.default')),
  },
  {
    store: 'thunderbird',
    how: 'ten users',
    needs: NSS_TOOLS,
    stores: USERS.length,
    plant: nssDatabases(perUser('.thunderbird/a.default')),
  },
  {
    store: 'evolution',
    how: 'ten users',
    needs: NSS_TOOLS,
    stores: USERS.length,
    plant: nssDatabases(perUser('.local/share/evolution')),
  },
  { store: 'pidgin', how: 'a file each', plant: files('/usr/share/purple/ca-certs', 'pem') },
  { store: 'openssl-dir', how: 'cert.pem', plant: bundle('/usr/lib/ssl/cert.pem') },
  {
    store: 'openssl-dir',
    how: 'hashed directory',
    needs: ['openssl'],
    plant: hashedFiles('/usr/local/ssl/certs'),
  },
  {
    store: 'openssl-env',
    how: 'SSL_CERT_FILE',
    plant: bundle('/opt/own.pem', { '/etc/environment': 'SSL_CERT_FILE=/opt/own.pem\n' }),
  },
  {
    store: 'nixos',
    how: 'one bundle',
    plant: bundle('/nix/store/0-nss-cacert-3.98/etc/ssl/certs/ca-bundle.crt', {
      '/etc/environment': 'NIX_SSL_CERT_FILE=/nix/store/0-nss-cacert-3.98/etc/ssl/certs/ca-bundle.crt\n',
    }),
  },
  { store: 'system-bundle', how: 'one bundle', plant: bundle('/usr/local/share/certs/ca-root-nss.crt') },
  {
    store: 'homebrew',
    how: 'one bundle',
    plant: bundle('/home/linuxbrew/.linuxbrew/etc/ca-certificates/cert.pem'),
  },
  {
    store: 'python',
    how: 'certifi',
    plant: bundle('/usr/local/lib/python3.11/site-packages/certifi/cacert.pem'),
  },
  {
    store: 'node',
    how: 'NODE_EXTRA_CA_CERTS',
    plant: bundle('/opt/own.pem', { '/etc/environment': 'NODE_EXTRA_CA_CERTS=/opt/own.pem\n' }),
  },
  { store: 'docker', how: 'one bundle', plant: bundle('/etc/docker/certs.d/registry.example/ca.crt') },
  { store: 'podman', how: 'one bundle', plant: bundle('/etc/containers/certs.d/registry.example/ca.crt') },
  ...SETTINGS.map(([store, how, settings]): Recipe => ({
    store,
    how,
    plant: bundle(OWN, { '/etc/passwd': PASSWD, ...settings }),
  })),
  ...BUNDLES.map(([store, path]): Recipe => ({ store, how: 'one bundle', plant: bundle(path) })),
  {
    store: 'electron-app',
    how: 'one bundle',
    plant: bundle('/opt/app/resources/ca.pem', { '/opt/app/resources/app.asar': '' }),
  },
  { store: 'clear-linux', how: 'a file each', plant: files('/usr/share/ca-certs/trusted', 'pem') },
  {
    store: 'clear-linux-bundle',
    how: 'one bundle',
    plant: bundle('/var/cache/ca-certs/compat/ca-roots.pem', { '/usr/share/ca-certs/trusted/README': '' }),
  },
  { store: 'mono', how: 'a DER file each', plant: derFiles('/usr/share/.mono/certs/Trust', 'cer') },
  {
    store: 'libreoffice',
    how: 'one database',
    needs: NSS_TOOLS,
    plant: (root, certificates) => {
      write(root, '/etc/passwd', PASSWD);
      write(root, '/home/u/.config/libreoffice/4/user/registrymodifications.xcu', OFFICE_SETTINGS);
      return nssDatabases(['/home/u/office'])(root, certificates);
    },
  },
  ...BROWSER_RECIPES,
  ...PROGRAM_RECIPES,
  ...APPLE_RECIPES,
  ...WINDOWS_RECIPES,
];

/** Store types that cannot be measured, and why. */
export const NOT_MEASURED: Readonly<Record<string, string>> = {
  'firefox-enterprise-roots': 'a setting: it holds no certificates',
  'node-compiled-in': 'a program whose roots are not read, only noted',
  'opera-presto': 'never read: each one found is a problem',
  wsl: 'never read: each one found is a problem',
  'unreadable-places': 'what may not be read: each is a problem or a note',
};
