/**
 * `rootaudit remove` and `undo` on this machine itself, with its own update-ca-certificates, keytool and certutil, and
 * judged by those who connect: a server on the loopback interface has a certificate that chains to the planted root. What
 * is written goes into memory.
 */

import { spawn, spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:https';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sha256 } from '../../src/core/certificate.ts';
import { differences, treeAt, type Tree } from '../support/removal.ts';
import { PROJECT } from '../support/rootaudit.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import { overlayOfThisMachine } from './support/overlay.ts';
import { describeWith, findTool, run, TOOL_ENVIRONMENT } from './support/tools.ts';

const LOCAL = '/usr/local/share/ca-certificates/planted.crt';
/** A browser that happens to run on this machine has no store of these open. */
const APPLY = ['--apply', '--yes', '--force'];
const TOUCHED = ['/etc', '/usr/local/share/ca-certificates', '/root/.pki', '/home'];

interface Chain {
  readonly root: string;
  readonly key: string;
  readonly certificate: string;
}

/** A root, and a certificate for "localhost" that it issued. */
function makeChain(): Chain {
  const directory = makeTemporaryDirectory();
  const file = (name: string): string => join(directory, name);
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'];
  const ca = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'];
  run('openssl', [
    'req',
    '-x509',
    ...ec,
    ...ca,
    '-subj',
    '/CN=Planted Test Root',
    '-keyout',
    file('root.key'),
    '-out',
    file('root.pem'),
  ]);
  run('openssl', [
    'req',
    ...ec.filter((word) => !/^(?:-days|30)$/.test(word)),
    '-subj',
    '/CN=localhost',
    '-keyout',
    file('leaf.key'),
    '-out',
    file('leaf.csr'),
  ]);
  writeFileSync(file('leaf.ext'), 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n');
  run('openssl', [
    'x509',
    '-req',
    '-in',
    file('leaf.csr'),
    '-CA',
    file('root.pem'),
    '-CAkey',
    file('root.key'),
    '-CAcreateserial',
    '-days',
    '30',
    '-extfile',
    file('leaf.ext'),
    '-out',
    file('leaf.pem'),
  ]);
  const read = (name: string): string => readFileSync(file(name), 'utf8');
  return { root: read('root.pem'), key: read('leaf.key'), certificate: read('leaf.pem') };
}

const JAVA = `
public class Client {
  public static void main(String[] args) throws Exception {
    new java.net.URL(args[0]).openStream().readAllBytes();
  }
}`;

const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';

/** Each connects to the address, and succeeds only if it trusts the server. */
const CLIENTS: Readonly<Record<string, (url: string) => readonly string[]>> = {
  curl: (url) => ['curl', '-sSf', '-o', '/dev/null', url],
  'openssl, by its directory': (url) => [
    'openssl',
    's_client',
    '-verify_return_error',
    '-no-CAfile',
    '-CApath',
    '/etc/ssl/certs',
    '-connect',
    new URL(url).host,
  ],
  python3: (url) => [
    'python3',
    '-c',
    `import urllib.request, ssl; urllib.request.urlopen("${url}", context=ssl.create_default_context(cafile="${BUNDLE}"))`,
  ],
  node: (url) => [
    'env',
    `SSL_CERT_FILE=${BUNDLE}`,
    process.execPath,
    '--use-openssl-ca',
    '-e',
    `require("node:https").get("${url}").on("error", () => process.exit(1))`,
  ],
  java: (url) => ['java', '/tmp/Client.java', url],
};

const TOOLS = ['root', 'chroot', 'mount', 'update-ca-certificates', 'openssl', 'curl'];

describeWith(TOOLS, 'on this machine, with what is written kept in memory', () => {
  const chain = makeChain();
  const fingerprint = sha256(Buffer.from(chain.root.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'));
  let root = '';
  let server: Server;
  let url = '';

  /** The server is in this process: nobody may wait for the client. */
  const inside = (...argv: readonly string[]): Promise<boolean> =>
    new Promise((resolve) => {
      const env = { ...TOOL_ENVIRONMENT, HOME: '/root' };
      const client = spawn('chroot', [root, ...argv], { env, stdio: 'ignore', timeout: 60_000 });
      client.once('close', (status) => resolve(status === 0));
    });
  const rootaudit = (...args: readonly string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync('chroot', [root, process.execPath, join(PROJECT, 'bin/rootaudit.js'), ...args], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: { ...TOOL_ENVIRONMENT, HOME: '/root' },
    });

  async function accepting(): Promise<readonly string[]> {
    const accepted: string[] = [];
    for (const [name, argv] of Object.entries(CLIENTS)) if (await inside(...argv(url))) accepted.push(name);
    return accepted;
  }

  function trees(): readonly Tree[] {
    return TOUCHED.map((path) => treeAt(root + path));
  }

  beforeAll(async () => {
    root = overlayOfThisMachine() ?? '';
    if (root === '') return;
    server = createServer({ key: chain.key, cert: chain.certificate }, (_request, response) =>
      response.end('here'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const address = server.address();
    url = `https://localhost:${typeof address === 'object' ? (address?.port ?? 0) : 0}/`;
    writeFileSync(join(root, LOCAL), chain.root);
    writeFileSync(join(root, '/tmp/Client.java'), JAVA);
    await inside('update-ca-certificates', '--fresh');
    if (findTool('certutil') === undefined) return;
    for (const path of TOUCHED) mkdirSync(root + path, { recursive: true });
    mkdirSync(join(root, '/root/.pki/nssdb'), { recursive: true });
    const database = ['-d', 'sql:/root/.pki/nssdb'];
    await inside('certutil', '-N', ...database, '--empty-password');
    await inside('certutil', '-A', ...database, '-n', 'Planted', '-t', 'C,,', '-i', LOCAL);
  });

  afterAll(() => {
    server?.close();
  });

  it('whoever connects accepts the planted root, refuses it after the removal, and accepts it after the undo', async (context) => {
    if (root === '') context.skip('such file systems cannot be mounted here');
    const before = trees();
    const accepted = await accepting();
    expect(accepted).toEqual(expect.arrayContaining(['curl', 'openssl, by its directory', 'node']));

    const planned = rootaudit('remove', fingerprint);
    expect([planned.status, planned.stderr]).toEqual([1, '']);
    expect(planned.stdout).toContain(`delete ${LOCAL}`);
    expect(await accepting()).toEqual(accepted);

    const removed = rootaudit('remove', fingerprint, ...APPLY);
    expect([removed.status, removed.stderr]).toEqual([0, '']);
    expect(removed.stdout).toContain('none trusts what had to go');
    expect(await accepting()).toEqual([]);
    const once = trees();
    expect(rootaudit('remove', fingerprint, ...APPLY).status).toBe(0);
    expect(trees().map((tree, index) => differences(tree, once[index] ?? {}))).toEqual(TOUCHED.map(() => []));

    const undone = rootaudit('undo');
    expect([undone.status, undone.stderr]).toEqual([0, '']);
    expect(await accepting()).toEqual(accepted);
    expect(trees().map((tree, index) => differences(tree, before[index] ?? {}))).toEqual(
      TOUCHED.map(() => []),
    );
  });

  it('nothing else that was trusted is lost', (context) => {
    if (root === '') context.skip('such file systems cannot be mounted here');
    const trusted = (): readonly string[] => {
      const { stdout } = rootaudit('list', '-f', 'json');
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema has a test of its own
      const { stores } = JSON.parse(stdout) as {
        stores: { id: string; entries: { trust: string; certificate: { sha256: string } }[] }[];
      };
      return stores
        .flatMap(({ id, entries }) =>
          entries
            .filter(({ trust }) => trust === 'trusted')
            .map(({ certificate }) => `${id} ${certificate.sha256}`),
        )
        .toSorted();
    };
    const before = trusted();
    const { status, stderr } = rootaudit('remove', fingerprint, ...APPLY);
    expect([status, stderr]).toEqual([0, '']);
    expect(trusted()).toEqual(before.filter((line) => !line.includes(fingerprint)));
    expect(before.filter((line) => line.includes(fingerprint)).length).toBeGreaterThan(3);
    rootaudit('undo');
    expect(trusted()).toEqual(before);
  });
});
