import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { proxyFor } from '../../src/network/proxy.ts';
import { postEvent } from '../../src/watch/webhook.ts';
import { serve } from '../support/image-registry.ts';
import { Authority, rootauditBeside, startProxy, tlsInFront, type ProxyOptions } from '../support/proxy.ts';
import { PROJECT } from '../support/rootaudit.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

// Nobody but the proxy knows where hook.test is.
const HOOK = 'https://hook.test/secret/path';
const SECRET = 'S3cr3t-passw0rd';
const USER = `ann:${SECRET}`;
const authority = new Authority();
const machine = (): string =>
  makeTree({
    '/etc/ca-certificates.conf': '',
    '/usr/local/share/ca-certificates/one.crt': authority.pem,
  });

describe('a webhook behind a proxy', () => {
  it('gets the events, and its token, which the proxy never sees', async () => {
    const directory = makeTemporaryDirectory();
    const [roots, token] = [join(directory, 'root.pem'), join(directory, 'token')];
    writeFileSync(roots, authority.pem);
    writeFileSync(token, 'geheim\n');
    const got: (readonly [body: string, headers: string])[] = [];
    const server = await serve(async (request, response) => {
      const pieces: string[] = [];
      for await (const piece of request) pieces.push(String(piece));
      response.writeHead(204).end();
      got.push([pieces.join(''), request.rawHeaders.join(' ')]);
    });
    const proxy = await startProxy({
      names: { 'hook.test:443': await tlsInFront(server, authority.identity('hook.test')) },
      user: USER,
    });
    const { PATH } = process.env;
    const args = [
      'watch',
      '--root',
      machine(),
      '--initial',
      '--webhook',
      HOOK,
      '--webhook-token-file',
      token,
    ];
    const child = spawn(process.execPath, [join(PROJECT, 'bin/rootaudit.js'), ...args], {
      env: { PATH, NODE_EXTRA_CA_CERTS: roots, HTTPS_PROXY: `http://${USER}@${proxy.host}` },
    });
    await vi.waitFor(() => expect(got).not.toEqual([]), 10_000);
    child.kill();
    const [body = '', headers = ''] = got[0] ?? [];
    expect(JSON.parse(body)).toMatchObject({ type: 'store-appeared' });
    expect(headers).toContain('Bearer geheim');
    expect(headers.toLowerCase()).not.toContain('proxy');
    expect(proxy.log[0]).toBe('CONNECT hook.test:443');
    expect(JSON.stringify(proxy.headers)).not.toContain('geheim');
  });

  const post = async (options: ProxyOptions): Promise<{ told: string; host: string; times: number }> => {
    const proxy = await startProxy(options);
    const url = new URL(HOOK);
    const told: string[] = [];
    await postEvent(
      '{}',
      {
        url,
        proxy: proxyFor(url, { https_proxy: `http://${USER}@${proxy.host}` }),
        token: 'geheim',
        userAgent: 'rootaudit/0',
        delay: 1,
        attempts: 3,
        tell: (message) => told.push(message),
      },
      new AbortController().signal,
    );
    return { told: told.at(-1) ?? '', host: proxy.host, times: proxy.log.length };
  };

  it.each<[string, ProxyOptions, string, number]>([
    ['refuses our user', { user: 'bob:x' }, 'does not accept the user and the password (status 407)', 1],
    ['does not know the host', { user: USER }, 'does not connect us (status 502)', 3],
    [
      'hangs up',
      { fault: (socket) => void socket.destroy() },
      'itself cannot be reached (the connection was closed)',
      3,
    ],
  ])('that %s does not get them, and no secret is told', async (_name, options, why, attempts) => {
    const { told, host, times } = await post(options);
    expect(told).toBe(
      `the webhook on hook.test did not take an event: no connection through the proxy ${host}: the proxy ${why}`,
    );
    expect(times).toBe(attempts);
    expect(told).not.toMatch(/secret|S3cr3t|geheim/);
  });

  it('is refused at once when the variable names no proxy', async () => {
    const { status, stderr } = await rootauditBeside(['watch', '--root', machine(), '--webhook', HOOK], {
      HTTPS_PROXY: `socks5://${USER}@127.0.0.1:1080`,
    });
    expect(status).toBe(2);
    expect(stderr).toContain('HTTPS_PROXY names a proxy of the kind socks5');
    expect(stderr).not.toContain(SECRET);
  });
});
