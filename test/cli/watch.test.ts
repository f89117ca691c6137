import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { schemaCheck } from '../support/render.ts';
import { PROJECT, rootaudit } from '../support/rootaudit.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

const one = makeCertificate({ subject: { CN: 'One' } });
const two = makeCertificate({ subject: { CN: 'Two' } });
const bad = makeCertificate({ subject: { CN: '$(touch pwned)\u001b[31m' } });

const BLOCKLIST = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [advisory({ id: 'bad', severity: 'high', certificates: [blocked(bad, { id: 'bad' })] })],
  certificates: [bad.der],
  programs: { roots: { [one.sha256]: ['mozilla'] } },
});
const LOCAL = '/usr/local/share/ca-certificates';
const machine = (): string => makeTree({ '/etc/ca-certificates.conf': '', [`${LOCAL}/one.crt`]: one.pem });

interface Line {
  readonly type: string;
  readonly certificate?: { readonly subject: string };
}

class Watching {
  readonly child: ChildProcessWithoutNullStreams;
  stdout = '';
  stderr = '';
  readonly #ended: Promise<number | null>;

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const { PATH, HOME } = process.env;
    this.child = spawn(
      process.execPath,
      [join(PROJECT, 'bin/rootaudit.js'), 'watch', '--blocklist', BLOCKLIST, ...args],
      { env: { PATH, HOME, ...environment } },
    );
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#ended = new Promise((resolve) => this.child.once('close', (code) => resolve(code)));
    running.push(this);
  }

  get lines(): readonly Line[] {
    return (
      this.stdout
        .split('\n')
        .filter(Boolean)
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one of the tests checks the schema
        .map((line) => JSON.parse(line) as Line)
    );
  }

  async until(isThere: () => boolean): Promise<void> {
    const limit = Date.now() + 20_000;
    while (!isThere()) {
      if (Date.now() > limit || this.child.exitCode !== null)
        throw new Error(`it did not come: ${this.stdout} ${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  has(type: string, count = 1): Promise<void> {
    return this.until(
      () => this.stdout.endsWith('\n') && this.lines.filter((line) => line.type === type).length >= count,
    );
  }

  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    return this.#ended;
  }

  get ended(): Promise<number | null> {
    return this.#ended;
  }
}

const running: Watching[] = [];
const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.end('SIGKILL')));
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

function plant(root: string, name: string, pem: string): void {
  writeFileSync(join(root, LOCAL, `.${name}`), pem);
  renameSync(join(root, LOCAL, `.${name}`), join(root, LOCAL, name));
}

describe('rootaudit watch', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('prints a line for each event until %s', async (signal) => {
    const root = machine();
    const watching = new Watching(['--root', root]);
    await watching.has('watching');
    plant(root, 'bad.crt', bad.pem);
    await watching.has('root-trusted');
    mkdirSync(join(root, 'etc/docker/certs.d/example.org'), { recursive: true });
    writeFileSync(join(root, 'etc/docker/certs.d/example.org/ca.crt'), 'junk');
    await watching.has('problem');
    expect(await watching.end(signal)).toBe(0);
    expect(watching.stderr).toBe('');
    expect(watching.lines.map(({ type }) => type)).toEqual([
      'watching',
      'root-trusted',
      'store-appeared',
      'problem',
    ]);
    expect(watching.stdout).not.toContain('\u001b');
    const check = schemaCheck('watch');
    expect(watching.lines.map(check)).toEqual(watching.lines.map(() => ''));
  });

  it.skipIf(process.platform === 'win32')('looks again at SIGHUP, and goes on', async () => {
    const root = machine();
    const watching = new Watching(['--root', root]);
    await watching.has('watching');
    watching.child.kill('SIGHUP');
    plant(root, 'two.crt', two.pem);
    await watching.has('root-trusted');
    expect(await watching.end()).toBe(0);
  });

  it('ends when nobody reads any more', async () => {
    const root = machine();
    const watching = new Watching(['--root', root]);
    await watching.has('watching');
    watching.child.stdout.destroy();
    plant(root, 'two.crt', two.pem);
    expect(await watching.ended).toBe(0);
  });

  it('first tells what is there, or what is new since a snapshot', async () => {
    const root = machine();
    const snapshot = join(makeTemporaryDirectory(), 'a.json');
    rootaudit(['snapshot', '--root', root, '-o', snapshot]);
    plant(root, 'bad.crt', bad.pem);
    writeFileSync(join(root, LOCAL, 'one.crt'), two.pem);
    const initial = new Watching(['--root', root, '--initial', '--severity', 'low']);
    const since = new Watching(['--root', root, '--baseline', snapshot]);
    await Promise.all([initial.has('root-trusted'), since.has('root-removed')]);
    expect(initial.lines).toMatchObject([
      { type: 'watching', trusted: 2 },
      { type: 'root-trusted', initial: true, severity: 'high' },
    ]);
    expect(since.lines).toMatchObject([
      { type: 'watching' },
      { type: 'root-trusted', findings: [{ advisory: 'bad' }] },
      { type: 'root-trusted', unrecognised: true },
      { type: 'root-removed', certificate: { sha256: one.sha256, subject: 'CN=One' } },
    ]);
    const check = schemaCheck('watch');
    expect([...initial.lines, ...since.lines].map(check).join('')).toBe('');
  });

  it('runs a command for each event, without a shell, its output on standard error', async () => {
    const root = machine();
    const work = makeTemporaryDirectory();
    const code = `
      process.chdir(${JSON.stringify(work)});
      const { ROOTAUDIT_EVENT_SUBJECT, ROOTAUDIT_WEBHOOK_TOKEN } = process.env;
      const input = require('node:fs').readFileSync(0, 'utf8');
      require('node:fs').writeFileSync('done', JSON.stringify([input, ROOTAUDIT_EVENT_SUBJECT, ROOTAUDIT_WEBHOOK_TOKEN, ...process.argv.slice(1)]));
      console.log('the command ran');`;
    const watching = new Watching(
      [
        '--root',
        root,
        '--severity',
        'high',
        '--exec',
        process.execPath,
        '-e',
        code,
        '--',
        '--initial',
        '; touch pwned',
      ],
      { ROOTAUDIT_WEBHOOK_TOKEN: 'geheim' },
    );
    await watching.has('watching');
    plant(root, 'two.crt', two.pem);
    plant(root, 'bad.crt', bad.pem);
    await watching.until(() => watching.stderr.includes('the command ran'));
    expect(await watching.end()).toBe(0);
    const line = watching.stdout.split('\n')[1];
    expect(watching.lines).toHaveLength(2);
    expect(JSON.parse(readFileSync(join(work, 'done'), 'utf8'))).toEqual([
      `${line}\n`,
      String.raw`CN=$(touch pwned)\x1b[31m`,
      null,
      '--initial',
      '; touch pwned',
    ]);
    expect(readdirSync(work)).toEqual(['done']);
    expect(existsSync('pwned')).toBe(false);
  });

  it('lets a command that is running end, but not wait for ever', async () => {
    const root = machine();
    const watching = new Watching(['--root', root, '--exec', 'sh', '-c', 'echo started; exec sleep 300']);
    await watching.has('watching');
    plant(root, 'two.crt', two.pem);
    await watching.until(() => watching.stderr.includes('started'));
    expect(await watching.end()).toBe(0);
  });

  it('posts to a webhook, again where it failed, and goes on watching meanwhile', async () => {
    const root = machine();
    const posted: string[] = [];
    let failures = 1;
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (piece: Buffer) => (body += piece.toString()));
      request.on('end', () => {
        const fail = failures-- > 0;
        if (!fail) posted.push(`${request.headers.authorization} ${body}`);
        response.writeHead(fail ? 503 : 204).end();
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const token = join(makeTemporaryDirectory(), 'token');
    writeFileSync(token, 'geheim\n');
    const watching = new Watching(
      ['--root', root, '--webhook', `http://127.0.0.1:${port}/hook`, '--webhook-token-file', token],
      { ROOTAUDIT_WEBHOOK_TOKEN: 'another' },
    );
    await watching.has('watching');
    plant(root, 'two.crt', two.pem);
    await watching.has('root-trusted');
    plant(root, 'bad.crt', bad.pem);
    await watching.has('root-trusted', 2);
    await watching.until(() => posted.length === 2);
    const [, first, second] = watching.stdout.split('\n');
    expect(posted).toEqual([`Bearer geheim ${first}\n`, `Bearer geheim ${second}\n`]);
    const start = Date.now();
    expect(await watching.end()).toBe(0);
    expect(Date.now() - start).toBeLessThan(3000);
    expect(watching.stderr).toMatch(
      /^rootaudit: the webhook on 127\.0\.0\.1:\d+ did not take an event, trying again: it answers 503\n$/,
    );
  });

  const root = machine();
  it.each<[string, readonly string[], string]>([
    ['a target', ['/mnt'], 'watch takes no target: /mnt'],
    ['no command', ['--exec'], '--exec needs a command'],
    ['a root that is not there', ['--root', '/no/such'], 'cannot be read'],
    ['an empty root', ['--root', ''], '--root needs a directory'],
    ['no time', ['--interval', 'soon'], 'A span of time is expected'],
    ['a time that is too short', ['--interval', '0'], 'At least a second'],
    ['a time that no timer can run', ['--interval', '100d'], 'At most 24 days'],
    ['a severity that there is not', ['--severity', 'awful'], 'Allowed choices'],
    ['an unsafe webhook', ['--root', root, '--webhook', 'http://example.org/'], 'with https'],
    ['a token for nobody', ['--root', root, '--webhook-token-file', '/dev/null'], 'with --webhook only'],
    [
      'an empty token',
      ['--root', root, '--webhook', 'https://[::1]/', '--webhook-token-file', '/dev/null'],
      'no token',
    ],
    [
      'a missing token',
      ['--root', root, '--webhook', 'https://[::1]/', '--webhook-token-file', '/no/such'],
      'cannot be read',
    ],
    ['a missing snapshot', ['--root', root, '--baseline', '/no/such.json'], 'does not exist'],
    ['a snapshot and what is there', ['--root', root, '--baseline', 'x', '--initial'], 'cannot be used with'],
  ])('refuses %s', async (_what, args, message) => {
    const watching = new Watching(args);
    expect(await watching.ended).toBe(2);
    expect(watching.stderr).toContain(message);
    expect(watching.stdout).toBe('');
  });
});
