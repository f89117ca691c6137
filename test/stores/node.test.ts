import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Target } from '../../src/core/target.ts';
import { stores } from '../../src/stores/node.ts';
import { stores as python } from '../../src/stores/python.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { foundIn, planFor, removeAndUndo } from '../support/certificate-files.ts';
import { makeRoot } from '../support/root.ts';

let a: TestCertificate;
let b: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  b = makeCertificate({ subject: { CN: 'B' } });
});

describe('NODE_EXTRA_CA_CERTS', () => {
  it.each([
    ['/etc/environment', 'NODE_EXTRA_CA_CERTS=/opt/ca.pem'],
    ['/etc/environment', 'NODE_EXTRA_CA_CERTS="/opt/ca.pem"\n'],
    ['/etc/profile.d/proxy.sh', 'PATH=$PATH:/x\nexport NODE_EXTRA_CA_CERTS=/opt/ca.pem # proxy\n'],
    ['/etc/security/pam_env.conf', 'NODE_EXTRA_CA_CERTS DEFAULT=/opt/ca.pem\n'],
    ['/etc/environment.d/50-ca.conf', 'NODE_EXTRA_CA_CERTS=/opt/ca.pem\n'],
    ['/etc/default/web', 'NODE_EXTRA_CA_CERTS=/opt/ca.pem\n'],
    ['/etc/systemd/system/web.service', '[Service]\nEnvironment=NODE_EXTRA_CA_CERTS=/opt/ca.pem\n'],
    [
      '/etc/systemd/system/web.service.d/ca.conf',
      '[Service]\nEnvironment="NODE_EXTRA_CA_CERTS=/opt/ca.pem"\n',
    ],
    ['/etc/systemd/system.conf', "[Manager]\nDefaultEnvironment='A=b' 'NODE_EXTRA_CA_CERTS=/opt/ca.pem'\n"],
    ['/home/ann/.zshenv', "export NODE_EXTRA_CA_CERTS='/opt/ca.pem'\n"],
    ['/home/ann/.config/fish/config.fish', 'set -gx NODE_EXTRA_CA_CERTS /opt/ca.pem\n'],
    ['/home/ann/.cshrc', 'setenv NODE_EXTRA_CA_CERTS /opt/ca.pem\n'],
    ['/home/ann/.config/systemd/user/x.service', '[Service]\nEnvironment=NODE_EXTRA_CA_CERTS=/opt/ca.pem\n'],
    [
      '/Library/LaunchAgents/x.plist',
      '<dict><key>NODE_EXTRA_CA_CERTS</key>\n<string>/opt/ca.pem</string></dict>',
    ],
  ])('in %s is followed', (path, text) => {
    const root = makeRoot({ [path]: text, '/opt/ca.pem': a.pem });
    expect(foundIn(stores, root)).toEqual(['node /opt/ca.pem: listed (trusted)']);
  });

  it.each([
    ['a comment', '# NODE_EXTRA_CA_CERTS=/opt/ca.pem'],
    ['another variable', 'MY_NODE_EXTRA_CA_CERTS=/opt/ca.pem'],
    ['a file that is not there', 'NODE_EXTRA_CA_CERTS=/opt/other.pem'],
    ['a relative path', 'NODE_EXTRA_CA_CERTS=opt/ca.pem'],
    ['no value', 'NODE_EXTRA_CA_CERTS='],
  ])('is nothing when it is %s', (_, text) => {
    expect(foundIn(stores, makeRoot({ '/etc/environment': text, '/opt/ca.pem': a.pem }))).toEqual([]);
  });

  it('of the environment at hand is followed too', () => {
    const root = makeRoot({ '/opt/ca.pem': a.pem });
    const target: Target = { ...root.target, environment: { NODE_EXTRA_CA_CERTS: '/opt/ca.pem' } };
    expect(foundIn(stores, { ...root, target })).toEqual(['node /opt/ca.pem: listed (trusted)']);
    expect(planFor(stores, { ...root, target }, a)).toMatchObject({ disposition: 'manual' });
  });

  it('is found through EnvironmentFile= and the home', () => {
    const root = makeRoot({
      '/etc/systemd/system/web.service': '[Service]\nEnvironmentFile=-/srv/web.env\n',
      '/srv/web.env': 'NODE_EXTRA_CA_CERTS=/opt/ca.pem\n',
      '/opt/ca.pem': a.pem,
      '/home/ann/.profile': 'export NODE_EXTRA_CA_CERTS="$HOME/ca.pem"\n',
      '/home/ann/ca.pem': b.pem,
    });
    expect(foundIn(stores, root)).toEqual([
      'node /opt/ca.pem: listed (trusted)',
      'node /home/ann/ca.pem: listed (trusted)',
    ]);
  });

  it('is taken out when its file holds nothing else', () => {
    const root = makeRoot({
      '/etc/environment': 'LANG=C\nNODE_EXTRA_CA_CERTS=/opt/ca.pem\n',
      '/opt/ca.pem': a.pem,
    });
    const outcome = removeAndUndo(stores, root, a, '/etc/environment');
    expect(outcome).toMatchObject({ disposition: 'safe', after: 'LANG=C\n', restored: true });
  });

  it('makes Node.js itself accept the certificate, and its removal makes Node.js refuse', async () => {
    const openssl = spawnSync('openssl', ['version']).status === 0;
    if (!openssl) return;
    const root = makeRoot({ '/ca.pem': '' });
    const files = { key: root.at('/key.pem'), cert: root.at('/ca.pem') };
    const made = spawnSync(
      'openssl',
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 2 -keyout ${files.key} -out ${files.cert}`.split(
        ' ',
      ),
    );
    expect(made.status).toBe(0);
    const key = spawnSync('cat', [files.key]).stdout;
    const cert = spawnSync('cat', [files.cert]).stdout;
    const server = createServer({ key, cert }, (socket) => socket.end('x')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server's address is one
    const { port } = server.address() as AddressInfo;
    const program = `require('tls').connect({port:${port},host:'127.0.0.1',servername:'localhost'},()=>process.exit(0)).on('error',()=>process.exit(3))`;
    const accepts = async (environment: Readonly<Record<string, string>>): Promise<boolean> => {
      const { PATH } = process.env;
      const child = spawn(process.execPath, ['-e', program], {
        env: { PATH, ...environment },
        stdio: 'ignore',
      });
      const [code]: unknown[] = await once(child, 'exit');
      return code === 0;
    };
    expect(await accepts({})).toBe(false);
    expect(await accepts({ NODE_EXTRA_CA_CERTS: files.cert })).toBe(true);
    // A bundle from which its certificate was cut.
    writeFileSync(root.at('/cut.pem'), b.pem);
    expect(await accepts({ NODE_EXTRA_CA_CERTS: root.at('/cut.pem') })).toBe(false);
    server.close();
  });
});

describe('settings of npm and its relatives', () => {
  it.each([
    ['/home/ann/.npmrc', 'registry=https://x/\ncafile=/opt/ca.pem\n'],
    ['/etc/npmrc', 'cafile = "/opt/ca.pem"\n'],
    ['/home/ann/.yarnrc', 'cafile "/opt/ca.pem"\n'],
    ['/home/ann/.yarnrc.yml', 'httpsCaFilePath: "/opt/ca.pem"\n'],
    ['/home/ann/.bunfig.toml', '[install]\ncafile = "/opt/ca.pem"\n'],
    ['/home/ann/.config/pnpm/rc', 'cafile=/opt/ca.pem\n'],
  ])('%s names a file', (path, text) => {
    const root = makeRoot({ [path]: text, '/opt/ca.pem': a.pem });
    expect(foundIn(stores, root)).toEqual(['node /opt/ca.pem: listed (trusted)']);
  });

  it('hold certificates themselves, and lose exactly that line', () => {
    const line = (pem: string): string => `ca[]="${pem.trim().replaceAll('\n', String.raw`\n`)}"`;
    const text = `${line(a.pem)}\n${line(b.pem)}\nca=null\n`;
    const root = makeRoot({ '/home/ann/.npmrc': text });
    const found = 'npm /home/ann/.npmrc: ca, for npm only (trusted)';
    expect(foundIn(stores, root)).toEqual([found, found]);
    const outcome = removeAndUndo(stores, root, a, '/home/ann/.npmrc');
    expect(outcome).toMatchObject({
      disposition: 'unsafe',
      after: `${line(b.pem)}\nca=null\n`,
      restored: true,
    });
  });

  it('with two certificates on a line are for a person to change', () => {
    const text = `ca="${(a.pem + b.pem).replaceAll('\n', String.raw`\n`)}"\n`;
    const root = makeRoot({ '/home/ann/.npmrc': text });
    expect(planFor(stores, root, a)).toMatchObject({ disposition: 'manual', commands: [] });
  });

  it('with a broken certificate are a problem', () => {
    const text = String.raw`ca="-----BEGIN CERTIFICATE-----\nMII*\n-----END CERTIFICATE-----"`;
    expect(foundIn(stores, makeRoot({ '/home/ann/.npmrc': text }))).toEqual([
      'npm /home/ann/.npmrc ! malformed',
    ]);
  });
});

it('programs with their roots inside are noted', () => {
  const { target } = makeRoot({ '/usr/bin/node': 'x', '/home/ann/.nvm/versions/node/v22.1.0/bin/node': 'x' });
  const notes = stores.flatMap((store) =>
    store
      .locate(target)
      .flatMap((location) =>
        [...store.read(target, location, { storePasswords: [] })].flatMap(({ notes: each }) => [
          `${location.path}: ${each.length}`,
        ]),
      ),
  );
  expect(notes).toEqual(['/usr/bin/node: 1', '/home/ann/.nvm/versions/node/v22.1.0/bin/node: 1']);
});

it('a file that several programs are told of goes out of use for all of them', () => {
  const text = 'NODE_EXTRA_CA_CERTS=/opt/ca.pem\nPIP_CERT=/opt/ca.pem\nLANG=C\n';
  const root = makeRoot({ '/etc/environment': text, '/opt/ca.pem': a.pem });
  const outcome = removeAndUndo([...python, ...stores], root, a, '/etc/environment');
  expect(outcome).toMatchObject({ after: 'LANG=C\n', restored: true });
});
