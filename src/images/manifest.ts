/**
 * The documents of images as data: index, manifest and configuration of the OCI image specification, which are those of
 * Docker's schema 2 under other names, and the manifest.json of `docker save`. Pure; throws RootauditError for a
 * document by which an image cannot be judged.
 */

import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';
import { parseDocument, type JsonNode } from './json-node.ts';
import type { ImagePlatform } from './platform.ts';

/** A document or a layer that lies elsewhere, named by its digest. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: ImagePlatform;
  readonly annotations: ReadonlyMap<string, string>;
}

export interface ImageManifest {
  readonly config: Descriptor;
  /** Bottom first. */
  readonly layers: readonly Descriptor[];
}

export interface ImageConfig {
  readonly platform?: ImagePlatform;
  readonly environment: Readonly<Record<string, string>>;
  /** Digests of the unpacked layers, bottom first. Empty when the configuration is of another kind. */
  readonly diffIds: readonly string[];
  /** For each layer the instruction that made it; empty when the history does not tell. */
  readonly createdBy: readonly (string | undefined)[];
}

/** One image of a manifest.json. */
export interface DockerImage {
  /** Path in the archive. */
  readonly config: string;
  readonly tags: readonly string[];
  /** Paths in the archive, bottom first. */
  readonly layers: readonly string[];
}

export type Document =
  | { readonly kind: 'index'; readonly manifests: readonly Descriptor[] }
  | { readonly kind: 'manifest'; readonly manifest: ImageManifest };

export const MAX_DOCUMENT_BYTES = 16 << 20;
/** Container runtimes stop at 127. */
const MAX_LAYERS = 512;
const MAX_MANIFESTS = 10_000;
const MAX_VARIABLES = 10_000;
const MAX_HISTORY = 10_000;
const MAX_INSTRUCTION = 4096;

/** Media types by which a registry is asked for documents. */
export const DOCUMENT_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** An index or a manifest: its members tell which, because its media type is often left out. */
export function parseImageDocument(bytes: Uint8Array, what: string): Document {
  const document = parseDocument(bytes, what);
  if (document.get('manifests').exists) {
    // One program would see one image in it, another program another (CVE-2021-41190).
    if (document.get('layers').exists || document.get('config').exists) {
      document.fail('is both an index and a manifest');
    }
    return { kind: 'index', manifests: document.get('manifests').list(MAX_MANIFESTS).map(descriptor) };
  }
  if (document.get('fsLayers').exists) {
    throw new RootauditError(
      `${what} is of Docker's first format, which has been out of use since 2017`,
      'Push the image again with a current tool.',
    );
  }
  const layers = document.get('layers').list(MAX_LAYERS).map(descriptor);
  return { kind: 'manifest', manifest: { config: descriptor(document.get('config')), layers } };
}

function descriptor(node: JsonNode): Descriptor {
  const digest = node.get('digest').text();
  if (!DIGEST.test(digest))
    node.get('digest').fail(`is no digest of SHA-256 or SHA-512: ${visible(digest, 100)}`);
  const platform = platformOf(node.get('platform'));
  return {
    mediaType: node.get('mediaType').optionalText() ?? '',
    digest,
    size: node.get('size').size(),
    annotations: node.get('annotations').texts(),
    ...(platform && { platform }),
  };
}

function platformOf(node: JsonNode): ImagePlatform | undefined {
  const os = node.get('os').optionalText();
  const architecture = node.get('architecture').optionalText();
  const variant = node.get('variant').optionalText();
  if (os === undefined || os === '' || architecture === undefined || architecture === '') return undefined;
  return { os, architecture, ...(variant !== undefined && variant !== '' && { variant }) };
}

/** Signatures, provenance and the like, which stand among the images. */
export function isAttestation({ platform, annotations }: Descriptor): boolean {
  return (
    annotations.has('vnd.docker.reference.type') ||
    (platform?.os === 'unknown' && platform.architecture === 'unknown')
  );
}

const CONFIG_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
]);

/** Charts, signatures and others are kept as images are, and are none. */
export function isImage({ config, layers }: ImageManifest): boolean {
  return CONFIG_TYPES.has(config.mediaType) || layers.some(({ mediaType }) => mediaType.includes('.tar'));
}

/** What is to be expected of a layer. How it is compressed is for its bytes to say: media types lie. */
export function layerKind({ mediaType }: Descriptor): 'usual' | 'foreign' | 'encrypted' {
  if (mediaType.endsWith('+encrypted')) return 'encrypted';
  return /\.(?:foreign|nondistributable)\./.test(mediaType) ? 'foreign' : 'usual';
}

/** The names that tools give an image in an index. */
export function imageName({ annotations }: Descriptor): string | undefined {
  // The second is a tag only, as a rule.
  return annotations.get('io.containerd.image.name') ?? annotations.get('org.opencontainers.image.ref.name');
}

/** `layers`: how many the manifest has. */
export function parseConfig(bytes: Uint8Array, what: string, layers: number): ImageConfig {
  const config = parseDocument(bytes, what);
  const platform = platformOf(config);
  const diffIds = config
    .get('rootfs')
    .get('diff_ids')
    .list(MAX_LAYERS)
    .map((each) => {
      const digest = each.text();
      return DIGEST.test(digest) ? digest : each.fail(`is no digest: ${visible(digest, 100)}`);
    });
  if (diffIds.length > 0 && diffIds.length !== layers) {
    throw new RootauditError(`${what} tells of ${diffIds.length} layers, and the manifest of ${layers}`);
  }
  const createdBy = history(config);
  return {
    ...(platform && { platform }),
    environment: environment(config.get('config').get('Env')),
    diffIds,
    createdBy: createdBy.length === layers ? createdBy : [],
  };
}

function environment(node: JsonNode): Readonly<Record<string, string>> {
  const variables = new Map<string, string>();
  for (const each of node.list(MAX_VARIABLES)) {
    const text = each.text();
    const equals = text.indexOf('=');
    if (equals > 0) variables.set(text.slice(0, equals), text.slice(equals + 1));
  }
  return Object.fromEntries(variables);
}

/** Of the instructions that made a layer. */
function history(config: JsonNode): (string | undefined)[] {
  return config
    .get('history')
    .list(MAX_HISTORY)
    .filter((entry) => !entry.get('empty_layer').isTrue())
    .map((entry) => {
      const text = entry.get('created_by').optionalText() ?? entry.get('comment').optionalText();
      return text === undefined || text === '' ? undefined : text.slice(0, MAX_INSTRUCTION);
    });
}

/** The manifest.json of `docker save`. */
export function parseDockerManifest(bytes: Uint8Array, what: string): readonly DockerImage[] {
  const document = parseDocument(bytes, what);
  if (!document.isList) document.fail('is no list of images');
  return document.list(MAX_MANIFESTS).map((image) => ({
    config: image.get('Config').text(),
    tags: image
      .get('RepoTags')
      .list(MAX_MANIFESTS)
      .map((tag) => tag.text()),
    layers: image
      .get('Layers')
      .list(MAX_LAYERS)
      .map((layer) => layer.text()),
  }));
}
