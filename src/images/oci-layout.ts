/** The image layout of the OCI: documents and layers as files that are named by their digests, in a directory or a tar. */

import { realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';
import { sourceOf, type Source } from '../formats/archive.ts';
import { readDocument, type ArchiveMembers } from './archive-members.ts';
import { checkDocument, checkSize } from './digest.ts';
import { openFile } from './file-source.ts';
import { imageReference, type Finding } from './finding.ts';
import type { ImageSource, LayerContent, LayerSource } from './image-source.ts';
import { parseDocument } from './json-node.ts';
import { layerContent } from './layer-source.ts';
import { layerKind, parseImageDocument, type Descriptor } from './manifest.ts';
import { platformText } from './platform.ts';
import { resolveImages, type ResolvedImage } from './resolve.ts';

/** Files of a layout, open until `close`. */
interface LayoutFiles {
  /** Undefined when there is no such file. Throws RootauditError. */
  find(path: string): Source | undefined;
  close(): void;
}

/** Where the files of a layout are: each image opens its own. */
export type Layout = () => LayoutFiles;

export function archiveLayout(members: ArchiveMembers, hold: () => () => void): Layout {
  return () => ({ find: (path) => members.find(path), close: hold() });
}

export function directoryLayout(path: string, what: string): Layout {
  return () => new DirectoryFiles(path, what);
}

/** A file is never taken from outside of the directory. */
class DirectoryFiles implements LayoutFiles {
  readonly #root: string;
  readonly #what: string;
  readonly #releases: (() => void)[] = [];

  constructor(path: string, what: string) {
    this.#what = what;
    try {
      this.#root = realpathSync(path);
    } catch (error) {
      throw new RootauditError(`${what} cannot be read`, 'Check the path and its permissions.', {
        cause: error,
      });
    }
  }

  find(path: string): Source | undefined {
    const name = `${visible(path)} of ${this.#what}`;
    const real = this.#realPath(path, name);
    if (real === undefined) return undefined;
    const file = openFile(real, name);
    this.#releases.push(file.hold());
    return file;
  }

  close(): void {
    for (const release of this.#releases.splice(0)) release();
  }

  #realPath(path: string, name: string): string | undefined {
    let real: string;
    try {
      real = realpathSync(join(this.#root, path));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw new RootauditError(`${name} cannot be read: ${String(code)}`, undefined, { cause: error });
    }
    const prefix = this.#root.endsWith(sep) ? this.#root : this.#root + sep;
    if (real.startsWith(prefix)) return real;
    throw new RootauditError(
      `${name} is a link that leads out of the layout, to ${visible(real)}`,
      'If that is meant to be, copy the layout with cp -rL first.',
    );
  }
}

/** The images of a layout, each opened when it is called for. Throws RootauditError. */
export async function ociImages(layout: Layout, finding: Finding): Promise<readonly (() => ImageSource)[]> {
  const { what, name, options } = finding;
  const files = layout();
  try {
    const marker = document(files, 'oci-layout', what);
    const version = marker && parseDocument(marker, `oci-layout of ${what}`).get('imageLayoutVersion').text();
    if (version !== undefined && !version.startsWith('1.')) {
      throw new RootauditError(`${what} is a layout of version ${visible(version, 50)}, which is not known`);
    }
    const bytes = document(files, 'index.json', what);
    if (!bytes) throw new RootauditError(`${what} has no index.json`);
    const index = parseImageDocument(bytes, `index.json of ${what}`);
    if (index.kind !== 'index') throw new RootauditError(`index.json of ${what} is no index`);
    const images = await resolveImages({
      what,
      name,
      roots: index.manifests,
      platform: options.platform,
      read: (descriptor, documentName) => Promise.resolve(readBlob(files, descriptor, documentName)),
    });
    return images.map((image) => () => imageSource(layout, image, images, finding));
  } finally {
    files.close();
  }
}

function document(files: LayoutFiles, path: string, what: string): Buffer | undefined {
  const source = files.find(path);
  return source && readDocument(source, `${path} of ${what}`);
}

/** The digest's form was checked when it was read: it is no path to anywhere else. */
function blobPath({ digest }: Descriptor): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function readBlob(files: LayoutFiles, descriptor: Descriptor, what: string): Buffer | undefined {
  const source = files.find(blobPath(descriptor));
  if (!source) return undefined;
  const bytes = readDocument(source, what);
  checkDocument(bytes, descriptor, what);
  return bytes;
}

function imageSource(
  layout: Layout,
  image: ResolvedImage,
  all: readonly ResolvedImage[],
  finding: Finding,
): ImageSource {
  const { name, digest, config } = image;
  const platform = image.platform && platformText(image.platform);
  const isOneOfMany = all.some((other) => other !== image && other.name === name);
  const files = layout();
  try {
    const notes = [...image.notes];
    const layers = layerSources(files, image, finding, notes);
    return {
      reference: imageReference(finding, name, isOneOfMany ? platform : undefined),
      ...(name !== undefined && { name }),
      digest,
      ...(platform !== undefined && { platform }),
      environment: config.environment,
      layers,
      notes,
      close: () => Promise.resolve(files.close()),
    };
  } catch (error) {
    files.close();
    throw error;
  }
}

/** The end mark only. */
const EMPTY_TAR = new Uint8Array(1024);

function layerSources(
  files: LayoutFiles,
  { manifest, config }: ResolvedImage,
  { what, options: { verify, cache } }: Finding,
  notes: string[],
): LayerSource[] {
  return manifest.layers.map((layer, index) => {
    const { digest } = layer;
    const name = `layer ${index + 1} of ${what} (${digest})`;
    const kind = layerKind(layer);
    if (kind === 'encrypted') throw new RootauditError(`${name} is encrypted`, 'Decrypt the image first.');
    const source = files.find(blobPath(layer));
    if (!source) {
      if (kind !== 'foreign') throw new RootauditError(`${name} is missing`, 'Save the image again.');
      notes.push(`${name} is not kept with the image, as its maker wants it: it was not looked at`);
    } else checkSize(source.size, layer.size, name);
    const createdBy = config.createdBy[index];
    const plainDigest = config.diffIds[index];
    const content: LayerContent = source
      ? layerContent(source, { what: name, digest, plainDigest, verify, cache })
      : { kind: 'seekable', source: sourceOf(EMPTY_TAR) };
    return { digest, ...(createdBy !== undefined && { createdBy }), content };
  });
}
