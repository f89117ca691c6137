/** Images straight from a registry, without Docker: `registry:debian:12`. */

import { homedir } from 'node:os';
import { RootauditError } from '../core/errors.ts';
import { unpack } from './compression.ts';
import type { ImageSource, LayerContent, LayerSource } from './image-source.ts';
import { withHits, type LayerCache } from './layer-cache.ts';
import { layerKind, parseImageDocument, type Descriptor } from './manifest.ts';
import { platformText } from './platform.ts';
import type { ImageProgress } from './progress.ts';
import { fullName, parseReference } from './reference.ts';
import { RegistryClient, type FirstDocument } from './registry-client.ts';
import type { RegistryLimits } from './registry-http.ts';
import { resolveImages, type ResolvedImage } from './resolve.ts';

export interface RegistryOptions {
  /** `os/arch[/variant]`, or `all`. Default: that of this machine. */
  readonly platform?: string | undefined;
  /** Without TLS: for a registry on this computer only. */
  readonly plainHttp?: boolean;
  /** Where credentials are looked for. Default: those of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly home?: string;
  readonly limits?: Partial<RegistryLimits>;
  readonly cache?: LayerCache | undefined;
  readonly progress?: ImageProgress;
}

/**
 * One image for each platform that was asked for. The layers are fetched when they are read. Throws RootauditError
 * when there is no such image, or it may not be read.
 */
export async function openRegistryImages(
  text: string,
  options: RegistryOptions = {},
): Promise<ImageSource[]> {
  const reference = parseReference(text);
  const client = new RegistryClient(reference, {
    plainHttp: options.plainHttp ?? false,
    environment: options.environment ?? process.env,
    home: options.home ?? homedir(),
    limits: options.limits ?? {},
  });
  const name = fullName(reference);
  const first = await client.first();
  checkType(first, name);
  // All that is found below it is what was asked for, whatever its annotations say.
  const annotations = new Map([['io.containerd.image.name', name]]);
  const images = await resolveImages({
    what: name,
    roots: [{ ...first.descriptor, annotations }],
    platform: options.platform,
    read: readerOf(client, first),
  });
  const close = closer(images.length, () => client.close());
  return Promise.all(
    images.map(async (image) => {
      const made = image.platform && platformText(image.platform);
      const notes = [...image.notes];
      return {
        reference: images.length > 1 && made !== undefined ? `${text} (${made})` : text,
        name,
        digest: image.digest,
        ...(made !== undefined && { platform: made }),
        environment: image.config.environment,
        layers: await layersOf(client, image, name, notes, options),
        notes,
        close: close(),
      };
    }),
  );
}

/** A document that is an index to one reader and a manifest to another shows each of them another image. */
function checkType({ bytes, descriptor }: FirstDocument, name: string): void {
  const { kind } = parseImageDocument(bytes, `the manifest of ${name}`);
  const told = /\.(?:image\.index|manifest\.list)\.v\d\+json$/.test(descriptor.mediaType)
    ? 'index'
    : /\.manifest\.v\d\+json$/.test(descriptor.mediaType)
      ? 'manifest'
      : kind;
  if (told !== kind) {
    throw new RootauditError(
      `the registry calls ${name} of kind ${told}, and it is of kind ${kind}: it is not trustworthy`,
    );
  }
}

function readerOf(client: RegistryClient, first: FirstDocument) {
  const configurations = new Set<string>();
  return async (descriptor: Descriptor, what: string): Promise<Uint8Array | undefined> => {
    if (configurations.has(descriptor.digest)) return client.configuration(descriptor, what);
    const isFirst = descriptor.digest === first.descriptor.digest;
    const bytes = isFirst ? first.bytes : await client.manifest(descriptor, what);
    const document = bytes && parseImageDocument(bytes, what);
    if (document?.kind === 'manifest') configurations.add(document.manifest.config.digest);
    return bytes;
  };
}

/** Lets go of what all have in common when the last one is closed. */
function closer(count: number, end: () => void): () => () => Promise<void> {
  let open = count;
  return () => {
    let isOpen = true;
    return () => {
      if (isOpen && --open === 0) end();
      isOpen = false;
      return Promise.resolve();
    };
  };
}

async function layersOf(
  client: RegistryClient,
  { manifest, config }: ResolvedImage,
  name: string,
  notes: string[],
  { progress, cache }: RegistryOptions,
): Promise<LayerSource[]> {
  const layers: LayerSource[] = [];
  for (const [index, layer] of manifest.layers.entries()) {
    const { digest, size } = layer;
    const what = `layer ${index + 1} of ${name} (${digest})`;
    const kind = layerKind(layer);
    if (kind === 'encrypted') throw new RootauditError(`${what} is encrypted`, 'Decrypt the image first.');
    // Its address elsewhere is never asked: it is the maker's choice.
    if (kind === 'foreign' && !(await client.hasBlob(layer, what))) {
      notes.push(`${what} is not kept with the image, as its maker wants it: it was not looked at`);
      continue;
    }
    const createdBy = config.createdBy[index];
    const unpacking = { what, digest, size, plainDigest: config.diffIds[index] };
    progress?.expect(size);
    let isAgain = false;
    const slot = cache?.slot({ digest, plainDigest: unpacking.plainDigest });
    const known =
      slot &&
      withHits(slot, () => {
        progress?.expect(-size);
        isAgain = true;
      });
    const open = (): AsyncIterable<Uint8Array> => {
      if (isAgain) progress?.expect(size);
      isAgain = true;
      const blob = client.blob(layer, what);
      return unpack(progress?.receiving(blob) ?? blob, unpacking);
    };
    const content: LayerContent = { kind: 'stream', open, ...(known && { slot: known }) };
    layers.push({ digest, ...(createdBy !== undefined && { createdBy }), content });
  }
  return layers;
}
