import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stores as containers } from '../../src/stores/containers.ts';
import { store as git } from '../../src/stores/git.ts';
import { store as javaApp } from '../../src/stores/java-app.ts';
import { stores as kubernetes } from '../../src/stores/kubernetes.ts';
import { stores as node } from '../../src/stores/node.ts';
import { stores as openssl } from '../../src/stores/openssl.ts';
import { store as php } from '../../src/stores/php.ts';
import { stores as python } from '../../src/stores/python.ts';
import { store as services } from '../../src/stores/services.ts';
import { stores as tools } from '../../src/stores/tools.ts';
import { foundIn } from '../support/certificate-files.ts';
import { makeRoot } from '../support/root.ts';

const ALL = [
  ...containers,
  git,
  javaApp,
  ...kubernetes,
  ...node,
  ...openssl,
  php,
  ...python,
  services,
  ...tools,
];

/** Settings files of every grammar. */
const FILES = [
  '/etc/environment',
  '/etc/pip.conf',
  '/etc/systemd/system/a.service',
  '/etc/docker/daemon.json',
  '/etc/containerd/certs.d/r/hosts.toml',
  '/etc/openvpn/a.conf',
  '/etc/kafka/server.properties',
  '/home/ann/.gitconfig',
  '/home/ann/.kube/config',
  '/home/ann/.npmrc',
  '/home/ann/.curlrc',
  '/home/ann/.bashrc',
  '/home/ann/Library/LaunchAgents/a.plist',
];

const withEverywhere = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(FILES.map((path) => [path, text]));

const N = 200_000;

describe('settings files made to take long', () => {
  it.each([
    ['a long name', 'CA'.repeat(N)],
    ['a long value', `NODE_EXTRA_CA_CERTS=${'/x'.repeat(N)}`],
    ['spaces before the end', `cafile =${' '.repeat(N)}x${' '.repeat(N)},${' '.repeat(N)}y`],
    ['brackets', `ca = ${'['.repeat(N)}${'] '.repeat(N)}x`],
    ['quotes', `ca = ["${'" "'.repeat(N)}`],
    ['escapes', `sslCAInfo = "${String.raw`\\`.repeat(N)}`],
    ['headings', `${'['.repeat(N)}http${' '.repeat(N)}`],
    ['comments', `cert = ${' #'.repeat(N)}`],
    ['beginnings', `ca="${'-----BEGIN '.repeat(N / 10)}"x"`],
    ['base64 and spaces', `certificate-authority-data: A${' '.repeat(N)}x`],
    ['assignments without an end', `Environment=${' "CA=x'.repeat(N / 10)}`],
    ['options', `JAVA_OPTS="${'-Djavax.net.ssl.trustStore='.repeat(N / 20)}"`],
    ['plist keys', '<key>CA</key>'.repeat(N / 10)],
    ['plist spaces', `<key>CA</key>${' '.repeat(N)}<string`],
    ['many lines', 'cafile = /nowhere\n'.repeat(N / 20)],
    ['indentation', `${' \t'.repeat(N)}ca x`],
    ['options of fish', `set ${'-x '.repeat(N)}`],
  ])('with %s do not', (_, text) => {
    const root = makeRoot(withEverywhere(text));
    const start = performance.now();
    const found = foundIn(ALL, root);
    expect(performance.now() - start).toBeLessThan(5000);
    expect(found.filter((line) => line.includes('(trusted)'))).toEqual([]);
  });

  it('that include each other, or themselves, do not', () => {
    const root = makeRoot({
      '/home/ann/.gitconfig': '[include]\npath = .gitconfig\npath = a\n',
      '/home/ann/a': '[include]\npath = ./a\npath = b/../a\npath = .gitconfig\n',
      '/etc/systemd/system/a.service': '[Service]\nEnvironmentFile=/etc/systemd/system/a.service\n',
    });
    expect(foundIn(ALL, root)).toEqual([]);
  });
});

it('settings of whatever characters never throw', () => {
  const words =
    'ca|cafile|cert|sslCAInfo|[http]|export |NODE_EXTRA_CA_CERTS|=|:|"|\'|[|]| |\n|\r|\\|/etc/pip.conf|~|$HOME/|#|;|' +
    '<ca>|</ca>|\0|\u202e|,|-----BEGIN CERTIFICATE-----|certificate-authority-data: |Environment=|%h|../..';
  const word = fc.constantFrom(...words.split('|'));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 40 }), (some) => {
      foundIn(ALL, makeRoot(withEverywhere(some.join(''))));
    }),
    { numRuns: 40 },
  );
});
