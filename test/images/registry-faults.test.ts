import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:https';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RootauditError } from '../../src/core/errors.ts';
import { openRegistryImages } from '../../src/images/registry.ts';
import { failureOf, layerBytes, OPTIONS } from '../support/image-registry-client.ts';
import { gzipLayer, ImageRegistry, OCI, sendBlob, serve, sha256 } from '../support/image-registry.ts';
import { makeCertificate } from '../support/certificates.ts';

const LAYER = gzipLayer(randomBytes(400_000));
const DIGEST = sha256(LAYER.bytes);
const STORED = Buffer.from(LAYER.bytes);
const isBlob = (url: string | undefined): boolean => url === `/v2/team/app/blobs/${DIGEST}`;
const isManifest = (url: string | undefined): boolean => url?.startsWith('/v2/team/app/manifests/') ?? false;

async function makeRegistry(): Promise<ImageRegistry> {
  const registry = await ImageRegistry.start();
  registry.addImage([LAYER], { tag: '1' });
  return registry;
}

async function readLayer(registry: ImageRegistry, limits: object = {}): Promise<string> {
  const options = { ...OPTIONS, limits: { ...OPTIONS.limits, ...limits } };
  const [image] = await openRegistryImages(registry.reference(), options);
  return sha256(await layerBytes(image, 0));
}

const RIGHT = sha256(LAYER.content);
const blobRequests = (registry: ImageRegistry): string[] =>
  registry.log
    .filter((line) => line.includes('/blobs/') && line.includes(DIGEST))
    .map((line) => line.split(' ')[2] ?? '');

describe('a layer on a bad connection', () => {
  it('is continued where it broke off', async () => {
    const registry = await makeRegistry();
    registry.fault((request, response) => {
      if (!isBlob(request.url)) return false;
      const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
      if (start > 300_000) return false;
      response.writeHead(start === 0 ? 200 : 206, {
        'content-length': STORED.length - start,
        ...(start > 0 && { 'content-range': `bytes ${start}-${STORED.length - 1}/${STORED.length}` }),
      });
      response.write(STORED.subarray(start, start + 150_000), () => response.destroy());
      return true;
    });
    expect(await readLayer(registry)).toBe(RIGHT);
    const [first, ...others] = blobRequests(registry);
    expect(first).toBe('');
    expect(others.length).toBeGreaterThan(1);
    expect(others.every((range) => /^bytes=\d+-$/.test(range))).toBe(true);
  });

  it('is read again from its beginning where the registry knows no ranges', async () => {
    const registry = await makeRegistry();
    let times = 0;
    registry.fault((request, response) => {
      if (!isBlob(request.url)) return false;
      response.writeHead(200, { 'content-length': STORED.length });
      if (times++ > 1) response.end(STORED);
      else response.write(STORED.subarray(0, 100_000 * times), () => response.destroy());
      return true;
    });
    expect(await readLayer(registry)).toBe(RIGHT);
  });

  it('is continued when it ends early without a length', async () => {
    const registry = await makeRegistry();
    registry.fault((request, response) => {
      if (!isBlob(request.url) || request.headers.range !== undefined) return false;
      response.writeHead(200).end(STORED.subarray(0, 1234));
      return true;
    });
    expect(await readLayer(registry)).toBe(RIGHT);
    expect(blobRequests(registry)).toEqual(['', 'bytes=1234-']);
  });

  it('is given up when it never goes on', async () => {
    const registry = await makeRegistry();
    registry.fault((request, response) => {
      if (!isBlob(request.url)) return false;
      response.writeHead(200, { 'content-length': STORED.length });
      response.write(STORED.subarray(0, 1000), () => response.destroy());
      return true;
    });
    const failure = await failureOf(() => readLayer(registry));
    expect(failure.message).toContain(`broke`);
    expect(failure.message).toContain(
      `of ${STORED.length} bytes of layer 1 of ${registry.host}/team/app:1 (${DIGEST})`,
    );
    expect(blobRequests(registry).length).toBeLessThanOrEqual(6);
  });

  it('is given up when it brings a byte at a time', async () => {
    const registry = await makeRegistry();
    registry.fault((request, response) => {
      if (!isBlob(request.url)) return false;
      response.writeHead(request.headers.range === undefined ? 200 : 500);
      let sent = 0;
      const timer = setInterval(() => response.write(STORED.subarray(sent, ++sent)), 20);
      response.on('close', () => clearInterval(timer));
      return true;
    });
    const start = performance.now();
    const failure = await failureOf(() => readLayer(registry, { stallTimeout: 300, headTimeout: 300 }));
    expect(failure.message).toContain('500');
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it('is not taken from another place than was asked for', async () => {
    const registry = await makeRegistry();
    registry.fault((request, response) => {
      if (!isBlob(request.url)) return false;
      if (request.headers.range === undefined) response.writeHead(200).end(STORED.subarray(0, 1000));
      else
        response
          .writeHead(206, { 'content-range': `bytes 5000-9999/${STORED.length}` })
          .end(STORED.subarray(5000, 10_000));
      return true;
    });
    expect((await failureOf(() => readLayer(registry))).message).toContain('another part of layer 1');
  });

  it('is not waited for without end', async () => {
    const registry = await makeRegistry();
    registry.fault(({ url }, response) => (isBlob(url) ? void response.writeHead(200).write('x') : false));
    const failure = await failureOf(() => readLayer(registry, { stallTimeout: 100, retries: 2 }));
    expect(failure.message).toContain('no answer in time');
  });
});

describe('a registry that is busy', () => {
  it('is asked again after the time that it names', async () => {
    const registry = await makeRegistry();
    let times = 0;
    registry.fault((_request, response) => {
      if (times++ > 0) return false;
      response.writeHead(429, { 'retry-after': '1' }).end('{"errors":[{"code":"TOOMANYREQUESTS"}]}');
      return true;
    });
    const start = performance.now();
    expect(await readLayer(registry)).toBe(RIGHT);
    expect(performance.now() - start).toBeGreaterThan(990);
  });

  it('is asked again after the date that it names', async () => {
    const registry = await makeRegistry();
    let times = 0;
    registry.fault((_request, response) => {
      if (times++ > 0) return false;
      response.writeHead(503, { 'retry-after': new Date(Date.now() + 2000).toUTCString() }).end();
      return true;
    });
    const start = performance.now();
    expect(await readLayer(registry)).toBe(RIGHT);
    expect(performance.now() - start).toBeGreaterThan(500);
  });

  it.each([429, 500, 502, 503, 504])('with %i is given up after some times', async (status) => {
    const registry = await makeRegistry();
    registry.fault((_request, response) => void response.writeHead(status).end());
    const failure = await failureOf(() => readLayer(registry));
    expect([failure.message, failure.hint, registry.log.length]).toEqual([
      `${registry.host} answers with status ${status}${status === 429 ? ' (too many requests)' : ''}`,
      'Try again later.',
      4,
    ]);
  });

  it('for hours is given up at once', async () => {
    const registry = await makeRegistry();
    registry.fault((_request, response) => void response.writeHead(429, { 'retry-after': '21600' }).end());
    const failure = await failureOf(() => readLayer(registry));
    expect(failure.message).toContain('asks to wait for 360 minutes');
    expect(failure.hint).toContain('docker login');
    expect(registry.log).toHaveLength(1);
  });

  it('is asked again when it closes the connection', async () => {
    const registry = await makeRegistry();
    let times = 0;
    registry.fault(({ socket }) => (times++ % 2 === 0 ? void socket.destroy() : false));
    expect(await readLayer(registry)).toBe(RIGHT);
  });

  it('is not waited for without end', async () => {
    const registry = await makeRegistry();
    registry.fault(() => true);
    const failure = await failureOf(() => readLayer(registry, { headTimeout: 50, retries: 2 }));
    expect(failure.message).toBe(`${registry.host} cannot be reached: no answer in time`);
    expect(registry.log).toHaveLength(3);
  });

  it('is not reached when nobody is there', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    const host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 1}`;
    const failure = await failureOf(() => openRegistryImages(`registry:${host}/app`, OPTIONS));
    expect([failure.message, failure.hint]).toEqual([
      `${host} cannot be reached: the connection is refused`,
      undefined,
    ]);
    const environment = {
      HTTPS_PROXY: 'http://user:secret@proxy.example',
      ALL_PROXY: 'http://proxy.example',
    };
    const { hint } = await failureOf(() =>
      openRegistryImages(`registry:${host}/app`, { ...OPTIONS, environment }),
    );
    expect(hint).toBeUndefined();
  });
});

describe('what does not have its digest', () => {
  const other = Buffer.from('{"schemaVersion":2}');
  it('is refused: the manifest that was named by it', async () => {
    const registry = await ImageRegistry.start();
    const { digest } = registry.addImage([LAYER]);
    registry.replace(digest, other);
    const failure = await failureOf(() => openRegistryImages(registry.reference(`@${digest}`), OPTIONS));
    expect(failure.message).toContain('does not have the digest that it should have');
  });

  it('is refused: the manifest of a tag, when the registry tells another', async () => {
    const registry = await makeRegistry();
    registry.fault(({ url }, response) => {
      if (isManifest(url)) response.setHeader('docker-content-digest', sha256('x'));
      return false;
    });
    registry.fault(({ url }, response) => {
      if (!isManifest(url)) return false;
      response
        .writeHead(200, { 'docker-content-digest': sha256('x'), 'content-type': OCI.manifest })
        .end(other);
      return true;
    });
    const failure = await failureOf(() => openRegistryImages(registry.reference(), OPTIONS));
    expect(failure.message).toContain('does not have the digest that it should have');
  });

  it('is refused: a manifest of an index', async () => {
    const registry = await ImageRegistry.start();
    const image = { ...registry.addImage([LAYER]), platform: { os: 'linux', architecture: 'amd64' } };
    registry.addManifest({ schemaVersion: 2, manifests: [image] }, OCI.index, '1');
    registry.replace(image.digest, Buffer.alloc(image.size, ' '));
    const failure = await failureOf(() => readLayer(registry));
    expect(failure.message).toContain('does not have the digest that it should have');
  });

  it.each([
    ['the configuration', 1, 'the configuration of'],
    ['a layer', 0, 'layer 1 of'],
  ])('is refused: %s', async (_name, index, what) => {
    const registry = await ImageRegistry.start();
    const layer = registry.addBlob(LAYER.bytes);
    const config = registry.addBlob(Buffer.from('{"os":"linux","architecture":"amd64"}'), OCI.config);
    registry.addManifest({ schemaVersion: 2, config, layers: [layer] }, OCI.manifest, '1');
    const { digest, size } = index === 1 ? config : layer;
    const changed = index === 1 ? Buffer.alloc(size, ' ') : gzipSync(randomBytes(400_000)).subarray(0, size);
    registry.replace(digest, Buffer.concat([changed, Buffer.alloc(size - changed.length)]));
    const failure = await failureOf(() => readLayer(registry));
    expect(failure.message).toMatch(new RegExp(`^${what} ${registry.host}/team/app:1`));
  });

  it('is refused: what a layer unpacks to', async () => {
    const registry = await ImageRegistry.start();
    registry.addImage([{ ...LAYER, content: Buffer.from('something else') }], { tag: '1' });
    const failure = await failureOf(() => readLayer(registry));
    expect(failure.message).toContain('unpacked, does not have the digest that it should have');
  });

  it.each([
    ['larger', Buffer.concat([STORED, Buffer.from('x')])],
    ['smaller', STORED.subarray(1)],
  ])('is refused: a layer that is %s than it should be', async (_name, bytes) => {
    const registry = await makeRegistry();
    registry.fault((request, response) => (isBlob(request.url) ? sendBlob(bytes, request, response) : false));
    const failure = await failureOf(() => readLayer(registry));
    expect(failure.message).toBe(
      `layer 1 of ${registry.host}/team/app:1 (${DIGEST}) has ${bytes.length} bytes and not the ${STORED.length} that its manifest tells`,
    );
    expect(blobRequests(registry)).toHaveLength(1);
  });

  it('is refused: a layer without end', async () => {
    const registry = await makeRegistry();
    registry.fault(({ url }, response) => {
      if (!isBlob(url)) return false;
      const piece = Buffer.alloc(1 << 16);
      const more = (): void => void (response.writable && response.write(piece, more));
      response.writeHead(200);
      more();
      return true;
    });
    expect((await failureOf(() => readLayer(registry))).message).toMatch(
      /^layer 1 of .* has more than the \d+ bytes/,
    );
  });
});

describe('a document that is not to be read', () => {
  const answerWith = async (bytes: Buffer, type: string = OCI.manifest): Promise<ImageRegistry> => {
    const registry = await ImageRegistry.start();
    registry.fault((_request, response) => void response.writeHead(200, { 'content-type': type }).end(bytes));
    return registry;
  };
  const SCHEMA_1 = { schemaVersion: 1, name: 'a', fsLayers: [{ blobSum: DIGEST }], history: [] };
  const image = { config: { mediaType: OCI.config, digest: DIGEST, size: 2 }, layers: [] };

  it.each([
    [
      'is of the first format',
      SCHEMA_1,
      'application/vnd.docker.distribution.manifest.v1+prettyjws',
      "Docker's first format",
    ],
    ['is of the first format, under another name', SCHEMA_1, OCI.manifest, "Docker's first format"],
    ['is called an index and is a manifest', image, OCI.index, 'not trustworthy'],
    ['is called a manifest and is an index', { manifests: [] }, OCI.manifest, 'not trustworthy'],
    [
      'is both an index and a manifest',
      { manifests: [], ...image },
      OCI.manifest,
      'both an index and a manifest',
    ],
    [
      'is a chart',
      { ...image, config: { ...image.config, mediaType: 'application/vnd.cncf.helm.config.v1+json' } },
      OCI.manifest,
      'no image in it',
    ],
    [
      'has a digest that leads elsewhere',
      { ...image, config: { ...image.config, digest: 'sha256:../../x' } },
      OCI.manifest,
      'no digest',
    ],
    ['has nothing', {}, OCI.manifest, 'cannot be used'],
    ['is a list', [], OCI.manifest, 'cannot be used'],
    ['names itself', { manifests: [] }, OCI.index, 'no image in it'],
  ])('%s', async (_name, document, type, reason) => {
    const registry = await answerWith(Buffer.from(JSON.stringify(document)), type);
    const failure = await failureOf(() => openRegistryImages(registry.reference(), OPTIONS));
    expect(failure.message).toContain(reason);
  });

  it('is a page of a web site', async () => {
    const registry = await answerWith(Buffer.from('<!doctype html><title>Log in</title>'), 'text/html');
    const failure = await failureOf(() => openRegistryImages(registry.reference(), OPTIONS));
    expect(failure.message).toContain('cannot be read');
  });

  it('is not there', async () => {
    const registry = await makeRegistry();
    const failure = await failureOf(() => openRegistryImages(registry.reference(':2'), OPTIONS));
    expect([failure.message, failure.hint]).toEqual([
      `${registry.host} has no ${registry.host}/team/app:2`,
      'Are the name and the tag right?',
    ]);
  });

  it('is too large, whether the registry says so or not', async () => {
    const registry = await ImageRegistry.start();
    const piece = Buffer.alloc(1 << 20, ' ');
    let sent = 0;
    registry.fault((_request, response) => {
      const more = (): void => {
        sent += piece.length;
        if (response.writable && sent < 200 << 20) response.write(piece, more);
      };
      response.writeHead(200, { 'content-type': OCI.manifest });
      more();
      return true;
    });
    const failure = await failureOf(() => openRegistryImages(registry.reference(), OPTIONS));
    expect(failure.message).toBe(
      `the manifest of ${registry.host}/team/app:1 has more than 16,777,216 bytes`,
    );
    expect(sent).toBeLessThan(100 << 20);
  });

  it('may be any bytes, and is refused in our own words', async () => {
    const registry = await makeRegistry();
    let answer = Buffer.alloc(0);
    registry.addImage([LAYER], { tag: 'good' });
    registry.fault(({ url }, response) => {
      if (!url?.endsWith('/manifests/1')) return false;
      response.writeHead(200).end(answer);
      return true;
    });
    const manifest = registry.log.length === 0 ? JSON.stringify({ schemaVersion: 2, ...image }) : '';
    const mutated = fc
      .array(fc.tuple(fc.nat(manifest.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const bytes = Buffer.from(manifest);
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          mutated,
          fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
        ),
        async (bytes) => {
          answer = bytes;
          const ended = await openRegistryImages(registry.reference(), OPTIONS).catch(
            (error: unknown) => error,
          );
          expect(ended).toBeInstanceOf(RootauditError);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a layer that is not handed out', () => {
  it('is an error when it is encrypted', async () => {
    const registry = await ImageRegistry.start();
    registry.addImage([{ ...LAYER, mediaType: `${OCI.gzip}+encrypted` }], { tag: '1' });
    const failure = await failureOf(() => openRegistryImages(registry.reference(), OPTIONS));
    expect(failure.message).toContain('is encrypted');
  });

  const FOREIGN = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
  it.each([
    ['is a note when its maker does not want it handed out', 404, 1],
    ['is read when the registry has it in spite of that', 200, 2],
  ])('%s', async (_name, status, expected) => {
    const registry = await ImageRegistry.start();
    registry.addImage([{ ...LAYER, mediaType: FOREIGN }, gzipLayer(Buffer.from('top'))], { tag: '1' });
    if (status === 404)
      registry.fault(({ url }, response) => (isBlob(url) ? void response.writeHead(404).end() : false));
    const [image] = await openRegistryImages(registry.reference(), OPTIONS);
    expect(image?.layers).toHaveLength(expected);
    expect(image?.notes).toHaveLength(2 - expected);
    expect(String(await layerBytes(image, expected - 1))).toBe('top');
  });

  it('is an error when it is read and is not there', async () => {
    const registry = await makeRegistry();
    registry.fault(({ url }, response) => (isBlob(url) ? void response.writeHead(404).end() : false));
    const failure = await failureOf(() => readLayer(registry));
    expect(failure.message).toBe(
      `${registry.host} does not have layer 1 of ${registry.host}/team/app:1 (${DIGEST})`,
    );
  });
});

describe('redirects', () => {
  it.each([
    ['to an address without TLS elsewhere', 'http://storage.example/x', 'without TLS'],
    ['to a file', 'file:///etc/passwd', 'without TLS'],
    ['to nowhere', 'http://[', 'address that is none'],
    ['in a circle', '', 'without end'],
  ])('%s are refused', async (_name, location, reason) => {
    const registry = await makeRegistry();
    registry.fault(({ url }, response) =>
      isBlob(url) ? void response.writeHead(302, { location: location || url }).end() : false,
    );
    expect((await failureOf(() => readLayer(registry))).message).toContain(reason);
    expect(blobRequests(registry).length).toBeLessThanOrEqual(6);
  });

  it('are followed for each part of a layer anew', async () => {
    const registry = await makeRegistry();
    const asked: (string | undefined)[] = [];
    const storage = await serve((request, response) => {
      asked.push(request.headers.range);
      if (asked.length > 1) return sendBlob(STORED, request, response);
      response.writeHead(200, { 'content-length': STORED.length });
      return response.write(STORED.subarray(0, 1000), () => response.destroy());
    });
    registry.fault(({ url }, response) =>
      isBlob(url) ? void response.writeHead(307, { location: `http://${storage}/x?signed` }).end() : false,
    );
    expect(await readLayer(registry)).toBe(RIGHT);
    expect(asked).toHaveLength(2);
    expect(blobRequests(registry)).toHaveLength(2);
  });
});

describe('TLS', () => {
  afterEach(() => vi.unstubAllEnvs());

  it.each(['quay.io', '128.0.0.1:5000', 'localhost.example.com', '[2001:db8::1]:5000'])(
    'cannot be left out for %s',
    async (host) => {
      const failure = await failureOf(() => openRegistryImages(`registry:${host}/app`, OPTIONS));
      expect(failure.message).toBe(`--plain-http is for a registry on this computer, and ${host} is not`);
    },
  );

  it('is spoken also with this computer unless it is left out', async () => {
    const registry = await makeRegistry();
    const failure = await failureOf(() =>
      openRegistryImages(registry.reference(), { ...OPTIONS, plainHttp: false }),
    );
    expect([failure.message, failure.hint]).toEqual([
      `${registry.host} cannot be reached: it does not speak TLS`,
      'For a registry without TLS on this computer use --plain-http.',
    ]);
    expect(registry.log).toEqual([]);
  });

  const serveTls = async (location: string): Promise<{ host: string; close: () => void }> => {
    const { pem, key } = makeCertificate({ subject: { CN: 'localhost' } });
    const privateKey = key.privateKey.export({ type: 'pkcs8', format: 'pem' });
    const server = createTlsServer({ cert: pem, key: privateKey }, (_request, response) =>
      response.writeHead(302, { location }).end(),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const close = (): void => {
      server.closeAllConnections();
      server.close();
    };
    return { host: `127.0.0.1:${address.port}`, close };
  };

  it('wants a certificate of a trusted root', async () => {
    const server = await serveTls('/');
    const options = { ...OPTIONS, plainHttp: false };
    const failure = await failureOf(() => openRegistryImages(`registry:${server.host}/app`, options));
    expect(failure.message).toBe(`${server.host} cannot be reached: its certificate is signed by itself`);
    expect(failure.hint).toContain('NODE_EXTRA_CA_CERTS');
    server.close();
  });

  it('is not left by a redirect', async () => {
    const plain = await makeRegistry();
    const server = await serveTls(`http://${plain.host}/v2/team/app/manifests/1`);
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const options = { ...OPTIONS, plainHttp: false };
    const failure = await failureOf(() => openRegistryImages(`registry:${server.host}/app`, options));
    expect(failure.message).toContain('without TLS');
    expect(plain.log).toEqual([]);
    server.close();
  });
});
