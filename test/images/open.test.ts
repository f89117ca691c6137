import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { RootauditError } from '../../src/core/errors.ts';
import type { ImageSource } from '../../src/images/image-source.ts';
import { findImages, openReference, type OpenOptions } from '../../src/images/open.ts';
import {
  addBlob,
  addImage,
  digestOf,
  dockerMembers,
  json,
  ociFiles,
  ociTar,
  readLayers,
  withIndex,
  writeFiles,
  writeTemporary,
  type DockerStyle,
  type OciFiles,
  type TestImage,
} from '../support/images.ts';
import { hasSample } from '../support/root.ts';
import { makeFilesTar, makeTar, type TarMember } from '../support/tar.ts';

const BASE = makeFilesTar({ 'etc/os-release': 'ID=debian\n', 'usr/share/a': 'a'.repeat(2000) });
const TOP = makeFilesTar({ 'usr/local/share/ca-certificates/corp.crt': 'x' });
const GZIPPED = gzipSync(TOP);
const IMAGE: TestImage = {
  layers: [
    { plain: BASE, createdBy: 'ADD base' },
    { plain: TOP, packed: GZIPPED, createdBy: 'COPY corp.crt' },
  ],
  names: ['example/app:1.2', 'example/app:latest'],
  env: ['SSL_CERT_FILE=/x.pem'],
};
const OTHER: TestImage = { layers: [{ plain: TOP }], names: ['other:1'], platform: 'linux/arm64/v8' };
const STYLES: DockerStyle[] = ['legacy', 'skopeo', 'blobs'];

const opened: ImageSource[] = [];

async function find(reference: string, options: Partial<OpenOptions> = {}): Promise<ImageSource[]> {
  const images: ImageSource[] = [];
  for await (const found of findImages(reference, { verify: false, platform: 'linux/amd64', ...options })) {
    if (!('layers' in found)) throw new Error(`${reference} is a ${found.kind}`);
    images.push(found);
    opened.push(found);
  }
  return images;
}

const failure = (result: Promise<unknown>): Promise<string> =>
  result.then(
    () => 'nothing',
    (error: unknown) => (error instanceof RootauditError ? error.message : `not ours: ${String(error)}`),
  );

async function allBytes(image: ImageSource | undefined): Promise<string[]> {
  return image ? (await readLayers(image)).map(({ bytes }) => digestOf(bytes)) : [];
}

/** Descriptors of files below /tmp and of deleted ones. */
function openFiles(): string[] {
  const { stdout } = spawnSync('sh', ['-c', `ls -l /proc/${process.pid}/fd`], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line.includes('/rootaudit-'));
}

afterEach(async () => {
  for (const image of opened.splice(0)) await image.close();
  expect(openFiles()).toEqual([]);
});

describe.each(STYLES)('an archive of docker save, %s', (style) => {
  const members = dockerMembers([IMAGE], style);

  it('is read by seeking where layers are plain, and as a stream where not', async () => {
    const path = writeTemporary('app.tar', makeTar(members));
    const [image, ...others] = await find(path);
    expect(others).toEqual([]);
    expect(image).toMatchObject({
      reference: `${path} (example/app:1.2)`,
      name: 'example/app:1.2',
      platform: 'linux/amd64',
      environment: { SSL_CERT_FILE: '/x.pem' },
      notes: ['this image is also named example/app:latest'],
      layers: [
        { digest: digestOf(BASE), createdBy: 'ADD base' },
        { digest: style === 'blobs' ? digestOf(GZIPPED) : digestOf(TOP), createdBy: 'COPY corp.crt' },
      ],
    });
    expect(image && (await readLayers(image))).toEqual([
      { kind: 'seekable', bytes: BASE },
      { kind: 'stream', bytes: TOP },
    ]);
    // As often as needed.
    expect(await allBytes(image)).toEqual(await allBytes(image));
  });

  it('is read the other way round, compressed, and with dots before its names', async () => {
    const dotted = members.toReversed().map((each) => ({ ...each, path: `./${each.path}` }));
    const plain = makeTar([{ path: './' }, ...dotted]);
    for (const bytes of [plain, gzipSync(plain)]) {
      const [image] = await find(writeTemporary('app', bytes));
      expect(await allBytes(image)).toEqual([digestOf(BASE), digestOf(TOP)]);
    }
  });

  it('gives all its images, or the one that was asked for', async () => {
    const path = writeTemporary('two.tar', makeTar(dockerMembers([IMAGE, OTHER], style)));
    const names = async (reference: string, options: Partial<OpenOptions> = {}): Promise<string[]> =>
      (await find(reference, options)).map(({ name }) => name ?? '');
    const all = ['example/app:1.2', 'other:1'];
    expect(await names(path, { platform: undefined })).toEqual(all);
    expect(await names(path, { platform: 'all' })).toEqual(all);
    expect(await names(path, { platform: 'linux/arm64' })).toEqual(['other:1']);
    for (const name of ['other:1', '1', '@1']) {
      expect(await names(`docker-archive:${path}:${name}`, { platform: undefined })).toEqual(['other:1']);
    }
    expect(await failure(find(path, { platform: 'linux/s390x' }))).toBe(
      `${path} has no image for linux/s390x`,
    );
    expect(await failure(find(`docker-archive:${path}:x`))).toBe(`${path} has no image named x`);
  });

  it('is judged no further when a digest is wrong, read as a stream or with --verify', async () => {
    const damaged = (bytes: Uint8Array): TarMember[] =>
      members.map((each) => {
        if (each.content !== bytes) return each;
        const content = Buffer.from(bytes);
        content[bytes === GZIPPED ? 4 : 600] = 0x42;
        return { ...each, content };
      });
    const plain = writeTemporary('plain.tar', makeTar(damaged(BASE)));
    expect(await find(plain)).toHaveLength(1);
    expect(await failure(find(plain, { verify: true }))).toMatch(
      /^layer 1 of .*plain\.tar \(.*\) does not have the digest that it should have: expected sha256:\w+, got sha256:\w+$/,
    );
    // The time in the head of gzip: only the packed digest can tell.
    const [image] = await find(writeTemporary('gzip.tar', makeTar(damaged(GZIPPED))));
    const message = await failure(allBytes(image));
    if (style === 'blobs') expect(message).toMatch(/^layer 2 of .* does not have the digest/);
    else expect(message).toBe('nothing');
    expect(await find(writeTemporary('good.tar', makeTar(members)), { verify: true })).toHaveLength(1);
  });
});

describe('an archive of docker save', () => {
  const manifest = (changes: object): TarMember => ({
    path: 'manifest.json',
    content: json([{ Config: 'c.json', RepoTags: null, Layers: ['l.tar'], ...changes }]),
  });
  const config = (...layers: Uint8Array[]): TarMember => ({
    path: 'c.json',
    content: json({
      os: 'linux',
      architecture: 'amd64',
      rootfs: { diff_ids: layers.map((each) => digestOf(each)) },
    }),
  });
  const layer = { path: 'l.tar', content: BASE };

  it.each<[string, TarMember[], RegExp]>([
    ['a layer is missing', [manifest({}), config(BASE)], /^layer 1 of \S+ \(l\.tar\) is missing$/],
    [
      'a layer is somewhere else',
      [manifest({ Layers: ['../../etc/passwd'] }), config(BASE)],
      /^layer 1 of \S+ \(\.\.\/\.\.\/etc\/passwd\) is missing$/,
    ],
    [
      'a layer is a link to somewhere else',
      [manifest({}), config(BASE), { path: 'l.tar', link: '/etc/passwd' }],
      /^layer 1 .* is missing$/,
    ],
    [
      'a layer is a link to itself',
      [manifest({}), config(BASE), { path: 'l.tar', link: './l.tar' }],
      /^layer 1 .* is missing$/,
    ],
    ['a layer is a directory', [manifest({}), config(BASE), { path: 'l.tar/' }], /^layer 1 .* is missing$/],
    [
      'a layer is something else',
      [manifest({}), config(BASE), { path: 'l.tar', content: 'x'.repeat(600) }],
      /^layer 1 .* is no tar archive/,
    ],
    ['the configuration is missing', [manifest({}), layer], /^the configuration c\.json of \S+ is missing$/],
    [
      'the configuration is damaged',
      [manifest({}), layer, { path: 'c.json', content: '{' }],
      /^the configuration c\.json of \S+ cannot be read: /,
    ],
    [
      'the configuration has other layers',
      [manifest({}), config(BASE, TOP), layer],
      /tells of 2 layers, and the manifest of 1$/,
    ],
    [
      'manifest.json is damaged',
      [{ path: 'manifest.json', content: '[' }, layer],
      /^manifest\.json of \S+ cannot be read/,
    ],
    ['there is no image in it', [{ path: 'manifest.json', content: '[]' }], /has no image in it$/],
  ])('is not judged when %s', async (_, members, message) => {
    expect(await failure(find(writeTemporary('a.tar', makeTar(members))))).toMatch(message);
  });

  it('is not judged when it is cut off', async () => {
    const bytes = makeTar([manifest({}), config(BASE), layer]);
    expect(await failure(find(writeTemporary('a.tar', bytes.subarray(0, -2000))))).toMatch(
      /^\S+ cannot be read whole: the archive is cut off/,
    );
    const packed = gzipSync(bytes);
    expect(await failure(find(writeTemporary('a.tgz', packed.subarray(0, -20))))).toMatch(
      /^\S+ cannot be unpacked: it ends too early$/,
    );
  });

  it('takes the last of several members of one name, as unpacking does', async () => {
    const members = [{ ...layer, content: TOP }, layer, manifest({}), config(BASE)];
    const [image] = await find(writeTemporary('a.tar', makeTar(members)), {
      platform: undefined,
      verify: true,
    });
    expect(await allBytes(image)).toEqual([digestOf(BASE)]);
  });

  it('with an index beside it gives platforms that manifest.json does not have', async () => {
    const arm: TestImage = { ...OTHER, names: ['app:1'] };
    const amd: TestImage = { ...IMAGE, names: ['app:1'] };
    const files = ociFiles([amd, arm]);
    for (const { path, content } of dockerMembers([amd], 'blobs'))
      files.set(path, Buffer.from(content ?? ''));
    const path = writeTemporary('both.tar', ociTar(files));
    const platforms = async (platform: string | undefined): Promise<(string | undefined)[]> =>
      (await find(path, { platform })).map((image) => image.platform);
    expect(await platforms(undefined)).toEqual(['linux/amd64']);
    expect(await platforms('linux/arm64')).toEqual(['linux/arm64/v8']);
    expect(await platforms('all')).toEqual(['linux/amd64', 'linux/arm64/v8']);
  });
});

describe.each<[string, (files: OciFiles) => string]>([
  ['directory', writeFiles],
  ['tar archive', (files) => writeTemporary('oci.tar', ociTar(files))],
  ['compressed tar archive', (files) => writeTemporary('oci.tgz', gzipSync(ociTar(files)))],
])('an OCI layout as a %s', (kind, write) => {
  const prefix = kind === 'directory' ? 'oci' : 'oci-archive';

  it('gives its images, each once, in the platform that was asked for', async () => {
    const path = write(ociFiles([IMAGE, OTHER]));
    const [image, ...others] = await find(path);
    expect(others).toEqual([]);
    expect(image).toMatchObject({
      name: 'example/app:1.2',
      platform: 'linux/amd64',
      environment: { SSL_CERT_FILE: '/x.pem' },
      notes: [`${path} (other:1) is not made for linux/amd64`],
      layers: [
        { digest: digestOf(BASE), createdBy: 'ADD base' },
        { digest: digestOf(GZIPPED), createdBy: 'COPY corp.crt' },
      ],
    });
    expect((await readLayers(image ?? fail())).map(({ kind: how, bytes }) => [how, digestOf(bytes)])).toEqual(
      [
        ['seekable', digestOf(BASE)],
        ['stream', digestOf(TOP)],
      ],
    );
    expect(await find(path, { platform: 'all' })).toHaveLength(2);
    expect((await find(`${prefix}:${path}:other:1`, { platform: 'all' })).map(({ name }) => name)).toEqual([
      'other:1',
    ]);
    expect(await failure(find(`${prefix}:${path}:nothing`))).toBe(`${path} has no image named nothing`);
    expect(await failure(find(path, { platform: 'linux/s390x' }))).toBe(
      `${path} has no image for linux/s390x`,
    );
  });

  it('has indexes within indexes, attestations and charts among images', async () => {
    const files: OciFiles = new Map();
    const platforms = ['linux/amd64', 'linux/arm64/v8'].map((platform) => {
      const [os, architecture, variant] = platform.split('/');
      return {
        ...addImage(files, { ...IMAGE, platform }),
        platform: { os, architecture, variant: variant ?? null },
      };
    });
    const attestation = {
      ...addBlob(files, 'application/vnd.oci.image.manifest.v1+json', json({ not: 'read' })),
      platform: { os: 'unknown', architecture: 'unknown' },
    };
    const chart = addBlob(
      files,
      'application/vnd.oci.image.manifest.v1+json',
      json({ config: addBlob(files, 'application/vnd.cncf.helm.config.v1+json', json({})), layers: [] }),
    );
    const type = 'application/vnd.oci.image.index.v1+json';
    const inner = addBlob(files, type, json({ manifests: [...platforms, attestation] }));
    const outer = addBlob(files, type, json({ manifests: [inner] }));
    const annotations = { 'io.containerd.image.name': 'example.org/app:9' };
    const path = write(withIndex(files, [{ ...outer, annotations }, { ...inner, annotations }, chart]));
    const all = await find(path, { platform: 'all' });
    expect(all.map(({ reference }) => reference)).toEqual([
      `${path} (example.org/app:9, linux/amd64)`,
      `${path} (example.org/app:9, linux/arm64/v8)`,
    ]);
    expect(all[0]?.notes).toEqual([
      `${path}: ${chart.digest} is no container image but of type application/vnd.cncf.helm.config.v1+json: left out`,
    ]);
    expect((await find(path, { platform: 'linux/arm64' })).map(({ platform }) => platform)).toEqual([
      'linux/arm64/v8',
    ]);
  });

  it('may have a layer that is kept elsewhere, as its maker wants it', async () => {
    const mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
    const files = ociFiles([{ ...IMAGE, layers: [{ plain: BASE, mediaType }, { plain: TOP }] }]);
    files.delete(`blobs/${digestOf(BASE).replace(':', '/')}`);
    const [image] = await find(write(files));
    expect(image?.notes[0]).toMatch(/^layer 1 of .* is not kept with the image, as its maker wants it/);
    expect(image?.layers.map(({ digest }) => digest)).toEqual([digestOf(BASE), digestOf(TOP)]);
  });

  const blob = (bytes: Uint8Array): string => `blobs/${digestOf(bytes).replace(':', '/')}`;
  it.each<[string, (files: OciFiles) => unknown, RegExp]>([
    ['a layer is missing', (files) => files.delete(blob(BASE)), /^layer 1 of \S+ \(sha256:\w+\) is missing$/],
    [
      'a layer has another size',
      (files) => files.set(blob(BASE), Buffer.concat([BASE, BASE])),
      /^layer 1 of \S+ \(sha256:\w+\) does not have the size that it should have: expected \d+ bytes, got \d+$/,
    ],
    [
      'a document is another',
      (files) => {
        const [path, bytes] =
          Array.from(files).find(([, each]) => each.toString().startsWith('{"schemaVersion"')) ?? [];
        if (path !== undefined && bytes) files.set(path, Buffer.from(bytes.toString().replace('2', '3')));
      },
      /^the manifest sha256:\w+ of \S+ does not have the digest/,
    ],
    ['there is no index', (files) => files.set('index.json', json({})), /^index\.json of \S+ cannot be used/],
    [
      'the layout is of a later version',
      (files) => files.set('oci-layout', json({ imageLayoutVersion: '2.0.0' })),
      /is a layout of version 2\.0\.0, which is not known$/,
    ],
    ['there is no image', (files) => files.set('index.json', json({ manifests: [] })), /has no image in it$/],
    [
      'its index is too deep',
      (files) => {
        const type = 'application/vnd.oci.image.index.v1+json';
        let index = addBlob(files, type, json({ manifests: [] }));
        for (let depth = 0; depth < 6; depth++) index = addBlob(files, type, json({ manifests: [index] }));
        withIndex(files, [index]);
      },
      /an index within more than 4 others$/,
    ],
  ])('is not judged when %s', async (_, change, message) => {
    const files = ociFiles([IMAGE]);
    change(files);
    expect(await failure(find(write(files)))).toMatch(message);
  });

  it('is not judged when a layer is encrypted', async () => {
    const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted';
    const files = ociFiles([{ ...IMAGE, layers: [{ plain: BASE, mediaType }] }]);
    expect(await failure(find(write(files)))).toMatch(/^layer 1 of .* is encrypted$/);
  });

  it('is read whole with --verify', async () => {
    const files = ociFiles([IMAGE]);
    const content = Buffer.from(BASE);
    content[600] = 0x42;
    files.set(blob(BASE), content);
    const path = write(files);
    expect(await find(path)).toHaveLength(1);
    expect(await failure(find(path, { verify: true }))).toMatch(/^layer 1 of .* does not have the digest/);
  });
});

describe('a layout in a directory', () => {
  const layer = `blobs/${digestOf(BASE).replace(':', '/')}`;

  it('may have links within it, and none that lead out', async () => {
    const path = writeFiles(ociFiles([IMAGE]));
    rmSync(join(path, layer));
    writeFileSync(join(path, 'inside'), BASE);
    symlinkSync('../../inside', join(path, layer));
    expect(await find(path, { verify: true })).toHaveLength(1);

    const outside = writeTemporary('layer', BASE);
    rmSync(join(path, layer));
    symlinkSync(outside, join(path, layer));
    expect(await failure(find(path))).toMatch(/ is a link that leads out of the layout, to \S+layer$/);

    rmSync(join(path, 'blobs'), { recursive: true });
    symlinkSync(join(dirname(outside)), join(path, 'blobs'));
    mkdirSync(join(dirname(outside), 'sha256'));
    expect(await failure(find(path))).toMatch(/: the manifest \S+ \(linux\/amd64\) is missing$/);
  });

  it('is not waited for when a layer is a pipe', async () => {
    const path = writeFiles(ociFiles([IMAGE]));
    rmSync(join(path, layer));
    spawnSync('mkfifo', [join(path, layer)]);
    expect(await failure(find(path))).toMatch(/ is no regular file$/);
  });
});

describe('the archive of a root file system', () => {
  it.each<[string, Uint8Array, string]>([
    ['plain', BASE, 'seekable'],
    ['compressed', gzipSync(BASE), 'stream'],
    ['with a file that images have too', makeFilesTar({ 'manifest.json': '{}', 'etc/x': 'y' }), 'seekable'],
    ['with a layout of its own', makeFilesTar({ 'etc/x': 'y', 'index.json': '{}' }), 'seekable'],
    ['that is empty', Buffer.alloc(10_240), 'seekable'],
  ])('is an image of one layer: %s', async (_, bytes, kind) => {
    const path = writeTemporary('root.tar', bytes);
    const [image] = await find(path);
    expect(image).toMatchObject({ reference: path, environment: {}, notes: [], layers: [{ digest: '' }] });
    expect((await readLayers(image ?? fail()))[0]?.kind).toBe(kind);
  });

  it('that is an image as well is for the user to decide', async () => {
    const members = [...dockerMembers([IMAGE], 'legacy'), { path: 'etc/x', content: 'y' }];
    const path = writeTemporary('odd.tar', makeTar(members));
    expect(await failure(find(path))).toBe(`${path} has both an image and a root file system in it`);
    expect((await find(`docker-archive:${path}`))[0]?.layers).toHaveLength(2);
    expect((await find(`tar:${path}`))[0]?.layers).toHaveLength(1);
  });

  it('with very many files is not gone through twice', async () => {
    const members = Array.from({ length: 3000 }, (_, index) => ({ path: `usr/${index}` }));
    const path = writeTemporary('root.tar', makeTar([{ path: 'a.json' }, ...members]));
    expect((await find(path))[0]?.layers[0]?.digest).toBe('');
  });
});

describe('what is no image', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', Buffer.alloc(0), /is empty$/],
    ['text', Buffer.from('hello\n'), /is of no kind that is known$/],
    [
      'an EROFS file system',
      Buffer.from([...Buffer.alloc(0x400), 0xe2, 0xe1, 0xf5, 0xe0]),
      /is an EROFS file system, which is not read$/,
    ],
    ['compressed text', gzipSync('hello'), /is compressed with gzip, and what is in it is no tar archive$/],
    ['compressed nothing', gzipSync(''), /is compressed with gzip, and what is in it is no tar archive$/],
    ['damaged gzip', Buffer.from('1f8b0800', 'hex'), /cannot be unpacked: it ends too early$/],
  ])('%s is refused in words', async (_, bytes, message) => {
    expect(await failure(find(writeTemporary('file', bytes)))).toMatch(message);
  });

  it('a path that does not exist may have been meant for a registry', async () => {
    const error = await find('debian:12').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      message: 'there is no debian:12',
      hint: 'For an image in a registry write registry:debian:12',
    });
  });

  it('a directory is a directory', async () => {
    const path = writeFiles(new Map([['etc/x', BASE]]));
    const targets = [];
    for await (const target of openReference(path, { verify: false })) targets.push(target);
    expect(targets).toMatchObject([{ kind: 'directory', reference: path }]);
    expect(await failure(find(`oci:${path}`))).toBe(`${path} has no index.json`);
    expect(await failure(find(`docker-archive:${path}`))).toBe(
      `${path} is a directory, and docker-archive: is for files`,
    );
  });
});

describe('what goes by once', () => {
  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['plain', (bytes) => bytes],
    ['compressed', (bytes) => gzipSync(bytes)],
  ])('a pipe, %s, is kept in a file that nobody sees', async (_, pack) => {
    const directory = writeFiles(new Map());
    const pipe = join(directory, 'rootaudit-pipe');
    spawnSync('mkfifo', [pipe]);
    const bytes = writeTemporary('bytes', pack(makeTar(dockerMembers([IMAGE], 'skopeo'))));
    const { spawn } = await import('node:child_process');
    const writer = spawn('sh', ['-c', `cat ${bytes} > ${pipe}`]);
    const [image] = await find(pipe);
    writer.kill();
    expect(await allBytes(image)).toEqual([digestOf(BASE), digestOf(TOP)]);
    expect(readdirSync(tmpdir()).filter((name) => /^rootaudit-[0-9a-f]{24}$/.test(name))).toEqual([]);
    expect(openFiles().filter((line) => line.includes('(deleted)'))).toHaveLength(1);
  });

  it('a temporary file that does not fit is told with what to do', async () => {
    const path = writeTemporary('app.tgz', gzipSync(makeTar(dockerMembers([IMAGE], 'legacy'))));
    const { TMPDIR } = process.env;
    process.env['TMPDIR'] = '/nowhere';
    try {
      expect(await find(path).catch((error: unknown) => error)).toMatchObject({
        message: `${path} does not fit into a temporary file in /nowhere: ENOENT`,
        hint: 'Let TMPDIR name a directory with more room, or unpack the archive first.',
      });
    } finally {
      if (TMPDIR === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = TMPDIR;
    }
  });
});

describe('damaged bytes', () => {
  it.each<[string, Buffer]>([
    ['an archive of docker save', makeTar(dockerMembers([IMAGE], 'skopeo'))],
    ['a compressed one', gzipSync(makeTar(dockerMembers([IMAGE], 'legacy')))],
    ['an OCI layout', ociTar(ociFiles([IMAGE, OTHER]))],
  ])('of %s give images or words of ours', async (_, source) => {
    const path = writeTemporary('image', source);
    const judge = async (): Promise<void> => {
      for (const image of await find(path, { platform: 'all' })) await readLayers(image);
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
        fc.option(fc.nat(), { freq: 3 }),
        async (changes, end) => {
          const bytes = Buffer.from(source.subarray(0, end === null ? undefined : end % source.length));
          for (const [at, byte] of changes) bytes[at % source.length] = byte;
          writeFileSync(path, bytes);
          expect(await failure(judge())).not.toMatch(/^not ours/);
          for (const image of opened.splice(0)) await image.close();
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe.skipIf(!hasSample('containers'))('samples', () => {
  const sample = (name: string): string => join('../shared/samples/containers', name);

  it.each(['docker-save-legacy.tar', 'skopeo-docker-archive.tar', 'oci-mixed-compression.tar'])(
    '%s has the same three layers',
    async (name) => {
      const [image, ...others] = await find(sample(name), { verify: true });
      expect(others).toEqual([]);
      expect(image?.name).toBe('example.org/roots:latest');
      expect(image?.environment).toEqual({
        SSL_CERT_FILE: '/srv/app/ca.pem',
        NODE_EXTRA_CA_CERTS: '/srv/app/sub/y.pem',
      });
      expect(await allBytes(image)).toEqual([
        'sha256:43adbc34aaf67f591d6c60818e8987899ca6e9361770242cdc6e85fbdbf4917d',
        'sha256:92314df72362b2e03055e1f8b8a180f08c8cafefb43a7538423f828ae94d2ce9',
        'sha256:a57ba6ba3a54cd2d7b61cb5b39b5a93d509d11a6d72300be2c00810182c94194',
      ]);
    },
  );

  it('hostile.tar reads nothing outside of it', async () => {
    expect(await failure(find(sample('hostile.tar'), { platform: undefined }))).toBe(
      'the configuration 0.json of ../shared/samples/containers/hostile.tar tells of 1 layers, and the manifest of 3',
    );
  });

  it.each(['docker-save-legacy.tar', 'oci-mixed-compression.tar'])('%s opens as a target', async (name) => {
    for await (const target of openReference(sample(name), { verify: false, platform: 'linux/amd64' })) {
      expect(target.kind).toBe('image');
      expect(target.image?.layers).toHaveLength(3);
      expect(target.fs.kind('/usr/local/share/ca-certificates/corp.crt')).toBe('file');
      await target.close?.();
    }
  });
});

function fail(): never {
  throw new Error('no image');
}
