/** Settings files that may not be read: what a scan says of them, and of which of them it says nothing. */

import { describe, expect, it } from 'vitest';
import { readStores } from '../../src/audit/read-stores.ts';
import type { ReadFs } from '../../src/core/target.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { makeCertificate } from '../support/certificates.ts';
import { closing } from '../support/refusing-fs.ts';
import { makeRoot } from '../support/root.ts';

const PASSWD = 'ann:x:1000:1000::/home/ann:/bin/sh\n';
const certificate = makeCertificate({ subject: { CN: 'Named by a setting' } });
const CA = '/opt/ca.pem';

/** "path: code" for each problem, "note: …" for each note of settings, and how many certificates were found. */
function told(files: Readonly<Record<string, string>>, change: (fs: ReadFs) => ReadFs): string[] {
  const root = makeRoot({ '/etc/passwd': PASSWD, '/home/ann/': '', [CA]: certificate.pem, ...files });
  const { target } = root;
  const read = { storePasswords: [] };
  const { stores, problems } = readStores({ ...target, fs: change(target.fs) }, STORE_TYPES, read, () => {});
  const notes = stores.filter(({ type }) => type === 'unreadable-places').flatMap((each) => each.notes);
  return [
    ...problems.map(({ path, code }) => `${path}: ${code}`),
    ...notes.map((note) => `note: ${note}`),
    ...stores.filter(({ anchors }) => anchors > 0).map(({ type }) => type),
  ];
}

const closed = (path: string) => (fs: ReadFs) => closing(fs, path);

describe('a settings file that may not be read', () => {
  it.each<[string, string, string]>([
    ['of the environment', '/etc/environment', `SSL_CERT_FILE=${CA}\n`],
    ['of a shell', '/etc/profile.d/own.sh', `export CURL_CA_BUNDLE=${CA}\n`],
    [
      'of a service',
      '/etc/systemd/system/a.service.d/own.conf',
      `[Service]\nEnvironment=SSL_CERT_FILE=${CA}\n`,
    ],
    ['of pip', '/etc/pip.conf', `[global]\ncert = ${CA}\n`],
    ['of a person', '/home/ann/.curlrc', `cacert = ${CA}\n`],
    ['of npm', '/home/ann/.npmrc', `cafile=${CA}\n`],
    ['of git', '/home/ann/.gitconfig', `[http]\nsslCAInfo = ${CA}\n`],
    ['of a container engine', '/etc/docker/daemon.json', '{}'],
  ])('%s is one problem', (_, path, content) => {
    const problems = told({ [path]: content }, closed(path));
    if (path.endsWith('daemon.json')) expect(problems.length).toBeLessThanOrEqual(1);
    else expect(problems).toEqual([`${path}: unreadable`]);
  });

  it('is told once, whoever asks for it', () => {
    const path = '/etc/environment';
    const all = ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'CURL_CA_BUNDLE'].map((name) => `${name}=${CA}\n`);
    expect(told({ [path]: all.join('') }, closed(path))).toEqual([`${path}: unreadable`]);
  });

  it('is told with its directory when that may not be entered', () => {
    const files = { '/home/ann/.aws/config': `ca_bundle = ${CA}\n`, '/home/ann/.aws/credentials': '' };
    expect(told(files, closed('/home/ann/.aws'))).toEqual(['/home/ann/.aws: unreadable']);
  });

  it('is told with its directory when that may not be listed', () => {
    const files = { '/etc/profile.d/own.sh': `export SSL_CERT_FILE=${CA}\n` };
    expect(told(files, closed('/etc/profile.d'))).toEqual(['/etc/profile.d: unreadable']);
  });

  it.each<[string, string]>([
    [
      '/etc/default/cacerts',
      '/etc/default: cacerts may not be read, so whether it names certificates is not known',
    ],
    [
      '/etc/sysconfig/sshd',
      '/etc/sysconfig: sshd may not be read, so whether it names certificates is not known',
    ],
    [
      '/etc/NetworkManager/system-connections/home.nmconnection',
      '/etc/NetworkManager/system-connections: home.nmconnection may not be read, so whether it names certificates is not known',
    ],
    [
      '/etc/sssd/sssd.conf',
      '/etc/sssd: sssd.conf may not be read, so whether it names certificates is not known',
    ],
  ])('and that root alone reads on every machine is a note: %s', (path, note) => {
    expect(told({ [path]: '' }, closed(path))).toEqual([`note: ${note}`]);
  });

  it('and that might be in the closed directory of a service is a note', () => {
    const files = { '/var/lib/private/venv/pip.conf': `cert = ${CA}\n` };
    expect(told(files, closed('/var/lib/private'))).toEqual([
      'note: /var/lib: private may not be read, so whether it names certificates is not known',
    ]);
  });

  it('and that a unit names is a problem, unless it is one of those', () => {
    const unit = '[Service]\nEnvironmentFile=/srv/app/env\nEnvironmentFile=-/etc/default/app\n';
    const files = { '/etc/systemd/system/a.service': unit, '/srv/app/env': '', '/etc/default/app': '' };
    expect(told(files, closed('/srv/app/env'))).toEqual(['/srv/app/env: unreadable']);
    expect(told(files, closed('/etc/default/app'))).toEqual([
      'note: /etc/default: app may not be read, so whether it names certificates is not known',
    ]);
  });

  it('is told when it is too large, also where a refusal would be a note', () => {
    const problems = told({ '/etc/default/huge': '#'.repeat((1 << 20) + 1) }, (fs) => fs);
    expect(problems).toEqual(['/etc/default/huge: too-large']);
  });
});

describe('what is no settings file', () => {
  it('is not told: a unit that is masked by a link to a device', () => {
    const root = makeRoot({ '/etc/systemd/system/a.service': { link: '/dev/null' }, '/dev/': '' });
    const { problems } = readStores(root.target, STORE_TYPES, { storePasswords: [] }, () => {});
    expect(problems).toEqual([]);
  });

  it('is not told: a file that is not there, in a directory that is not there', () => {
    expect(told({}, (fs) => fs)).toEqual([]);
  });
});
