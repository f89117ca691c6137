import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RootauditError } from '../../src/core/errors.ts';
import {
  imageName,
  isAttestation,
  layerKind,
  parseConfig,
  parseDockerManifest,
  parseImageDocument,
  type Descriptor,
} from '../../src/images/manifest.ts';
import { json } from '../support/images.ts';

const SHA = `sha256:${'a'.repeat(64)}`;
const DESCRIPTOR = { mediaType: 'x/y', digest: SHA, size: 3 };

const image = (value: unknown): ReturnType<typeof parseImageDocument> =>
  parseImageDocument(json(value), 'it');
const config = (value: unknown, layers = 2): ReturnType<typeof parseConfig> =>
  parseConfig(json(value), 'it', layers);
const descriptor = (changes: Partial<Descriptor>): Descriptor => ({
  ...DESCRIPTOR,
  annotations: new Map(),
  ...changes,
});

describe('documents of images', () => {
  it('are indexes or manifests by what is in them, whatever they say of themselves', () => {
    expect(image({ mediaType: 'application/wrong', manifests: [DESCRIPTOR] })).toEqual({
      kind: 'index',
      manifests: [descriptor({})],
    });
    expect(image({ config: DESCRIPTOR, layers: [DESCRIPTOR, DESCRIPTOR] })).toMatchObject({
      kind: 'manifest',
      manifest: { config: DESCRIPTOR, layers: [DESCRIPTOR, DESCRIPTOR] },
    });
  });

  it('tell platforms and names', () => {
    const found = image({
      manifests: [
        {
          ...DESCRIPTOR,
          platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
          annotations: { 'org.opencontainers.image.ref.name': '1.2', other: 3 },
        },
      ],
    });
    const [first] = found.kind === 'index' ? found.manifests : [];
    expect(first?.platform).toEqual({ os: 'linux', architecture: 'arm64', variant: 'v8' });
    expect(first && imageName(first)).toBe('1.2');
  });

  it.each<[string, unknown, string]>([
    ['text', 'manifest', 'it cannot be used: it is no object'],
    ['a list', [], 'it cannot be used: it is no object'],
    ['nothing', {}, 'it cannot be used: config.digest is missing'],
    ['layers that are no list', { config: DESCRIPTOR, layers: {} }, 'it cannot be used: layers is no list'],
    [
      'a layer that is text',
      { config: DESCRIPTOR, layers: ['x'] },
      'it cannot be used: layers[0] is no object',
    ],
    [
      'a size that is none',
      { config: { ...DESCRIPTOR, size: -1 } },
      'it cannot be used: config.size is no size',
    ],
    [
      'a size that is text',
      { config: { ...DESCRIPTOR, size: '3' } },
      'it cannot be used: config.size is no size',
    ],
    [
      'a digest that is a path',
      { config: { ...DESCRIPTOR, digest: 'sha256:../../etc/passwd' } },
      'it cannot be used: config.digest is no digest of SHA-256 or SHA-512: sha256:../../etc/passwd',
    ],
    [
      'a digest of another kind',
      { config: { ...DESCRIPTOR, digest: `md5:${'a'.repeat(32)}` } },
      `it cannot be used: config.digest is no digest of SHA-256 or SHA-512: md5:${'a'.repeat(32)}`,
    ],
    [
      'too many layers',
      { config: DESCRIPTOR, layers: Array.from({ length: 513 }, () => DESCRIPTOR) },
      'it cannot be used: layers has 513 items, more than 512',
    ],
    [
      'both an index and a manifest',
      { manifests: [DESCRIPTOR], layers: [DESCRIPTOR], config: DESCRIPTOR },
      'it cannot be used: it is both an index and a manifest',
    ],
    [
      "Docker's first format",
      { schemaVersion: 1, fsLayers: [] },
      "it is of Docker's first format, which has been out of use since 2017",
    ],
  ])('with %s are refused', (_, value, message) => {
    expect(() => image(value)).toThrow(message);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['no bytes', new Uint8Array(0), /^it cannot be read: /],
    ['half of them', Buffer.from('{"manifests": ['), /^it cannot be read: .* \(line 1\)$/],
    ['very deep ones', Buffer.from('['.repeat(1_000_000)), /^it cannot be read: /],
    ['more than 16 MiB', Buffer.alloc((16 << 20) + 1, ' '), /^it cannot be read: JSON of 16777217 bytes$/],
  ])('of %s are refused', (_, bytes, message) => {
    expect(() => parseImageDocument(bytes, 'it')).toThrow(message);
  });

  it('of any bytes give a result or words of ours', () => {
    const document = JSON.stringify({ config: DESCRIPTOR, layers: [DESCRIPTOR], manifests: null });
    fc.assert(
      fc.property(fc.nat(document.length), fc.string({ maxLength: 5 }), (at, text) => {
        const bytes = Buffer.from(document.slice(0, at) + text + document.slice(at + text.length));
        for (const parse of [parseImageDocument, parseDockerManifest]) {
          try {
            parse(bytes, 'it');
          } catch (error) {
            expect(error).toBeInstanceOf(RootauditError);
          }
        }
      }),
    );
  });
});

describe('what stands in an index', () => {
  it.each<[string, Partial<Descriptor>, boolean]>([
    ['an image', { platform: { os: 'linux', architecture: 'amd64' } }, false],
    ['an image without a platform', {}, false],
    ['an attestation by its platform', { platform: { os: 'unknown', architecture: 'unknown' } }, true],
    [
      'an attestation by its annotation',
      { annotations: new Map([['vnd.docker.reference.type', 'attestation-manifest']]) },
      true,
    ],
  ])('may be %s', (_, changes, expected) => {
    expect(isAttestation(descriptor(changes))).toBe(expected);
  });

  it.each<[string, ReturnType<typeof layerKind>]>([
    ['application/vnd.oci.image.layer.v1.tar+gzip', 'usual'],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'usual'],
    ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', 'foreign'],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+zstd', 'foreign'],
    ['application/vnd.oci.image.layer.v1.tar+gzip+encrypted', 'encrypted'],
  ])('has layers of type %s', (mediaType, expected) => {
    expect(layerKind(descriptor({ mediaType }))).toBe(expected);
  });
});

describe('configurations', () => {
  it('tell the environment, the platform, and what made each layer', () => {
    const parsed = config({
      os: 'linux',
      architecture: 'arm',
      variant: 'v7',
      config: { Env: ['A=1', 'B=x=y', 'A=2', 'none', '=x', '__proto__=z'] },
      rootfs: { diff_ids: [SHA, SHA] },
      history: [
        { created_by: 'ADD rootfs.tar /' },
        { created_by: 'ENV A=2', empty_layer: true },
        { comment: 'buildkit' },
      ],
    });
    expect(parsed).toEqual({
      platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
      environment: Object.fromEntries([
        ['A', '2'],
        ['B', 'x=y'],
        ['__proto__', 'z'],
      ]),
      diffIds: [SHA, SHA],
      createdBy: ['ADD rootfs.tar /', 'buildkit'],
    });
  });

  it('have a history that is not believed when it does not fit the layers', () => {
    expect(
      config({ history: [{ created_by: 'x' }, { created_by: 'x' }, { created_by: 'x' }] }).createdBy,
    ).toEqual([]);
  });

  it('may say nothing', () => {
    expect(config({})).toEqual({ environment: {}, diffIds: [], createdBy: [] });
    expect(config({ config: null, history: null, rootfs: null, os: '', architecture: '' })).toEqual({
      environment: {},
      diffIds: [],
      createdBy: [],
    });
  });

  it.each<[string, unknown, string]>([
    [
      'layers that the manifest does not have',
      { rootfs: { diff_ids: [SHA] } },
      'it tells of 1 layers, and the manifest of 2',
    ],
    [
      'a digest that is none',
      { rootfs: { diff_ids: ['x', 'y'] } },
      'it cannot be used: rootfs.diff_ids[0] is no digest: x',
    ],
    ['variables that are no text', { config: { Env: [1] } }, 'it cannot be used: config.Env[0] is no text'],
    [
      'an environment that is no list',
      { config: { Env: 'A=1' } },
      'it cannot be used: config.Env is no list',
    ],
    ['a configuration that is text', { config: 'x' }, 'it cannot be used: config is no object'],
  ])('with %s are refused', (_, value, message) => {
    expect(() => config(value)).toThrow(message);
  });
});

describe('manifest.json', () => {
  it('names configurations, tags and layers', () => {
    const bytes = json([
      { Config: 'a.json', RepoTags: ['app:1', 'app:2'], Layers: ['1.tar', '2.tar'], LayerSources: {} },
      { Config: 'b.json', RepoTags: null, Layers: [] },
    ]);
    expect(parseDockerManifest(bytes, 'it')).toEqual([
      { config: 'a.json', tags: ['app:1', 'app:2'], layers: ['1.tar', '2.tar'] },
      { config: 'b.json', tags: [], layers: [] },
    ]);
  });

  it.each<[string, unknown, string]>([
    ['an object', {}, 'it cannot be used: it is no list of images'],
    ['no configuration', [{ Layers: [] }], 'it cannot be used: [0].Config is missing'],
    [
      'layers that are numbers',
      [{ Config: 'x', Layers: [1] }],
      'it cannot be used: [0].Layers[0] is no text',
    ],
    ['text', ['x'], 'it cannot be used: [0] is no object'],
  ])('that is %s is refused', (_, value, message) => {
    expect(() => parseDockerManifest(json(value), 'it')).toThrow(message);
  });
});
