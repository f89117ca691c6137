/** One small store of each type that has a writer here, as files of an unpacked root. */

import { tlv, type MadeCertificate } from './certificates.ts';
import { authenticatedSafe, certificateBag, jks, jksTrusted, pkcs12, plainSafe } from './keystores.ts';
import { nssDatabase } from './nss-database.ts';
import { hive, wineRegistry } from './registry.ts';
import { zip } from './zip-file.ts';

/** Paths of the root with their content; a path that ends in `/` is an empty directory. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

export interface Plant {
  /** Id of the store type. */
  readonly store: string;
  readonly form: string;
  readonly files: (certificate: MadeCertificate) => Files;
  /** It is found inside of a program only. */
  readonly deep?: true;
}

const pem =
  (path: string, more: Files = {}): Plant['files'] =>
  (certificate) => ({ ...more, [path]: certificate.pem });

const byContent =
  (path: string, content: (certificate: MadeCertificate) => string | Uint8Array, more: Files = {}): Plant['files'] =>
  (certificate) => ({ ...more, [path]: content(certificate) });

const nss = (directory: string): Plant['files'] =>
  byContent(`${directory}/cert9.db`, ({ der }) => nssDatabase(der, 'selftest'));

const p11Kit = ({ pem: text }: MadeCertificate): string =>
  `[p11-kit-object-v1]\ntrusted: true\nx-distrusted: false\n${text}`;

const CACERTS = '/usr/lib/jvm/java-17/lib/security/cacerts';
const PASSWD: Files = { '/etc/passwd': 'u:x:1000:1000::/home/u:/bin/sh\n', '/home/u/': '' };
const CA = '/opt/ca.pem';
const MAC: Files = { '/System/Library/CoreServices/': '' };
const WINDOWS: Files = { '/Windows/System32/': '' };
const ROOT_STORE = 'Microsoft\\SystemCertificates\\ROOT';
const ANDROID: Files = { '/system/build.prop': 'ro.build.version.sdk=34\n' };
const SOFTWARE = '/Windows/System32/config/SOFTWARE';

const mobileconfig = ({ der }: MadeCertificate): string => `<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>PayloadType</key><string>Configuration</string>
<key>PayloadIdentifier</key><string>selftest</string>
<key>PayloadUUID</key><string>AAAAAAAA-0000-4000-8000-000000000001</string>
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadContent</key><array><dict>
<key>PayloadType</key><string>com.apple.security.root</string>
<key>PayloadIdentifier</key><string>selftest.root</string>
<key>PayloadUUID</key><string>AAAAAAAA-0000-4000-8000-000000000002</string>
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadContent</key><data>${Buffer.from(der).toString('base64')}</data>
</dict></array></dict></plist>
`;

const LINUX: readonly Plant[] = [
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
  { store: 'rhel-bundle', form: 'PEM bundle', files: pem('/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem') },
  { store: 'suse', form: 'PEM', files: pem('/etc/pki/trust/anchors/a.pem') },
  { store: 'suse-bundle', form: 'PEM bundle', files: pem('/var/lib/ca-certificates/ca-bundle.pem') },
  { store: 'arch', form: 'PEM', files: pem('/etc/ca-certificates/trust-source/anchors/a.crt') },
  { store: 'arch-bundle', form: 'PEM bundle', files: pem('/etc/ca-certificates/extracted/tls-ca-bundle.pem') },
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
  { store: 'nss-user', form: 'cert9.db', files: nss('/home/u/.pki/nssdb') },
  { store: 'nss-system', form: 'cert9.db', files: nss('/etc/pki/nssdb') },
  { store: 'firefox', form: 'cert9.db', files: nss('/home/u/.mozilla/firefox/a.default') },
  { store: 'thunderbird', form: 'cert9.db', files: nss('/home/u/.thunderbird/a.default') },
  {
    store: 'firefox-policy',
    form: 'policies.json',
    files: pem('/usr/lib/mozilla/certificates/a.pem', {
      '/usr/lib/firefox/firefox': '',
      '/etc/firefox/policies/policies.json': '{"policies":{"Certificates":{"Install":["a.pem"]}}}',
    }),
  },
  {
    store: 'chrome-policy',
    form: 'JSON policy',
    files: byContent('/etc/opt/chrome/policies/managed/a.json', ({ der }) =>
      JSON.stringify({ CACertificates: [Buffer.from(der).toString('base64')] }),
    ),
  },
  { store: 'docker', form: 'PEM', files: pem('/etc/docker/certs.d/reg.example:5000/ca.crt') },
  { store: 'podman', form: 'PEM', files: pem('/etc/containers/certs.d/reg.example:5000/ca.crt') },
  {
    store: 'containerd',
    form: 'hosts.toml',
    files: pem('/etc/containerd/certs.d/reg.example:5000/ca.crt', {
      '/etc/containerd/certs.d/reg.example:5000/hosts.toml':
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
];

const RUNTIMES: readonly Plant[] = [
  {
    store: 'java-cacerts',
    form: 'JKS',
    files: byContent(CACERTS, ({ der }) => jks([jksTrusted('selftest', der)])),
  },
  {
    store: 'java-cacerts',
    form: 'PKCS#12',
    files: byContent(CACERTS, ({ der }) =>
      pkcs12(authenticatedSafe(plainSafe(certificateBag(der, { alias: 'selftest', javaTrusted: true })))),
    ),
  },
  { store: 'python', form: 'certifi', files: pem('/usr/lib/python3/dist-packages/certifi/cacert.pem') },
  {
    store: 'ruby',
    form: 'gem',
    files: pem('/var/lib/gems/3.1.0/gems/httpclient-2.8.3/lib/httpclient/cacert.pem'),
  },
  { store: 'perl', form: 'Mozilla::CA', files: pem('/usr/share/perl5/Mozilla/CA/cacert.pem') },
  {
    store: 'node',
    form: 'NODE_EXTRA_CA_CERTS',
    files: pem(CA, { '/etc/environment': `NODE_EXTRA_CA_CERTS=${CA}\n` }),
  },
  { store: 'npm', form: '.npmrc', files: pem(CA, { '/home/u/.npmrc': `cafile=${CA}\n` }) },
  { store: 'git', form: '.gitconfig', files: pem(CA, { '/home/u/.gitconfig': `[http]\n\tsslCAInfo = ${CA}\n` }) },
  { store: 'curl', form: '.curlrc', files: pem(CA, { '/home/u/.curlrc': `cacert = "${CA}"\n` }) },
  { store: 'wget', form: '.wgetrc', files: pem(CA, { '/home/u/.wgetrc': `ca_certificate = ${CA}\n` }) },
  { store: 'aws', form: 'AWS_CA_BUNDLE', files: pem(CA, { '/etc/environment': `AWS_CA_BUNDLE=${CA}\n` }) },
  { store: 'mono', form: 'DER', files: byContent('/usr/share/.mono/certs/Trust/ski-AA.cer', ({ der }) => der) },
  {
    store: 'wine',
    form: 'system.reg',
    files: byContent(
      '/home/u/.wine/system.reg',
      ({ der }) => wineRegistry('Software\\Microsoft\\SystemCertificates\\Root', der),
      { '/home/u/.wine/drive_c/': '' },
    ),
  },
  { store: 'homebrew', form: 'PEM bundle', files: pem('/opt/homebrew/etc/ca-certificates/cert.pem', MAC) },
  { store: 'macports', form: 'PEM bundle', files: pem('/opt/local/share/curl/curl-ca-bundle.crt', MAC) },
];

const OTHER_SYSTEMS: readonly Plant[] = [
  {
    store: 'windows-machine',
    form: 'registry hive',
    files: byContent(SOFTWARE, ({ der }) => hive(ROOT_STORE, der), WINDOWS),
  },
  {
    store: 'windows-policy',
    form: 'registry hive',
    files: byContent(SOFTWARE, ({ der }) => hive(`Policies\\${ROOT_STORE}`, der), WINDOWS),
  },
  {
    store: 'windows-enterprise',
    form: 'registry hive',
    files: byContent(SOFTWARE, ({ der }) => hive(ROOT_STORE.replace('System', 'Enterprise'), der), WINDOWS),
  },
  {
    store: 'windows-user',
    form: 'registry hive',
    files: byContent('/Users/u/NTUSER.DAT', ({ der }) => hive(`Software\\${ROOT_STORE}`, der), WINDOWS),
  },
  { store: 'android-system', form: 'PEM', files: pem('/system/etc/security/cacerts/01234567.0', ANDROID) },
  { store: 'android-user', form: 'PEM', files: pem('/data/misc/user/0/cacerts-added/01234567.0', ANDROID) },
  {
    store: 'apple-profiles',
    form: '.mobileconfig',
    files: byContent('/private/var/db/ConfigurationProfiles/Store/a.mobileconfig', mobileconfig, MAC),
  },
];

const embedded = (form: string, path: string, content: (certificate: MadeCertificate) => Uint8Array): Plant => ({
  store: 'embedded',
  form,
  files: byContent(path, content),
  deep: true,
});
const padding = Buffer.alloc(300_000, 0x90);

const PROGRAMS: readonly Plant[] = [
  embedded('DER in a program', '/opt/browser/browser', ({ der }) => Buffer.concat([padding, der, padding])),
  embedded('PEM in a program', '/opt/browser/libtls.so', ({ pem: text }) =>
    Buffer.concat([padding, Buffer.from(JSON.stringify(text)), padding]),
  ),
  embedded('packed in a ZIP', '/opt/app/app.jar', ({ der }) => zip({ 'res/ca.der': Buffer.concat([der, padding]) })),
  embedded('a ZIP in a ZIP', '/opt/app/app.war', ({ pem: text }) =>
    zip({ 'lib/a.jar': zip({ 'ca.pem': Buffer.from(text) }) }),
  ),
  embedded('in PKCS#7', '/opt/app/firmware.bin', ({ der }) => Buffer.concat([padding, tlv(0x30, tlv(0xa0, der))])),
];

export const PLANTS: readonly Plant[] = [
  ...LINUX,
  ...RUNTIMES,
  ...OTHER_SYSTEMS,
  ...PROGRAMS,
].map((plant) => ({ ...plant, files: (certificate) => ({ ...PASSWD, ...plant.files(certificate) }) }));
