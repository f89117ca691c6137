import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { store as git } from '../../src/stores/git.ts';
import { stores as tools } from '../../src/stores/tools.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { foundIn, planFor, removeAndUndo } from '../support/certificate-files.ts';
import { makeRoot, runCommands } from '../support/root.ts';

const stores = [...tools, git];

let a: TestCertificate;
let b: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  b = makeCertificate({ subject: { CN: 'B' } });
});

describe('settings of tools name certificate files', () => {
  it.each([
    ['curl', '/home/ann/.curlrc', 'cacert = "/opt/ca.pem"\n'],
    ['curl', '/home/ann/.curlrc', '--cacert /opt/ca.pem\n'],
    ['curl', '/home/ann/.config/curlrc', 'cacert=/opt/ca.pem\n'],
    ['curl', '/etc/environment', 'CURL_CA_BUNDLE=/opt/ca.pem\n'],
    ['wget', '/etc/wgetrc', 'ca_certificate = /opt/ca.pem\n'],
    ['wget', '/home/ann/.wgetrc', 'CA_Certificate=/opt/ca.pem\n'],
    ['wget', '/home/ann/.aria2/aria2.conf', 'ca-certificate=/opt/ca.pem\n'],
    ['wget', '/home/ann/.hgrc', '[web]\ncacerts = /opt/ca.pem\n'],
    ['wget', '/home/ann/.subversion/servers', '[global]\nssl-authority-files = /opt/none.pem;/opt/ca.pem\n'],
    ['aws', '/home/ann/.aws/config', '[profile x]\nca_bundle = /opt/ca.pem\n'],
    [
      'aws',
      '/usr/lib/systemd/system/a.service.d/b.conf',
      '[Service]\nEnvironment=AWS_CA_BUNDLE=/opt/ca.pem\n',
    ],
    ['aws', '/usr/lib/environment.d/50-ca.conf', 'AWS_CA_BUNDLE=/opt/ca.pem\n'],
    ['aws', '/home/ann/.profile', 'export AWS_CA_BUNDLE=/opt/ca.pem\n'],
    ['cloud-tools', '/home/ann/.config/gcloud/properties', '[core]\ncustom_ca_certs_file = /opt/ca.pem\n'],
    [
      'cloud-tools',
      '/home/ann/.config/gcloud/configurations/config_default',
      '[core]\ncustom_ca_certs_file=/opt/ca.pem\n',
    ],
    ['cloud-tools', '/etc/default/vault', 'VAULT_CACERT=/opt/ca.pem\n'],
    ['cloud-tools', '/etc/consul.d/tls.hcl', 'tls {\n  defaults {\n    ca_file = "/opt/ca.pem"\n'],
    ['cloud-tools', '/home/ann/.cargo/config.toml', '[http]\ncainfo = "/opt/ca.pem"\n'],
  ])('%s: %s', (id, path, text) => {
    const root = makeRoot({ [path]: text, '/opt/ca.pem': a.pem });
    expect(foundIn(stores, root)).toEqual([`${id} /opt/ca.pem: listed (trusted)`]);
  });

  it.each([
    ['/home/ann/.curlrc', '# cacert = /opt/ca.pem\n'],
    ['/home/ann/.curlrc', 'cacert-status\n'],
    ['/home/ann/.wgetrc', 'ca_certificate =\n'],
    ['/home/ann/.gitconfig', '[http]\n; sslCAInfo = /opt/ca.pem\n'],
    ['/home/ann/.gitconfig', '[http]\nsslCAInfo = ca.pem\n'],
  ])('%s with %j names none', (path, text) => {
    expect(foundIn(stores, makeRoot({ [path]: text, '/opt/ca.pem': a.pem }))).toEqual([]);
  });

  it('and a directory in the form of OpenSSL', () => {
    const root = makeRoot({
      '/home/ann/.curlrc': 'capath = /opt/certs\n',
      '/opt/certs/a.pem': a.pem,
      '/opt/certs/01234567.0': { link: 'a.pem' },
    });
    expect(foundIn(stores, root)).toEqual(['curl /opt/certs: hashed (trusted)']);
  });
});

describe('git', () => {
  const LISTED = 'git /opt/ca.pem: http.sslCAInfo (trusted)';
  const ONE = 'git /opt/ca.pem: http.sslCAInfo, for https://git.example only (trusted)';
  it.each([
    ['/etc/gitconfig', '[http]\n\tsslCAInfo = /opt/ca.pem\n', LISTED],
    ['/home/ann/.gitconfig', '[HTTP] sslcainfo=/opt/ca.pem ; here\n', LISTED],
    ['/home/ann/.config/git/config', '[http "https://git.example"]\nsslCAInfo = "/opt/ca.pem"\n', ONE],
    ['/home/ann/shop/.git/config', '[core]\nbare = false\n[http]\nsslCAPath = /opt/ca.pem\n', LISTED],
    ['/home/ann/src/shop/.git/config', '[http]\nsslCAInfo = /opt/ca.pem\n', LISTED],
  ])('%s', (path, text, expected) => {
    expect(foundIn([git], makeRoot({ [path]: text, '/opt/ca.pem': a.pem }))).toEqual([expected]);
  });

  it('includes files, and files that include each other', () => {
    const root = makeRoot({
      '/home/ann/.gitconfig': '[include]\npath = work.inc\n[includeIf "gitdir:~/w/"]\npath = ~/other.inc\n',
      '/home/ann/work.inc': '[include]\npath = .gitconfig\n[http]\nsslCAInfo = ~/ca.pem\n',
      '/home/ann/other.inc': '[http]\nsslCAInfo = /opt/b.pem\n',
      '/home/ann/ca.pem': a.pem,
      '/opt/b.pem': b.pem,
    });
    expect(foundIn([git], root)).toEqual([
      'git /home/ann/ca.pem: http.sslCAInfo (trusted)',
      'git /opt/b.pem: http.sslCAInfo (trusted)',
    ]);
  });

  const hasGit = spawnSync('git', ['--version']).status === 0;
  it.skipIf(!hasGit)('reads what the real git writes, and git sees no setting after the removal', () => {
    const root = makeRoot({ '/opt/ca.pem': a.pem, '/home/ann/': '' });
    mkdirSync(root.at('/home/ann'), { recursive: true });
    const file = root.at('/home/ann/.gitconfig');
    const config = (...args: readonly string[]): string =>
      spawnSync('git', ['config', '--file', file, ...args], { encoding: 'utf8' }).stdout.trim();
    config('user.name', 'Ann');
    config('http.https://git.example.sslCAInfo', '/opt/ca.pem');
    expect(foundIn([git], root)).toEqual([ONE]);
    const { commands, undo, disposition } = planFor([git], root, a);
    expect(disposition).toBe('unsafe');
    runCommands(commands);
    expect(config('http.https://git.example.sslCAInfo')).toBe('');
    expect(config('user.name')).toBe('Ann');
    runCommands(undo);
    expect(config('http.https://git.example.sslCAInfo')).toBe('/opt/ca.pem');
  });
});

it('a bundle that a tool is told of loses exactly the certificate', () => {
  const root = makeRoot({ '/home/ann/.curlrc': 'cacert = /opt/ca.pem\n', '/opt/ca.pem': a.pem + b.pem });
  expect(removeAndUndo(stores, root, a, '/opt/ca.pem')).toMatchObject({
    disposition: 'safe',
    after: b.pem,
    restored: true,
  });
});
