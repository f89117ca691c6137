/** Container images in the forms in which tools write them, made on the spot. */

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ImageSource } from '../../src/images/image-source.ts';
import { makeTar, type TarMember } from './tar.ts';
import { makeTemporaryDirectory } from './tree.ts';

interface TestLayer {
  /** The tar archive. */
  readonly plain: Uint8Array;
  /** As it is kept: the same when it is left out. */
  readonly packed?: Uint8Array;
  readonly mediaType?: string;
  readonly createdBy?: string;
}

export interface TestImage {
  readonly layers: readonly TestLayer[];
  readonly names?: readonly string[];
  /** "linux/amd64" */
  readonly platform?: string;
  readonly env?: readonly string[];
}

export function digestOf(bytes: Uint8Array | string, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

const hexOf = (bytes: Uint8Array): string => digestOf(bytes).slice('sha256:'.length);

function configOf({ layers, platform = 'linux/amd64', env = [] }: TestImage): Buffer {
  const [os, architecture, variant] = platform.split('/');
  const history = layers.flatMap(({ createdBy }, index) => [
    { created_by: createdBy ?? `COPY ${index} /` },
    { created_by: 'ENV X=1', empty_layer: true },
  ]);
  const rootfs = { type: 'layers', diff_ids: layers.map(({ plain }) => digestOf(plain)) };
  return json({
    os,
    architecture,
    ...(variant !== undefined && { variant }),
    config: { Env: env },
    rootfs,
    history,
  });
}

export function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

const packedOf = ({ packed, plain }: TestLayer): Uint8Array => packed ?? plain;

/** `legacy`: docker save before 25; `skopeo`: layers at the top, links to them; `blobs`: docker save since 25. */
export type DockerStyle = 'legacy' | 'skopeo' | 'blobs';

/** The members, manifest.json last. */
export function dockerMembers(images: readonly TestImage[], style: DockerStyle): TarMember[] {
  const members: TarMember[] = [];
  const manifest = images.map((image) => {
    const config = configOf(image);
    const configPath = style === 'blobs' ? `blobs/sha256/${hexOf(config)}` : `${hexOf(config)}.json`;
    members.push({ path: configPath, content: config });
    const paths = image.layers.map((layer, index) => {
      const content = packedOf(layer);
      const hex = hexOf(content);
      const id = hexOf(Buffer.from(`${hex} ${index}`));
      if (style === 'blobs') members.push({ path: `blobs/sha256/${hex}`, content });
      else if (style === 'skopeo') {
        members.push({ path: `${hex}.tar`, content }, { path: `${id}/layer.tar`, link: `../${hex}.tar` });
        return `${id}/layer.tar`;
      } else {
        members.push(
          { path: `${id}/` },
          { path: `${id}/VERSION`, content: '1.0' },
          { path: `${id}/layer.tar`, content },
        );
        return `${id}/layer.tar`;
      }
      return `blobs/sha256/${hex}`;
    });
    return { Config: configPath, RepoTags: image.names ?? null, Layers: paths };
  });
  return [...members, { path: 'manifest.json', content: json(manifest) }];
}

export type OciFiles = Map<string, Uint8Array>;

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip';

interface TestDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export function addBlob(files: OciFiles, mediaType: string, bytes: Uint8Array): TestDescriptor {
  files.set(`blobs/sha256/${hexOf(bytes)}`, bytes);
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

/** Adds an image's blobs; returns the descriptor of its manifest. */
export function addImage(files: OciFiles, image: TestImage): TestDescriptor {
  const config = addBlob(files, 'application/vnd.oci.image.config.v1+json', configOf(image));
  const layers = image.layers.map((layer) => addBlob(files, layer.mediaType ?? LAYER_TYPE, packedOf(layer)));
  return addBlob(files, MANIFEST_TYPE, json({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config, layers }));
}

/** Each image under its first name. */
export function ociFiles(images: readonly TestImage[]): OciFiles {
  const files: OciFiles = new Map();
  const manifests = images.map((image) => {
    const [os, architecture, variant] = (image.platform ?? 'linux/amd64').split('/');
    const name = image.names?.[0];
    return {
      ...addImage(files, image),
      platform: { os, architecture, ...(variant !== undefined && { variant }) },
      ...(name !== undefined && { annotations: { 'org.opencontainers.image.ref.name': name } }),
    };
  });
  return withIndex(files, manifests);
}

export function withIndex(files: OciFiles, manifests: readonly unknown[]): OciFiles {
  files.set('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  files.set('index.json', json({ schemaVersion: 2, manifests }));
  return files;
}

export function ociTar(files: OciFiles): Buffer {
  return makeTar(Array.from(files, ([path, content]) => ({ path, content })));
}

/** Writes files below a new temporary directory; returns its path. */
export function writeFiles(files: ReadonlyMap<string, Uint8Array>): string {
  const root = makeTemporaryDirectory();
  for (const [path, content] of files) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

/** One file in a new temporary directory; returns its path. */
export function writeTemporary(name: string, content: Uint8Array): string {
  return join(writeFiles(new Map([[name, content]])), name);
}

/** The bytes of each layer without compression, and by which way they come. */
export async function readLayers(
  image: ImageSource,
): Promise<{ readonly kind: string; readonly bytes: Buffer }[]> {
  return Promise.all(
    image.layers.map(async ({ content }) => {
      if (content.kind === 'stream') return { kind: content.kind, bytes: await collect(content.open()) };
      const bytes = Buffer.alloc(content.source.size);
      content.source.read(bytes, 0);
      return { kind: content.kind, bytes };
    }),
  );
}

export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  return Buffer.concat(parts);
}
