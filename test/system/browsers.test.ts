/** Profiles that Chromium and Firefox made themselves, and what Chromium trusts by its own certificate database. */

import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parsePem } from '../../src/formats/pem.ts';
import { makeCertificate, toPem } from '../support/certificates.ts';
import { python } from '../support/nss.ts';
import { trustSettings } from '../support/protobuf.ts';
import { scanReport } from '../support/rootaudit.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import { blocklistOf } from './support/lifecycle.ts';
import { fingerprintsIn } from './support/openssl.ts';
import { describeWith, run, runScript, TOOL_ENVIRONMENT } from './support/tools.ts';

const PROFILE = '/home/u/.config/chromium';
const DATABASE = `${PROFILE}/Default/ServerCertificate`;
/** CertificateTrust of server_certificate_database.proto */
const DISTRUSTED = 2;
const TRUSTED = 3;
const PAGE = 'the page of the test';
const BROWSER_TIME = 60_000;

/** Standard output of a browser; the process must not block this one, which serves its page. */
function runBrowser(command: string, args: readonly string[], home: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...TOOL_ENVIRONMENT, HOME: home },
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: BROWSER_TIME,
    });
    const pieces: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
    child.on('error', reject);
    child.on('close', () => resolve(Buffer.concat(pieces).toString()));
  });
}

function chromium(profile: string, url: string): Promise<string> {
  // Root may not use the sandbox, and the sizes of /dev/shm in containers are too small.
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
  const args = [...flags, '--no-first-run', `--user-data-dir=${profile}`, '--dump-dom', url];
  return runBrowser('chromium', args, makeTemporaryDirectory());
}

/** A root and a server's certificate from it, made by OpenSSL. */
function makeAuthority(): { readonly root: string; readonly key: string; readonly certificate: string } {
  const directory = makeTemporaryDirectory();
  const at = (name: string): string => join(directory, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'];
  const ca = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'];
  run('openssl', [
    'req',
    '-x509',
    ...key,
    '-subj',
    '/CN=Planted',
    ...ca,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  ]);
  run('openssl', ['req', ...key, '-subj', '/CN=localhost', '-keyout', at('key'), '-out', at('request')]);
  writeFileSync(at('names'), 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n');
  const signer = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at('names')];
  run('openssl', ['x509', '-req', '-in', at('request'), '-days', '30', ...signer, '-out', at('pem')]);
  const read = (name: string): string => readFileSync(at(name), 'utf8');
  return { root: read('ca.pem'), key: read('key'), certificate: read('pem') };
}

function derOf(pem: string): Uint8Array {
  const [entry] = parsePem(Buffer.from(pem)).entries;
  if (!entry) throw new Error('no certificate');
  return entry.der;
}

describeWith(['chromium', 'openssl', 'python3'], 'Chromium', () => {
  let profile = '';
  let server: Server | undefined;
  let url = '';
  const authority = makeAuthority();
  const der = derOf(authority.root);
  const [sha256 = ''] = fingerprintsIn(authority.root);
  const blocklist = blocklistOf({ der: Buffer.from(der) });

  beforeAll(async () => {
    profile = join(makeTemporaryDirectory(), 'profile');
    await chromium(profile, 'about:blank');
    const { key, certificate } = authority;
    server = createServer({ key, cert: certificate }, (_, response) => response.end(PAGE));
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server on a port has one
    url = `https://localhost:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => server?.close());

  /** A root with the profile that Chromium made, and these certificates in its database. */
  function rootWith(...rows: readonly (readonly [string, Uint8Array, number])[]): string {
    const root = makeTemporaryDirectory();
    cpSync(profile, join(root, PROFILE), { recursive: true, verbatimSymlinks: true });
    const values = rows.map(([fingerprint, bytes, trust]) => [
      fingerprint,
      Buffer.from(bytes).toString('hex'),
      trustSettings(trust).toString('hex'),
    ]);
    python(
      dirname(join(root, DATABASE)),
      `c = sqlite3.connect('ServerCertificate')
for key, der, settings in json.loads('${JSON.stringify(values)}'):
    c.execute('INSERT INTO certificates VALUES(?, ?, ?)', (key, bytes.fromhex(der), bytes.fromhex(settings)))
c.commit()`,
    );
    return root;
  }

  /** On a copy: a browser writes into its profile. */
  async function isAccepted(root: string): Promise<boolean> {
    const copy = join(makeTemporaryDirectory(), 'profile');
    cpSync(join(root, PROFILE), copy, { recursive: true, verbatimSymlinks: true });
    return (await chromium(copy, url)).includes(PAGE);
  }

  it('makes a database that is read whole, and has nothing in it', () => {
    const { stores, problems } = scanReport(['--root', rootWith()]);
    expect(problems).toEqual([]);
    const found = stores.filter(({ type }) => type === 'chrome-user');
    expect(found).toMatchObject([{ path: DATABASE, status: 'read', anchors: 0 }]);
  });

  it.each([
    ['trusted', TRUSTED, true],
    ['mitigated', DISTRUSTED, false],
  ] as const)('and rootaudit agree about a certificate that is %s', async (status, trust, accepted) => {
    const root = rootWith([sha256, der, trust]);
    expect(await isAccepted(root)).toBe(accepted);
    const { findings } = scanReport(['--root', root, '--blocklist', blocklist, '--mitigated']);
    expect(findings).toMatchObject([{ status, certificate: { sha256 } }]);
  });

  it('does not accept the certificate any more after the printed commands, and does after the undo', async () => {
    const other = makeCertificate({ subject: { CN: 'Neighbour' } });
    const root = rootWith([sha256, der, TRUSTED], [other.sha256, other.der, TRUSTED]);
    const args = ['--root', root, '--blocklist', blocklist];
    const [remediation] = scanReport(args).findings.flatMap(({ remediations }) => remediations);
    expect(await isAccepted(root)).toBe(true);
    runScript(remediation?.commands ?? []);
    expect(await isAccepted(root)).toBe(false);
    const after = scanReport(args);
    expect(after.findings).toEqual([]);
    expect(after.stores.filter(({ type }) => type === 'chrome-user')).toMatchObject([{ anchors: 1 }]);
    runScript(remediation?.undo ?? []);
    expect(await isAccepted(root)).toBe(true);
  });
});

const POLICIES = '/etc/firefox/policies/policies.json';

describeWith(['firefox-esr', 'certutil', 'root'], 'Firefox', () => {
  const bad = makeCertificate({ subject: { CN: 'Installed by a policy' } });
  const root = makeTemporaryDirectory();
  const directory = join(root, '/home/u/.mozilla/firefox/a.default');
  const made = ['/etc/firefox', dirname(POLICIES)].filter((path) => !existsSync(path));
  const hasOwn = existsSync(POLICIES);

  beforeAll(async () => {
    if (hasOwn) return;
    const file = join(makeTemporaryDirectory(), 'bad.pem');
    writeFileSync(file, toPem(bad.der));
    mkdirSync(directory, { recursive: true });
    mkdirSync(dirname(POLICIES), { recursive: true });
    writeFileSync(POLICIES, JSON.stringify({ policies: { Certificates: { Install: [file] } } }));
    const page = ['--screenshot', join(makeTemporaryDirectory(), 'page.png'), 'about:blank'];
    await runBrowser('firefox-esr', ['--headless', '--no-remote', '--profile', directory, ...page], root);
  });
  afterAll(() => {
    if (hasOwn) return;
    rmSync(POLICIES);
    for (const path of made.toReversed()) rmdirSync(path);
  });

  /** What the NSS inside of Firefox says: that of the system may be too old for what Firefox writes. */
  const byFirefox = (): string =>
    execFileSync('certutil', ['-L', '-d', `sql:${directory}`], {
      env: { ...TOOL_ENVIRONMENT, LD_LIBRARY_PATH: '/usr/lib/firefox-esr' },
      encoding: 'utf8',
    });

  it.skipIf(hasOwn)('and rootaudit agree about a root that a policy installed', () => {
    const { findings, problems } = scanReport(['--root', root, '--blocklist', blocklistOf(bad)]);
    expect(problems).toEqual([]);
    expect(findings).toMatchObject([{ status: 'trusted', certificate: { sha256: bad.sha256 } }]);
    const [flags] = findings.flatMap(({ locations }) => locations.map(({ expressed }) => expressed));
    expect(byFirefox()).toMatch(new RegExp(`^Installed by a policy +${flags} *$`, 'm'));
  });

  it.skipIf(hasOwn)('has the root no more after the printed commands, and has it after the undo', () => {
    const args = ['--root', root, '--blocklist', blocklistOf(bad)];
    const before = byFirefox();
    const [remediation] = scanReport(args).findings.flatMap(({ remediations }) => remediations);
    runScript(remediation?.commands ?? []);
    expect(byFirefox()).not.toContain('Installed by a policy');
    expect(scanReport(args).findings).toEqual([]);
    runScript(remediation?.undo ?? []);
    expect(byFirefox()).toBe(before);
  });
});
