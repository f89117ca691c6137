import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openRegistryImages, type RegistryOptions } from '../../src/images/registry.ts';
import { RegistryHttp } from '../../src/images/registry-http.ts';
import { parseChallenges } from '../../src/images/www-authenticate.ts';
import { failureOf, layerBytes, OPTIONS } from '../support/image-registry-client.ts';
import {
  demandBasic,
  demandToken,
  gzipLayer,
  ImageRegistry,
  serve,
  sha256,
} from '../support/image-registry.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const SECRET = 'S3cr3t-passw0rd';
const USER = `ann:${SECRET}`;
const USER_BASE64 = Buffer.from(USER).toString('base64');
const LAYERS = ['one', 'two', 'three', 'four'].map((text) => gzipLayer(Buffer.from(text)));

async function makeRegistry(): Promise<ImageRegistry> {
  const registry = await ImageRegistry.start();
  registry.addImage(LAYERS, { tag: '1' });
  return registry;
}

/** Options with these credentials for the registry in a config.json. */
function loggedIn(registry: ImageRegistry, entry: unknown = { auth: USER_BASE64 }): RegistryOptions {
  return withConfig({ auths: { [registry.host]: entry } });
}

function withConfig(config: unknown): RegistryOptions {
  const directory = makeTemporaryDirectory();
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
  return { ...OPTIONS, environment: { DOCKER_CONFIG: directory, PATH: `${directory}/bin:/usr/bin:/bin` } };
}

async function readAll(registry: ImageRegistry, options: RegistryOptions): Promise<string[]> {
  const [image] = await openRegistryImages(registry.reference(), options);
  return (await Promise.all(LAYERS.map((_layer, index) => layerBytes(image, index)))).map(String);
}

const CONTENTS = ['one', 'two', 'three', 'four'];

describe('a registry that wants a token', () => {
  it('gets the one that everybody gets, asked for once', async () => {
    const registry = await makeRegistry();
    const service = await demandToken(registry);
    expect(await readAll(registry, OPTIONS)).toEqual(CONTENTS);
    expect(service.log).toEqual(['GET /token?x=1&service=a+registry&scope=repository%3Ateam%2Fapp%3Apull']);
    expect(registry.log.filter((line) => !line.includes('Bearer token-0'))).toEqual([
      'GET /v2/team/app/manifests/1',
    ]);
  });

  it('gets that of the user, whose password goes to the token service alone', async () => {
    const registry = await makeRegistry();
    const service = await demandToken(registry, { user: USER });
    expect(await readAll(registry, loggedIn(registry))).toEqual(CONTENTS);
    expect(service.log).toEqual([
      `GET /token?x=1&service=a+registry&scope=repository%3Ateam%2Fapp%3Apull Basic ${USER_BASE64}`,
    ]);
    expect(registry.log.join()).not.toContain('Basic');
  });

  it('gets that of an identity token, which goes into the body of a POST', async () => {
    const registry = await makeRegistry();
    const service = await demandToken(registry, { refreshToken: SECRET });
    expect(await readAll(registry, loggedIn(registry, { identitytoken: SECRET }))).toEqual(CONTENTS);
    const [line = '', ...others] = service.log;
    expect([line.startsWith('POST /token?x=1 '), others]).toEqual([true, []]);
    expect(Object.fromEntries(new URLSearchParams(line.slice('POST /token?x=1 '.length)))).toEqual({
      service: 'a registry',
      scope: 'repository:team/app:pull',
      grant_type: 'refresh_token',
      client_id: 'rootaudit',
      refresh_token: SECRET,
    });
  });

  it.each([
    ['repository:mirror/team/app:pull', 'repository:mirror/team/app:pull'],
    ['repository:team/app:pull,push', 'repository:team/app:pull'],
    ['registry:catalog:*', 'repository:team/app:pull'],
    ['repository:team/app:pull repository:other:push', 'repository:team/app:pull'],
    ['', 'repository:team/app:pull'],
  ])('that wants one for %j gets one for %j', async (scope, expected) => {
    const registry = await makeRegistry();
    const service = await demandToken(registry, { scope });
    await readAll(registry, OPTIONS);
    expect(
      service.log.map((line) => new URL(line.slice(4), 'http://x').searchParams.getAll('scope')),
    ).toEqual([[expected]]);
  });

  it('gets one new token when the old one has expired, however many layers are read', async () => {
    const registry = await makeRegistry();
    const service = await demandToken(registry);
    const [image] = await openRegistryImages(registry.reference(), OPTIONS);
    service.expire();
    const read = await Promise.all(LAYERS.map((_layer, index) => layerBytes(image, index)));
    expect(read.map(String)).toEqual(CONTENTS);
    expect(service.log).toHaveLength(2);
  });

  it('is given up when it takes no token', async () => {
    const registry = await makeRegistry();
    const service = await demandToken(registry, { answer: '{"token":"other"}' });
    const failure = await failureOf(() => readAll(registry, OPTIONS));
    expect([failure.message, failure.hint]).toEqual([
      `${registry.host} does not hand out ${registry.host}/team/app:1 without credentials, or does not have it`,
      `Log in with an account that may read it: docker login ${registry.host}`,
    ]);
    expect([registry.log.length, service.log.length]).toEqual([2, 1]);
  });

  it('is not believed credentials that it refuses', async () => {
    const registry = await makeRegistry();
    await demandToken(registry, { user: 'bob:x' });
    for (const entry of [{ auth: USER_BASE64 }, { identitytoken: SECRET }]) {
      const failure = await failureOf(() => readAll(registry, loggedIn(registry, entry)));
      expect(failure.message).toContain('does not accept the credentials');
      expect(failure.hint).toContain(`docker login ${registry.host}`);
    }
  });

  it.each([
    ['', 'does not say where to get a token'],
    ['nonsense', 'does not say where to get a token'],
    ['http://auth.example/token', 'without TLS'],
    ['ftp://127.0.0.1/token', 'without TLS'],
    ['file:///etc/passwd', 'without TLS'],
    ['https://user:pass@127.0.0.1/token', 'with a password'],
  ])('at %j gets no credentials: it %s', async (realm, reason) => {
    const registry = await makeRegistry();
    await demandToken(registry, { user: USER, realm });
    const failure = await failureOf(() => readAll(registry, loggedIn(registry)));
    expect(failure.message).toContain(reason);
    expect(registry.log).toEqual(['GET /v2/team/app/manifests/1']);
  });

  it.each([
    ['is no JSON', SECRET],
    ['has no token', '{}'],
    ['has a token that breaks the header', JSON.stringify({ token: `${SECRET}\r\nx-a: b` })],
    ['has a token that is no text', '{"token":{}}'],
    ['is endless', JSON.stringify({ token: 'x'.repeat(70_000) })],
  ])('is refused when the answer of the token service %s', async (_name, answer) => {
    const registry = await makeRegistry();
    await demandToken(registry, { answer });
    const failure = await failureOf(() => readAll(registry, OPTIONS));
    expect(failure.message).toBe(`the token service of ${registry.host} gives no token`);
    expect(failure.everything).not.toContain(SECRET);
  });

  it('does not send credentials on where the token service is redirected to', async () => {
    const registry = await makeRegistry();
    const seen: unknown[] = [];
    const thief = await serve(({ headers }, response) => {
      seen.push(headers.authorization);
      response.writeHead(401).end();
    });
    const redirecting = await serve((_request, response) =>
      response.writeHead(307, { location: `http://${thief}/token` }).end(),
    );
    await demandToken(registry, { user: USER, realm: `http://${redirecting}/token` });
    await failureOf(() => readAll(registry, loggedIn(registry)));
    expect(seen).toEqual([undefined]);
    await failureOf(() => readAll(registry, loggedIn(registry, { identitytoken: SECRET })));
    expect(seen).toEqual([undefined]);
  });
});

describe('a registry that wants a password', () => {
  it('gets it, after it asked once', async () => {
    const registry = await makeRegistry();
    demandBasic(registry, USER);
    expect(await readAll(registry, loggedIn(registry))).toEqual(CONTENTS);
    expect(registry.log.filter((line) => !line.includes(`Basic ${USER_BASE64}`))).toEqual([
      'GET /v2/team/app/manifests/1',
    ]);
  });

  it('gets none that is for another', async () => {
    const registry = await makeRegistry();
    demandBasic(registry, USER);
    const options = withConfig({
      auths: { '127.0.0.1:1': { auth: USER_BASE64 }, 'quay.io': { auth: USER_BASE64 } },
    });
    const failure = await failureOf(() => readAll(registry, options));
    expect(failure.message).toContain('without credentials');
    expect(registry.log.join()).not.toContain('Basic');
  });

  it('gets no identity token for it', async () => {
    const registry = await makeRegistry();
    demandBasic(registry, USER);
    await failureOf(() => readAll(registry, loggedIn(registry, { identitytoken: SECRET })));
    expect(registry.log).toEqual(['GET /v2/team/app/manifests/1']);
  });

  it('gets that of a credential helper', async () => {
    const registry = await makeRegistry();
    demandBasic(registry, USER);
    const options = withConfig({ credHelpers: { [registry.host]: 'test' } });
    const bin = join(String(options.environment?.['DOCKER_CONFIG']), 'bin');
    mkdirSync(bin);
    const answer = JSON.stringify({ Username: 'ann', Secret: SECRET });
    writeFileSync(
      join(bin, 'docker-credential-test'),
      `#!/bin/sh\n[ "$(cat)" = ${registry.host} ] && echo '${answer}'\n`,
    );
    chmodSync(join(bin, 'docker-credential-test'), 0o755);
    expect(await readAll(registry, options)).toEqual(CONTENTS);
  });

  it('is told why there are no credentials', async () => {
    const registry = await makeRegistry();
    demandBasic(registry, USER);
    const failure = await failureOf(() => readAll(registry, withConfig({ credsStore: 'desktop' })));
    expect(failure.message).toBe(
      `${registry.host} does not hand out ${registry.host}/team/app:1 without credentials, or does not have it ` +
        '(docker-credential-desktop is not installed)',
    );
  });

  it('is not asked twice with the same password', async () => {
    const registry = await makeRegistry();
    demandBasic(registry, 'bob:x');
    const failure = await failureOf(() => readAll(registry, loggedIn(registry)));
    expect(failure.message).toContain('does not accept the credentials');
    expect(registry.log).toHaveLength(2);
  });

  it('may know the user and still refuse', async () => {
    const registry = await makeRegistry();
    registry.fault(
      (_request, response) => void response.writeHead(403).end('{"errors":[{"code":"DENIED"}]}'),
    );
    const anonymous = await failureOf(() => readAll(registry, OPTIONS));
    expect(anonymous.message).toContain('without credentials');
    const failure = await failureOf(() => readAll(registry, loggedIn(registry)));
    expect(failure.message).toBe(
      `the credentials for ${registry.host} do not allow to read ${registry.host}/team/app:1`,
    );
  });
});

describe('credentials for a registry', () => {
  it('are not looked for when nobody asks', async () => {
    const registry = await makeRegistry();
    const options = withConfig({ credsStore: 'test' });
    const bin = join(String(options.environment?.['DOCKER_CONFIG']), 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'docker-credential-test'), `#!/bin/sh\ntouch ${bin}/ran\n`, { mode: 0o755 });
    await readAll(registry, options);
    expect(() => writeFileSync(join(bin, 'ran'), '', { flag: 'wx' })).not.toThrow();
  });

  it('do not go where a blob is redirected to', async () => {
    const registry = await makeRegistry();
    demandBasic(registry, USER);
    const seen: unknown[] = [];
    const storage = await serve(({ url, headers }, response) => {
      seen.push(headers.authorization);
      response.end(LAYERS.find(({ bytes }) => url?.startsWith(`/${sha256(bytes)}`))?.bytes);
    });
    registry.fault(({ url, headers }, response) => {
      const digest = url?.split('/blobs/')[1] ?? '';
      const isLayer = LAYERS.some(({ bytes }) => sha256(bytes) === digest);
      if (!isLayer || headers.authorization === undefined) return false;
      response.writeHead(307, { location: `http://${storage}/${digest}?signature=${SECRET}` }).end();
      return true;
    });
    expect(await readAll(registry, loggedIn(registry))).toEqual(CONTENTS);
    expect(seen).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('do not go where a redirected blob would have them', async () => {
    const registry = await makeRegistry();
    demandBasic(registry, USER);
    const heard: unknown[] = [];
    const thief = await serve(({ headers }, response) => {
      heard.push(headers.authorization);
      response.end('{"token":"x"}');
    });
    const storage = await serve((_request, response) =>
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${thief}/"` }).end(),
    );
    registry.fault(({ url, headers }, response) => {
      if (headers.authorization === undefined || !url?.includes('/blobs/')) return false;
      response.writeHead(307, { location: `http://${storage}/` }).end();
      return true;
    });
    const failure = await failureOf(() => readAll(registry, loggedIn(registry)));
    expect(failure.message).toContain('answers with status 401');
    expect(heard).toEqual([]);
  });

  it('never show in what is said, whatever the registry answers', async () => {
    /** Says all that it has heard. */
    const echo = (status: number, more: Record<string, string> = {}) => {
      let said = '';
      return async (): Promise<ImageRegistry> => {
        const registry = await makeRegistry();
        const service = await demandToken(registry, { user: USER });
        registry.fault(({ headers }, response) => {
          said += JSON.stringify(headers);
          if (headers.authorization === undefined) return false;
          const fill = (text: string): string => text.replace('SECRET', `${USER_BASE64}.${SECRET}`);
          const head = Object.fromEntries(Object.entries(more).map(([name, value]) => [name, fill(value)]));
          response
            .writeHead(status, { ...head, 'content-type': SECRET })
            .end(`${said}${SECRET}${USER_BASE64}`);
          return true;
        });
        expect(service.host).not.toBe('');
        return registry;
      };
    };
    const makers = [
      echo(200),
      echo(200, { 'docker-content-digest': 'SECRET' }),
      echo(302, { location: 'https://SECRET@127.0.0.1/' }),
      echo(302, { location: 'http://example.com/?SECRET' }),
      echo(302, { location: 'http://127.0.0.1:1/?SECRET' }),
      echo(302, { location: 'https://127.0.0.1:1/?SECRET' }),
      echo(401, { 'www-authenticate': 'Bearer realm="http://example.com/SECRET"' }),
      echo(401, { 'www-authenticate': 'Basic realm="SECRET"' }),
      echo(401, { 'www-authenticate': 'SECRET' }),
      echo(403),
      echo(404),
      echo(418),
      echo(429, { 'retry-after': '9999' }),
      echo(500),
    ];
    for (const maker of makers) {
      const registry = await maker();
      const { everything } = await failureOf(() => readAll(registry, loggedIn(registry)));
      expect(everything).not.toContain(SECRET);
      expect(everything).not.toContain(USER_BASE64);
      expect(everything).not.toContain('token-0');
    }
  });

  it('do not show in an image', async () => {
    const registry = await makeRegistry();
    await demandToken(registry, { user: USER });
    const images = await openRegistryImages(registry.reference(), loggedIn(registry));
    const text = inspect(images, { depth: 20, showHidden: true }) + JSON.stringify(images);
    expect(text).not.toMatch(new RegExp(`${SECRET}|${USER_BASE64}|token-0`));
  });
});

describe('addresses that a registry names', () => {
  const far = new RegistryHttp(new URL('https://quay.io/v2/a/'), {}, {});
  const near = new RegistryHttp(new URL('https://localhost:5000/v2/a/'), {}, {});
  const plain = new RegistryHttp(new URL('http://127.0.0.1:5000/v2/a/'), {}, {});
  it.each([
    ['far', far, 'https://auth.example/token', undefined],
    ['far', far, 'https://10.1.2.3/token', undefined],
    ['far', far, 'http://quay.io/token', 'without TLS'],
    ['far', far, 'http://127.0.0.1/token', 'without TLS'],
    ['far', far, 'https://127.0.0.1/token', 'only this computer'],
    ['far', far, 'https://0x7f.1/token', 'only this computer'],
    ['far', far, 'https://localhost:9/token', 'only this computer'],
    ['far', far, 'https://[::1]/token', 'only this computer'],
    ['far', far, 'https://[::ffff:127.0.0.1]/token', 'only this computer'],
    ['far', far, 'https://169.254.169.254/token', 'only this computer'],
    ['far', far, 'https://0/token', 'only this computer'],
    ['far', far, 'https://a:b@auth.example/token', 'with a password'],
    ['near', near, 'https://127.0.0.1/token', undefined],
    ['near', near, 'http://127.0.0.1/token', 'without TLS'],
    ['plain', plain, 'http://localhost:5001/token', undefined],
    ['plain', plain, 'https://auth.example/token', undefined],
    ['plain', plain, 'http://auth.example/token', 'without TLS'],
  ])('%s away: %s', async (_name, http, url, reason) => {
    const check = (): Promise<void> => Promise.resolve().then(() => http.check(new URL(url), 'credentials'));
    if (reason === undefined) await check();
    else expect((await failureOf(check)).message).toContain(reason);
  });
});

describe('the header WWW-Authenticate', () => {
  it.each([
    ['Basic realm="a"', [['basic', { realm: 'a' }]]],
    [
      'Bearer realm="https://a/t",service="b, c",scope="d:e:f"',
      [['bearer', { realm: 'https://a/t', service: 'b, c', scope: 'd:e:f' }]],
    ],
    [
      'Basic realm="a", Bearer realm="b" , service=c',
      [
        ['basic', { realm: 'a' }],
        ['bearer', { realm: 'b', service: 'c' }],
      ],
    ],
    [
      'Negotiate, Basic realm=a',
      [
        ['negotiate', {}],
        ['basic', { realm: 'a' }],
      ],
    ],
    ['BASIC Realm = "a\\"b"', [['basic', { realm: 'a"b' }]]],
    ['Bearer realm="a', [['bearer', {}]]],
    ['', []],
    ['=,=', []],
  ])('%s', (header, expected) => {
    const found = parseChallenges(header).map(({ scheme, parameters }) => [
      scheme,
      Object.fromEntries(parameters),
    ]);
    expect(found).toEqual(expected);
  });

  it('is read in a moment, whatever it is', () => {
    const piece = fc.constantFrom('Bearer', 'realm', '=', '"', '\\', ',', ' ', '\t', 'a', 'é', '\0');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        expect(parseChallenges(pieces.join('')).length).toBeLessThanOrEqual(60);
      }),
    );
    const start = performance.now();
    for (const text of ['"', '\\', 'a', 'a=', 'a="', 'a,', ' ', 'a=b '])
      parseChallenges(`Bearer ${text.repeat(100_000)}`);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
