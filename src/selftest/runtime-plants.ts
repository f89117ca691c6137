/** Stores of language runtimes and tools. */

import { bcfks, bcfksObject, bcfksObjects, bks, bksCertificate } from './bouncy-castle.ts';
import { byContent, CA, pem, type Plant } from './plant.ts';
import { authenticatedSafe, certificateBag, jks, jksTrusted, pkcs12, plainSafe } from './keystores.ts';
import { wineRegistry } from './registry.ts';

/** ObjectData of a certificate in a BCFKS keystore. */
const CERTIFICATE_OBJECT = 0;
const CACERTS = '/usr/lib/jvm/java-17/lib/security/cacerts';
const NIX_BUNDLE = '/nix/store/0-nss-cacert/etc/ssl/certs/ca-bundle.crt';

export const RUNTIME_PLANTS: readonly Plant[] = [
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
  {
    store: 'java-app',
    form: 'JKS',
    files: byContent('/etc/kafka/ssl/truststore.jks', ({ der }) => jks([jksTrusted('selftest', der)])),
  },
  {
    store: 'java-app',
    form: 'BKS',
    files: byContent('/opt/app/conf/roots.bks', ({ der }) => bks([bksCertificate('selftest', der)])),
  },
  {
    store: 'java-app',
    form: 'BCFKS',
    files: byContent('/opt/app/conf/roots.bcfks', ({ der }) =>
      bcfks(bcfksObjects(bcfksObject(CERTIFICATE_OBJECT, 'selftest', der))),
    ),
  },
  {
    store: 'dotnet',
    form: 'PKCS#12',
    files: byContent('/home/u/.dotnet/corefx/cryptography/x509stores/root/A.pfx', ({ der }) =>
      pkcs12(authenticatedSafe(plainSafe(certificateBag(der)))),
    ),
  },
  { store: 'php', form: 'WordPress', files: pem('/var/www/html/wp-includes/certificates/ca-bundle.crt') },
  {
    store: 'snap-flatpak',
    form: 'PEM bundle',
    files: pem('/snap/core22/current/etc/ssl/certs/ca-certificates.crt'),
  },
  {
    store: 'cloud-tools',
    form: 'boto.cfg',
    files: pem(CA, { '/etc/boto.cfg': `[Boto]\nca_certificates_file = ${CA}\n` }),
  },
  { store: 'erlang', form: 'castore', files: pem('/usr/lib/erlang/lib/castore-1.0.0/priv/cacerts.pem') },
  { store: 'r-julia', form: 'PEM bundle', files: pem('/usr/share/julia/cert.pem') },
  {
    store: 'electron-app',
    form: 'PEM',
    files: pem('/opt/app/resources/ca.pem', { '/opt/app/resources/app.asar': '' }),
  },
  {
    store: 'vpn-wifi-mail-databases',
    form: 'OpenVPN',
    files: pem(CA, { '/etc/openvpn/a.conf': `client\nca ${CA}\n` }),
  },
  { store: 'perl', form: 'Mozilla::CA', files: pem('/usr/share/perl5/Mozilla/CA/cacert.pem') },
  {
    store: 'node',
    form: 'NODE_EXTRA_CA_CERTS',
    files: pem(CA, { '/etc/environment': `NODE_EXTRA_CA_CERTS=${CA}\n` }),
  },
  {
    store: 'node-compiled-in',
    form: 'program, noted',
    files: () => ({ '/usr/local/bin/node': 'a program' }),
    says: 'are compiled into it',
  },
  {
    store: 'npm',
    form: '.npmrc',
    files: byContent('/home/u/.npmrc', ({ pem: text }) => `ca="${text.replaceAll('\n', String.raw`\n`)}"\n`),
  },
  {
    store: 'git',
    form: '.gitconfig',
    files: pem(CA, { '/home/u/.gitconfig': `[http]\n\tsslCAInfo = ${CA}\n` }),
  },
  { store: 'curl', form: '.curlrc', files: pem(CA, { '/home/u/.curlrc': `cacert = "${CA}"\n` }) },
  { store: 'wget', form: '.wgetrc', files: pem(CA, { '/home/u/.wgetrc': `ca_certificate = ${CA}\n` }) },
  { store: 'aws', form: 'AWS_CA_BUNDLE', files: pem(CA, { '/etc/environment': `AWS_CA_BUNDLE=${CA}\n` }) },
  {
    store: 'mono',
    form: 'DER',
    files: byContent('/usr/share/.mono/certs/Trust/ski-AA.cer', ({ der }) => der),
  },
  {
    store: 'nixos',
    form: 'PEM bundle',
    files: pem(NIX_BUNDLE, { '/etc/environment': `NIX_SSL_CERT_FILE=${NIX_BUNDLE}\n` }),
  },
  {
    store: 'wine',
    form: 'system.reg',
    files: byContent(
      '/home/u/.wine/system.reg',
      ({ der }) => wineRegistry('Software\\Microsoft\\SystemCertificates\\Root', der),
      { '/home/u/.wine/drive_c/': '' },
    ),
  },
];
