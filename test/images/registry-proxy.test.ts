import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openRegistryImages } from '../../src/images/registry.ts';
import { failureOf, OPTIONS, type Failure } from '../support/image-registry-client.ts';
import {
  demandBasic,
  demandToken,
  gzipLayer,
  ImageRegistry,
  sendBlob,
  serve,
} from '../support/image-registry.ts';
import {
  Authority,
  rootauditBeside,
  startProxy,
  tlsInFront,
  type ProxyOptions,
  type TestProxy,
} from '../support/proxy.ts';
import type { Run } from '../support/rootaudit.ts';
import { makeFilesTar } from '../support/tar.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

// Nobody but the proxy knows where registry.test is: whatever is read was read through it.
const REFERENCE = 'registry:registry.test/team/app:1';
const SECRET = 'S3cr3t-passw0rd';
const USER = `ann:${SECRET}`;
const BASE64 = Buffer.from(USER).toString('base64');
const LAYER = gzipLayer(makeFilesTar({ 'etc/os-release': 'ID=debian\n' }));

const authority = new Authority();
const roots = join(makeTemporaryDirectory(), 'root.pem');
beforeAll(() => writeFileSync(roots, authority.pem));
afterEach(() => vi.unstubAllEnvs());

async function makeRegistry(): Promise<{ registry: ImageRegistry; names: Record<string, string> }> {
  const registry = await ImageRegistry.start();
  registry.addImage([LAYER], { tag: '1' });
  const address = await tlsInFront(registry.host, authority.identity('registry.test'));
  return { registry, names: { 'registry.test:443': address } };
}

/** As a user would, with the built command. */
function scan(environment: Readonly<Record<string, string>>, reference = REFERENCE): Promise<Run> {
  const args = ['scan', reference, '--no-cache', '--no-policy', '-f', 'json'];
  return rootauditBeside(args, { NODE_EXTRA_CA_CERTS: roots, ...environment });
}

function expectRead({ status, stdout, stderr }: Run): void {
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ complete: true, target: { reference: REFERENCE } });
}

describe('an image behind a proxy', () => {
  it.each(['HTTPS_PROXY', 'https_proxy'])('is read with %s', async (variable) => {
    const { registry, names } = await makeRegistry();
    const proxy = await startProxy({ names });
    expectRead(await scan({ [variable]: `http://${proxy.host}` }));
    // Connections are kept for four seconds.
    expect(new Set(proxy.log)).toEqual(new Set(['CONNECT registry.test:443']));
    expect(proxy.log.length).toBeLessThanOrEqual(2);
    expect(registry.log).toHaveLength(3);
  });

  it('is read through a proxy that wants a user, whom the registry never sees', async () => {
    const { registry, names } = await makeRegistry();
    const seen: string[] = [];
    registry.fault(({ rawHeaders }) => (seen.push(rawHeaders.join(' ')), false));
    const proxy = await startProxy({ names, user: 'ann@corp:p:ss%' });
    expectRead(await scan({ HTTPS_PROXY: `http://ann%40corp:p%3Ass%25@${proxy.host}` }));
    expect(seen).toHaveLength(3);
    expect(seen.join().toLowerCase()).not.toContain('proxy');
    expect(seen.join()).not.toContain(Buffer.from('ann@corp:p:ss%').toString('base64'));
  });

  it('is read through a proxy that speaks TLS', async () => {
    const { names } = await makeRegistry();
    const proxy = await startProxy({ names, user: USER, identity: authority.identity('localhost') });
    const port = proxy.host.split(':')[1];
    expectRead(await scan({ HTTPS_PROXY: `https://${USER}@localhost:${port}` }));
  });

  it('is read with the login of the registry, which the proxy never sees', async () => {
    const { registry, names } = await makeRegistry();
    demandBasic(registry, USER);
    const config = makeTemporaryDirectory();
    const auths = { 'registry.test': { auth: BASE64 } };
    writeFileSync(join(config, 'config.json'), JSON.stringify({ auths }));
    const proxy = await startProxy({ names });
    expectRead(await scan({ HTTPS_PROXY: proxy.host, DOCKER_CONFIG: config }));
    expect(JSON.stringify(proxy.headers)).not.toMatch(/authorization/i);
  });

  it('is read where token service and layers are on other hosts, each through the proxy', async () => {
    const { registry, names } = await makeRegistry();
    const service = await demandToken(registry, { realm: 'https://auth.test/token?x=1' });
    const blobs: string[] = [];
    const storage = await serve((request, response) => {
      blobs.push(request.rawHeaders.join(' '));
      sendBlob(Buffer.from(LAYER.bytes), request, response);
    });
    registry.fault(({ url, headers }, response) => {
      if (headers.authorization === undefined || !url?.endsWith(layerDigest(registry))) return false;
      response.writeHead(307, { location: 'https://blobs.test:8443/layer' }).end();
      return true;
    });
    const proxy = await startProxy({
      names: {
        ...names,
        'auth.test:443': await tlsInFront(service.host, authority.identity('auth.test')),
        'blobs.test:8443': await tlsInFront(storage, authority.identity('blobs.test')),
      },
    });
    expectRead(await scan({ HTTPS_PROXY: `http://${proxy.host}` }));
    expect(new Set(proxy.log)).toEqual(
      new Set(['CONNECT registry.test:443', 'CONNECT auth.test:443', 'CONNECT blobs.test:8443']),
    );
    expect(blobs).toHaveLength(1);
    expect(blobs.join().toLowerCase()).not.toContain('authorization');
  });

  it('is not read when a host that it is redirected to is an exception', async () => {
    const { registry, names } = await makeRegistry();
    registry.fault((_request, response) => {
      response.writeHead(307, { location: 'https://blobs.test/x' }).end();
    });
    const proxy = await startProxy({ names });
    const environment = { HTTPS_PROXY: proxy.host, no_proxy: 'a.test,blobs.test' };
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const options = { ...OPTIONS, plainHttp: false, environment };
    const { message } = await failureOf(() => openRegistryImages(REFERENCE, options));
    expect(message).toMatch(/^blobs\.test cannot be reached: /);
    expect(new Set(proxy.log)).toEqual(new Set(['CONNECT registry.test:443']));
  });

  it('is not read from a server with the certificate of another, or of a root that nobody trusts', async () => {
    const { registry } = await makeRegistry();
    const other = await tlsInFront(registry.host, authority.identity('other.test'));
    const proxy = await startProxy({ names: { 'registry.test:443': other } });
    const wrong = await scan({ HTTPS_PROXY: proxy.host });
    expect([wrong.status, wrong.stderr]).toEqual([
      2,
      expect.stringContaining(
        `registry.test cannot be reached through the proxy ${proxy.host}: its certificate is for another host`,
      ),
    ]);
    const untrusted = await scan({ HTTPS_PROXY: proxy.host, NODE_EXTRA_CA_CERTS: '' });
    expect(untrusted.status).toBe(2);
    expect(untrusted.stderr).toContain('its certificate comes from a root that is not trusted');
    expect(untrusted.stderr).toContain('or that of a proxy that looks into TLS');
    expect(registry.log).toEqual([]);
  });

  it('is read directly on this computer, whatever the variables say', async () => {
    const { registry } = await makeRegistry();
    const environment = { HTTPS_PROXY: 'http://127.0.0.1:1', HTTP_PROXY: 'http://127.0.0.1:1' };
    const [image] = await openRegistryImages(registry.reference(), { ...OPTIONS, environment });
    expect(image?.layers).toHaveLength(1);
  });
});

function layerDigest(registry: ImageRegistry): string {
  return registry.addBlob(LAYER.bytes).digest;
}

const answer = (head: string) => (socket: Socket) => void socket.end(`${head}\r\nContent-Length: 0\r\n\r\n`);

describe('a proxy that does not let us through', () => {
  const through = async (
    options: ProxyOptions,
    prefix = '',
  ): Promise<{ failure: Failure; proxy: TestProxy }> => {
    const proxy = await startProxy(options);
    const environment = { HTTPS_PROXY: `http://${prefix}${proxy.host}` };
    const failure = await failureOf(() =>
      openRegistryImages(REFERENCE, { ...OPTIONS, plainHttp: false, environment }),
    );
    return { failure, proxy };
  };

  it.each<[string, ProxyOptions, string, string, string, number]>([
    [
      'wants a user',
      { user: USER },
      '',
      'the proxy wants a user and a password (status 407)',
      'http://USER:PASSWORD@',
      1,
    ],
    [
      'wants another user',
      { user: 'bob:x' },
      `${USER}@`,
      'the proxy does not accept the user and the password (status 407)',
      '%40',
      1,
    ],
    [
      'wants a login of Windows',
      { fault: answer('HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM') },
      `${USER}@`,
      'the proxy wants another login than a user and a password (status 407)',
      'HTTPS_PROXY',
      1,
    ],
    [
      'forbids it',
      { fault: answer('HTTP/1.1 403 No') },
      `${USER}@`,
      'the proxy does not allow it (status 403)',
      'NO_PROXY',
      1,
    ],
    ['does not know the host', {}, '', 'the proxy does not connect us (status 502)', 'NO_PROXY', 4],
    [
      'answers with something else',
      { fault: answer('HTTP/1.1 204 Yes') },
      `${USER}@`,
      'the proxy does not connect us (status 204)',
      'NO_PROXY',
      1,
    ],
    [
      'redirects',
      { fault: answer('HTTP/1.1 302 No\r\nLocation: https://evil.test/') },
      '',
      'the proxy does not connect us (status 302)',
      'NO_PROXY',
      1,
    ],
    [
      'wants to know us',
      { fault: answer('HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="x"') },
      '',
      'the proxy does not connect us (status 401)',
      'NO_PROXY',
      1,
    ],
    [
      'hangs up',
      { fault: (socket) => void socket.destroy() },
      `${USER}@`,
      'the proxy itself cannot be reached (the connection was closed)',
      'NO_PROXY',
      4,
    ],
    [
      'speaks nonsense',
      { fault: (socket) => void socket.end('SSH-2.0-OpenSSH\r\n') },
      `${USER}@`,
      'the proxy itself cannot be reached (it does not speak HTTP)',
      'HTTPS_PROXY',
      1,
    ],
    [
      'sends headers without end',
      { fault: (socket) => void socket.write(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(1 << 20)}`) },
      '',
      'the proxy itself cannot be reached (UND_ERR_HEADERS_OVERFLOW)',
      'HTTPS_PROXY',
      1,
    ],
  ])('because it %s is told as it is', async (_name, options, prefix, why, hint, times) => {
    const { failure, proxy } = await through(options, prefix);
    expect(failure.message).toBe(`registry.test cannot be reached through the proxy ${proxy.host}: ${why}`);
    expect(failure.hint).toContain(hint);
    expect(proxy.log).toEqual(Array.from({ length: times }, () => 'CONNECT registry.test:443'));
    for (const secret of [SECRET, BASE64]) expect(failure.everything).not.toContain(secret);
  });

  it('because nobody is there is told as it is', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    const host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 1}`;
    const { status, stdout, stderr } = await scan({ https_proxy: `http://${USER}@${host}` });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(
      `registry.test cannot be reached through the proxy ${host}: the proxy itself cannot be reached (the connection is refused)`,
    );
    expect(stderr).toContain('Is https_proxy right?');
    expect(stderr).not.toContain(SECRET);
  });

  it('because it never answers is waited for no longer than a registry', async () => {
    const proxy = await startProxy({ fault: () => {} });
    const environment = { HTTPS_PROXY: `http://${proxy.host}` };
    const limits = { ...OPTIONS.limits, headTimeout: 50, retries: 1 };
    const options = { ...OPTIONS, plainHttp: false, environment, limits };
    expect((await failureOf(() => openRegistryImages(REFERENCE, options))).message).toBe(
      `registry.test cannot be reached through the proxy ${proxy.host}: no answer in time`,
    );
  });

  it('because it ends the tunnel is told apart from one that makes none', async () => {
    const { failure, proxy } = await through({
      fault: (socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\n'),
    });
    expect(failure.message).toBe(
      `registry.test cannot be reached through the proxy ${proxy.host}: the connection was closed`,
    );
  });

  it('because it speaks no TLS, or has a certificate that nobody trusts, is told as it is', async () => {
    const plain = await startProxy({});
    const secure = await startProxy({ identity: authority.identity('localhost') });
    const at = async (origin: string): Promise<Failure> =>
      failureOf(() =>
        openRegistryImages(REFERENCE, { ...OPTIONS, plainHttp: false, environment: { HTTPS_PROXY: origin } }),
      );
    const plainName = `localhost:${plain.host.split(':')[1]}`;
    const wrong = await at(`https://${plainName}`);
    expect([wrong.message, wrong.hint]).toEqual([
      `registry.test cannot be reached through the proxy ${plainName}: the proxy itself cannot be reached (it does not speak TLS)`,
      `Without TLS it is HTTPS_PROXY=http://${plainName}.`,
    ]);
    const untrusted = await at(`https://localhost:${secure.host.split(':')[1]}`);
    expect(untrusted.message).toContain('its certificate comes from a root that is not trusted');
    expect(untrusted.hint).toContain('Name the root of the proxy in NODE_EXTRA_CA_CERTS');
  });

  it('because the variable names none is refused before anything is asked', async () => {
    const { status, stderr } = await scan({ HTTPS_PROXY: `socks5://${USER}@127.0.0.1:1080` });
    expect(status).toBe(2);
    expect(stderr).toContain('HTTPS_PROXY names a proxy of the kind socks5, which cannot be used');
    expect(stderr).not.toContain(SECRET);
  });
});
