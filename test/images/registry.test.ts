import { randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import type { ImageSource } from '../../src/images/image-source.ts';
import { openRegistryImages } from '../../src/images/registry.ts';
import { failureOf, layerBytes, OPTIONS } from '../support/image-registry-client.ts';
import { gzipLayer, ImageRegistry, OCI, sha256 } from '../support/image-registry.ts';

const BASE = gzipLayer(randomBytes(300_000), '/bin/sh -c #(nop) ADD file:1 in /');
const TOP = gzipLayer(Buffer.from('top'), 'COPY corp.crt /usr/local/share/ca-certificates/');

const facts = ({ reference, name, platform, digest, environment, notes }: ImageSource): unknown => ({
  reference,
  name,
  platform,
  digest,
  environment,
  notes,
});

async function withIndex(): Promise<{ registry: ImageRegistry; digests: Record<string, string> }> {
  const registry = await ImageRegistry.start();
  const manifests = ['amd64', 'arm64', 's390x'].map((architecture) => ({
    ...registry.addImage([gzipLayer(Buffer.from(architecture))], { architecture }),
    platform: { os: 'linux', architecture },
  }));
  const attestation = {
    ...registry.addManifest({ schemaVersion: 2, config: {}, layers: [] }),
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
  };
  const index = { schemaVersion: 2, mediaType: OCI.index, manifests: [...manifests, attestation] };
  registry.addManifest(index, OCI.index, '1');
  return {
    registry,
    digests: Object.fromEntries(manifests.map(({ platform, digest }) => [platform.architecture, digest])),
  };
}

describe('an image in a registry', () => {
  it('is described by its manifest and its configuration', async () => {
    const registry = await ImageRegistry.start();
    const { digest } = registry.addImage([BASE, TOP], {
      tag: '1',
      env: ['SSL_CERT_FILE=/corp.pem', 'A=b=c'],
    });
    const [image, ...others] = await openRegistryImages(registry.reference(), OPTIONS);
    expect(others).toEqual([]);
    expect(image && facts(image)).toEqual({
      reference: registry.reference(),
      name: `${registry.host}/team/app:1`,
      platform: 'linux/amd64',
      digest,
      environment: { SSL_CERT_FILE: '/corp.pem', A: 'b=c' },
      notes: [],
    });
    expect(image?.layers.map(({ digest, createdBy }) => ({ digest, createdBy }))).toEqual(
      [BASE, TOP].map(({ bytes, createdBy }) => ({ digest: sha256(bytes), createdBy })),
    );
    await image?.close();
  });

  it('hands out its layers unpacked, as often as they are read, and not before', async () => {
    const registry = await ImageRegistry.start();
    registry.addImage([BASE, TOP], { tag: '1' });
    const [image] = await openRegistryImages(registry.reference(), OPTIONS);
    const isLayer = (line: string): boolean =>
      line.includes(sha256(BASE.bytes)) || line.includes(sha256(TOP.bytes));
    expect(registry.log.filter(isLayer)).toEqual([]);
    for (let time = 0; time < 2; time++) {
      const read = await Promise.all([layerBytes(image, 0), layerBytes(image, 1)]);
      expect(read.map(sha256)).toEqual([BASE, TOP].map(({ content }) => sha256(content)));
    }
    expect(registry.log.filter(isLayer)).toHaveLength(4);
  });

  it('may be without compression, and told to be with it', async () => {
    const registry = await ImageRegistry.start();
    const content = randomBytes(1000);
    registry.addImage([{ bytes: content, content }], { tag: '1' });
    const [image] = await openRegistryImages(registry.reference(), OPTIONS);
    expect(await layerBytes(image, 0)).toEqual(content);
  });

  it.each([
    ['the digest', (digest: string) => `@${digest}`],
    ['the digest rather than the tag', (digest: string) => `:other@${digest}`],
  ])('is named by %s', async (_name, rest) => {
    const registry = await ImageRegistry.start();
    const { digest } = registry.addImage([TOP]);
    registry.addImage([BASE], { tag: 'other' });
    const [image] = await openRegistryImages(registry.reference(rest(digest)), OPTIONS);
    expect(image?.digest).toBe(digest);
    expect(registry.log).not.toContain('GET /v2/team/app/manifests/other');
  });

  it('is the latest when nothing else is named', async () => {
    const registry = await ImageRegistry.start();
    registry.addImage([TOP], { tag: 'latest' });
    const [image] = await openRegistryImages(registry.reference(''), OPTIONS);
    expect(image?.name).toBe(`${registry.host}/team/app:latest`);
  });

  it('is asked for in every format, and without another packing', async () => {
    const registry = await ImageRegistry.start();
    registry.addImage([TOP], { tag: '1' });
    const asked: unknown[] = [];
    registry.fault(({ url, headers }) => {
      if (url?.endsWith('/manifests/1')) asked.push(headers.accept, headers['accept-encoding']);
      return false;
    });
    await openRegistryImages(registry.reference(), OPTIONS);
    expect(asked).toEqual([
      'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, ' +
        'application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json',
      'identity',
    ]);
  });

  it('with an empty layer has an empty layer', async () => {
    const registry = await ImageRegistry.start();
    registry.addImage([{ bytes: Buffer.alloc(0), content: Buffer.alloc(0) }], { tag: '1' });
    const [image] = await openRegistryImages(registry.reference(), OPTIONS);
    expect(await layerBytes(image, 0)).toEqual(Buffer.alloc(0));
  });

  it('may have many layers, which are read at the same time', async () => {
    const warnings: string[] = [];
    const warn = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', warn);
    const registry = await ImageRegistry.start();
    const layers = Array.from({ length: 40 }, (_, index) => gzipLayer(Buffer.from(`layer ${index}`)));
    registry.addImage(layers, { tag: '1' });
    const [image] = await openRegistryImages(registry.reference(), OPTIONS);
    const read = await Promise.all(layers.map((_layer, index) => layerBytes(image, index)));
    expect(read.map(String)).toEqual(layers.map(({ content }) => String(content)));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', warn);
    expect(warnings).toEqual([]);
  });

  it('lets go of the connection when a layer is not read to its end', async () => {
    const registry = await ImageRegistry.start();
    registry.addImage([TOP], { tag: '1' });
    const [image] = await openRegistryImages(registry.reference(), OPTIONS);
    let isClosed = false;
    registry.fault((_request, response) => {
      response.on('close', () => (isClosed = true));
      response.writeHead(200).write(Buffer.alloc(2));
    });
    const content = image?.layers[0]?.content;
    if (content?.kind !== 'stream') throw new Error('no stream');
    const pieces = content.open()[Symbol.asyncIterator]();
    const next = pieces.next().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await image?.close();
    await next;
    await pieces.return?.();
    await vi.waitFor(() => expect(isClosed).toBe(true));
  });

  it('stops what is under way when it is closed', async () => {
    const registry = await ImageRegistry.start();
    registry.addImage([BASE], { tag: '1' });
    const [image] = await openRegistryImages(registry.reference(), OPTIONS);
    registry.fault((_request, response) => void response.writeHead(200).write('x'));
    const reading = failureOf(() => layerBytes(image, 0));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await image?.close();
    await image?.close();
    expect((await reading).message).toContain('has been closed');
  });
});

describe('an image for several platforms', () => {
  it.each([
    ['linux/arm64', ['arm64']],
    ['linux/arm64/v8', ['arm64']],
    ['linux/s390x', ['s390x']],
    ['all', ['amd64', 'arm64', 's390x']],
  ])('gives for %s those for %j', async (platform, expected) => {
    const { registry, digests } = await withIndex();
    const images = await openRegistryImages(registry.reference(), { ...OPTIONS, platform });
    expect(images.map(({ digest }) => digest)).toEqual(expected.map((each) => digests[each]));
    expect(await Promise.all(images.map((image) => layerBytes(image, 0)))).toEqual(
      expected.map((each) => Buffer.from(each)),
    );
  });

  it('tells its images apart by their platform', async () => {
    const { registry } = await withIndex();
    const images = await openRegistryImages(registry.reference(), { ...OPTIONS, platform: 'all' });
    expect(images.map(({ reference }) => reference)).toEqual(
      ['amd64', 'arm64', 's390x'].map((each) => `${registry.reference()} (linux/${each})`),
    );
    // The one may be read when another is closed.
    await images[0]?.close();
    expect(await layerBytes(images[1], 0)).toEqual(Buffer.from('arm64'));
  });

  it('gives one image when no platform is named', async () => {
    const { registry } = await withIndex();
    const [image, ...others] = await openRegistryImages(registry.reference(), OPTIONS);
    expect([image?.reference, others]).toEqual([registry.reference(), []]);
  });

  it('says what there is in place of a platform that is not', async () => {
    const { registry } = await withIndex();
    const failure = await failureOf(() =>
      openRegistryImages(registry.reference(), { ...OPTIONS, platform: 'linux/riscv64' }),
    );
    expect([failure.message, failure.hint]).toEqual([
      `${registry.host}/team/app:1 has no image for linux/riscv64`,
      'It has linux/amd64, linux/arm64, linux/s390x.',
    ]);
  });
});
