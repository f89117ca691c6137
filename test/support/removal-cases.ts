/** A store of each type that commands can take certificates out of, each with two to go and some to stay. */

import { spawnSync } from 'node:child_process';
import { certificateFrom } from '../../src/core/certificate.ts';
import { subjectHashOld } from '../../src/stores/shared/android-directory.ts';
import { makeCertificate, type TestCertificate } from './certificates.ts';
import { serverCertificateDatabase } from './chrome.ts';
import {
  authenticatedSafe,
  certificateBag,
  hasKeytool,
  jks,
  jksTrusted,
  pkcs12,
  plainSafe,
} from './keystores.ts';
import { addToNss, hasCertutil, hasPython, makeNssDatabase } from './nss.ts';
import { trustSettings } from './protobuf.ts';
import type { TestRoot } from './root.ts';
import type { Node } from './tree.ts';

export const a = makeCertificate({ subject: { CN: 'A' } });
export const b = makeCertificate({ subject: { CN: 'B' } });
export const stays = makeCertificate({ subject: { CN: 'Stays' } });
const too = makeCertificate({ subject: { CN: 'Stays too' } });
const key = '-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n';
export const hasSqlite = hasPython && spawnSync('sqlite3', ['--version'], { stdio: 'ignore' }).status === 0;
const base64 = ({ der }: TestCertificate): string => der.toString('base64');
const bundle = `# A\n${a.pem}\n# Stays\n${stays.pem}# B\n${b.pem}# Stays too\n${too.pem}# the end`;

interface RemovalCase {
  readonly store: string;
  readonly files: () => Readonly<Record<string, Node>>;
  readonly prepare?: (root: TestRoot) => void;
  /** What the store is after both have gone, where that is known exactly. */
  readonly after?: Readonly<Record<string, string | undefined>>;
  readonly needs?: boolean;
  /** Edited by a tool, which may write the same content in other bytes. */
  readonly byTool?: true;
}

const APPS = '/etc/kafka/trust.jks';
const NSS = '/home/ann/.pki/nssdb';
const CHROMIUM = '/home/ann/.config/chromium/Default/ServerCertificate';
const X509 = '/home/ann/.dotnet/corefx/cryptography/x509stores/root';
const CERTIFI = '/usr/lib/python3/dist-packages/certifi/cacert.pem';
const ADDED = '/data/misc/user/0/cacerts-added';
const CONF = 'a.crt\nkeep.crt\n# comment\nb.crt\nb.crt\n!other.crt\n';
const LOCAL = '/usr/local/share/ca-certificates';
const PACKAGED = '/usr/share/ca-certificates';
const SOURCE = '/etc/pki/ca-trust/source';
const without = (text: string, ...parts: readonly string[]): string =>
  parts.reduce((rest, part) => rest.replace(part, ''), text);
const settled = without(bundle, a.pem, b.pem);
const keystore = (): Buffer =>
  jks([jksTrusted('a', a.der), jksTrusted('stays', stays.der), jksTrusted('b', b.der)]);
const hashed = (certificate: TestCertificate): string =>
  `${ADDED}/${subjectHashOld(certificateFrom(certificate.der)) ?? ''}.0`;
const kubeconfig = (...all: readonly TestCertificate[]): string =>
  all
    .map(
      (each) =>
        `- cluster:\n    server: x\n    certificate-authority-data: ${Buffer.from(each.pem).toString('base64')}\n`,
    )
    .join('');
const npmrc = (...all: readonly TestCertificate[]): string =>
  all.map(({ pem }) => `ca[]="${pem.trimEnd().replaceAll('\n', String.raw`\n`)}"\n`).join('');

export const REMOVAL_CASES: readonly RemovalCase[] = [
  {
    store: 'debian-ca-certificates',
    files: () => ({
      '/etc/ca-certificates.conf': CONF,
      [`${PACKAGED}/a.crt`]: a.pem,
      [`${PACKAGED}/b.crt`]: b.pem,
      [`${PACKAGED}/keep.crt`]: stays.pem,
    }),
    after: { '/etc/ca-certificates.conf': '!a.crt\nkeep.crt\n# comment\n!b.crt\n!b.crt\n!other.crt\n' },
  },
  {
    store: 'debian-local-anchors',
    files: () => ({
      [`${LOCAL}/a.crt`]: a.pem,
      [`${LOCAL}/all.crt`]: bundle,
      [`${LOCAL}/c.crt`]: `${b.pem}${key}`,
    }),
    after: { [`${LOCAL}/a.crt`]: undefined, [`${LOCAL}/all.crt`]: settled, [`${LOCAL}/c.crt`]: key },
  },
  {
    store: 'debian-bundle',
    files: () => ({ '/etc/ssl/certs/ca-certificates.crt': bundle, [`${PACKAGED}/x`]: '' }),
    after: { '/etc/ssl/certs/ca-certificates.crt': settled },
  },
  {
    store: 'rhel-anchors',
    files: () => ({
      [`${SOURCE}/anchors/a.pem`]: a.pem,
      [`${SOURCE}/anchors/both.pem`]: bundle,
      '/usr/share/pki/ca-trust-source/anchors/b.pem': b.pem,
    }),
    after: {
      [`${SOURCE}/anchors/a.pem`]: undefined,
      [`${SOURCE}/anchors/both.pem`]: settled,
      '/usr/share/pki/ca-trust-source/anchors/b.pem': b.pem,
    },
  },
  {
    store: 'suse',
    files: () => ({
      '/etc/pki/trust/anchors/a.pem': bundle,
      '/usr/share/pki/trust/anchors/x.pem': stays.pem,
    }),
    after: { '/etc/pki/trust/anchors/a.pem': settled },
  },
  {
    store: 'arch',
    files: () => ({
      '/etc/ca-certificates/trust-source/x': '',
      '/usr/share/ca-certificates/trust-source/anchors/all.pem': bundle,
    }),
    after: { '/usr/share/ca-certificates/trust-source/anchors/all.pem': bundle },
  },
  {
    store: 'p11-kit',
    files: () => ({
      '/etc/pkcs11/modules/x.module':
        "module: p11-kit-trust.so\nx-init-reserved: paths='/etc/own:/usr/share/own'\n",
      '/etc/own/anchors/all.pem': bundle,
      '/usr/share/own/anchors/a.pem': a.pem,
    }),
  },
  {
    store: 'rhel-bundle',
    files: () => ({
      [`${SOURCE}/x`]: '',
      '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem': bundle,
    }),
    after: { '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem': settled },
  },
  {
    store: 'openssl-dir',
    files: () => ({ '/usr/lib/ssl/cert.pem': bundle }),
    after: { '/usr/lib/ssl/cert.pem': settled },
  },
  {
    store: 'system-bundle',
    files: () => ({ '/etc/pki/tls/cacert.pem': bundle }),
    after: { '/etc/pki/tls/cacert.pem': settled },
  },
  { store: 'homebrew', files: () => ({ '/usr/local/etc/openssl@3/cert.pem': bundle }) },
  {
    store: 'macports',
    files: () => ({ '/System/Library/CoreServices/x': '', '/opt/local/etc/openssl/cert.pem': `${bundle}\n` }),
    after: { '/opt/local/etc/openssl/cert.pem': `${settled}\n` },
  },
  {
    store: 'openbsd',
    files: () => ({ '/bsd': '', '/etc/ssl/cert.pem': bundle }),
    after: { '/etc/ssl/cert.pem': settled },
  },
  { store: 'python', files: () => ({ [CERTIFI]: bundle }), after: { [CERTIFI]: settled } },
  {
    store: 'node',
    files: () => ({ '/home/ann/.npmrc': 'x=1\ncafile=/srv/ab.pem\ny=2\n', '/srv/ab.pem': a.pem + b.pem }),
    after: { '/home/ann/.npmrc': 'x=1\ny=2\n', '/srv/ab.pem': a.pem + b.pem },
  },
  {
    store: 'npm',
    files: () => ({ '/home/ann/.npmrc': `x=1\n${npmrc(a, stays, b)}y=2\n` }),
    after: { '/home/ann/.npmrc': `x=1\n${npmrc(stays)}y=2\n` },
  },
  {
    store: 'kubeconfig',
    files: () => ({ '/home/ann/.kube/config': `clusters:\n${kubeconfig(a, stays, b)}` }),
    after: {
      '/home/ann/.kube/config': `clusters:\n${without(kubeconfig(a, stays, b), ...[a, b].map((each) => `    certificate-authority-data: ${Buffer.from(each.pem).toString('base64')}\n`))}`,
    },
  },
  {
    store: 'dotnet',
    files: () => ({
      [`${X509}/1.pfx`]: pkcs12(authenticatedSafe(plainSafe(certificateBag(a.der), certificateBag(b.der)))),
      [`${X509}/2.pfx`]: pkcs12(authenticatedSafe(plainSafe(certificateBag(stays.der)))),
    }),
    after: { [`${X509}/1.pfx`]: undefined },
  },
  {
    store: 'android-user',
    files: () => ({
      '/system/build.prop': '',
      [hashed(a)]: a.pem,
      [hashed(b)]: b.der,
      [hashed(stays)]: stays.pem,
    }),
    after: { [hashed(a)]: '', [hashed(b)]: '' },
  },
  {
    store: 'chrome-policy',
    files: () => ({
      '/etc/chromium/policies/managed/p.json': JSON.stringify({
        CACertificates: [a, stays, b].map(base64),
        Other: [1],
      }),
    }),
    after: {
      '/etc/chromium/policies/managed/p.json': JSON.stringify({
        CACertificates: [base64(stays)],
        Other: [1],
      }),
    },
  },
  {
    store: 'firefox-policy',
    files: () => ({
      '/etc/firefox/policies/policies.json': JSON.stringify({
        policies: { Certificates: { Install: ['/a.pem', '/s.pem', '/b.pem'] } },
      }),
      '/a.pem': a.pem,
      '/b.pem': b.pem,
      '/s.pem': stays.pem,
    }),
    after: {
      '/etc/firefox/policies/policies.json': JSON.stringify({
        policies: { Certificates: { Install: ['/s.pem'] } },
      }),
    },
  },
  { store: 'java-app', files: () => ({ [APPS]: keystore() }), needs: hasKeytool, byTool: true },
  {
    store: 'nss-user',
    files: () => ({ [`${NSS}/`]: '' }),
    prepare: (root) => {
      makeNssDatabase(root.at(NSS));
      for (const [name, each] of [
        ['a', a],
        ['{}', b],
        ['stays', stays],
      ] as const)
        addToNss(root.at(NSS), each, name, 'C,,');
    },
    needs: hasCertutil,
    byTool: true,
  },
  {
    store: 'chrome-user',
    files: () => ({
      [CHROMIUM]: serverCertificateDatabase(
        [a, b, stays].map((certificate) => ({ certificate, settings: trustSettings(3) })),
      ),
    }),
    needs: hasSqlite,
    byTool: true,
  },
];
