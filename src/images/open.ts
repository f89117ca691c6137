/**
 * What a user names, as targets: directories, archives of images and of root file systems, layouts, images in a
 * registry. A prefix says what it is; without one its content does.
 */

import { closeSync, existsSync, fstatSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { RootauditError } from '../core/errors.ts';
import type { Target } from '../core/target.ts';
import { visible } from '../core/text.ts';
import { openDirectory } from '../targets/directory.ts';
import { unpack } from './compression.ts';
import { openFile, openPipe, pipePieces, sharedFile, spool, type SharedFile } from './file-source.ts';
import type { ImageOptions } from './finding.ts';
import type { ImageSource } from './image-source.ts';
import { fileKind } from './kinds.ts';
import { directoryLayout, ociImages } from './oci-layout.ts';
import { fileImages, type ArchiveKind, type FileInput } from './open-file.ts';
import { openImage } from './open-image.ts';

export interface OpenOptions extends ImageOptions {
  /** Without TLS: for a registry on this computer only. */
  readonly plainHttp?: boolean;
}

type Kind = ArchiveKind | 'oci' | 'dir' | 'registry' | 'disk';

const PREFIXES: Readonly<Record<string, Kind>> = {
  'docker-archive': 'docker-archive',
  'oci-archive': 'oci-archive',
  oci: 'oci',
  tar: 'tar',
  dir: 'dir',
  disk: 'disk',
  registry: 'registry',
  docker: 'registry',
};

interface Named {
  readonly reference: string;
  readonly kind: Kind | undefined;
  /** Without the prefix. */
  readonly rest: string;
}

/**
 * The targets that a reference names, opened one after another: several where an archive holds several images, or
 * several platforms were asked for. Each is to be closed by the caller. Throws RootauditError.
 */
export async function* openReference(reference: string, options: OpenOptions): AsyncGenerator<Target> {
  for await (const found of findImages(reference, options)) {
    yield 'layers' in found ? await openOrClose(options.progress?.watch(found) ?? found) : found;
  }
}

async function openOrClose(image: ImageSource): Promise<Target> {
  try {
    return await openImage(image);
  } catch (error) {
    await image.close();
    throw error;
  }
}

/** Images as sources; what is no image is a target already. */
export async function* findImages(
  reference: string,
  options: OpenOptions,
): AsyncGenerator<ImageSource | Target> {
  const named = splitPrefix(reference);
  if (named.kind === 'dir') yield openDirectory(named.rest);
  else if (named.kind === 'disk') yield* diskTargets(named.rest, reference);
  else if (named.kind === 'registry') {
    const { openRegistryImages } = await import('./registry.ts');
    yield* await openRegistryImages(`registry:${named.rest.replace(/^\/\//, '')}`, options);
  } else if (named.rest === '-') yield* inputImages(named, options);
  else yield* pathImages(named, options);
}

function splitPrefix(reference: string): Named {
  const colon = reference.indexOf(':');
  const prefix = reference.slice(0, Math.max(colon, 0));
  const kind = Object.hasOwn(PREFIXES, prefix) ? PREFIXES[prefix] : undefined;
  return { reference, kind, rest: kind === undefined ? reference : reference.slice(colon + 1) };
}

async function* pathImages(named: Named, options: OpenOptions): AsyncGenerator<ImageSource | Target> {
  const { kind, reference } = named;
  const { path, name } = splitName(named);
  const what = visible(path);
  const stat = statOf(path, what);
  if (stat.isDirectory()) {
    yield* directoryImages(named, path, name, options);
    return;
  }
  if (stat.isBlockDevice()) {
    yield* diskTargets(path, reference, 'raw');
    return;
  }
  const file = stat.isFile() ? openFile(path, what) : await spoolPath(path, what, options);
  const input = { file, reference, what, kind: archiveKind(kind), name, options };
  yield* openedImages(input, stat.isFile() ? path : undefined);
}

async function* directoryImages(
  { kind, reference }: Named,
  path: string,
  name: string | undefined,
  options: OpenOptions,
): AsyncGenerator<ImageSource | Target> {
  const what = visible(path);
  const has = (file: string): boolean => existsSync(join(path, file));
  const isLayout = has('oci-layout') || (has('index.json') && has('blobs'));
  if (kind === undefined && !isLayout) {
    yield openDirectory(path);
    return;
  }
  if (kind !== undefined && kind !== 'oci') {
    throw new RootauditError(`${what} is a directory, and ${kind}: is for files`);
  }
  // Each image opens the files that it needs.
  const finding = { reference, what, name, options, hold: () => () => {} };
  for (const open of await ociImages(directoryLayout(path, what), finding)) yield open();
}

async function* inputImages({ kind }: Named, options: OpenOptions): AsyncGenerator<ImageSource | Target> {
  const what = 'standard input';
  if (fstatSync(0).isCharacterDevice()) {
    throw new RootauditError(
      'there is nothing at standard input',
      'Pipe an archive into it, such as: docker save IMAGE | rootaudit scan -',
    );
  }
  const file = sharedFile(0, what) ?? (await spoolPipe(0, what, options));
  // The descriptor is not ours to close.
  file.hold();
  yield* openedImages({ file, reference: '-', what, kind: archiveKind(kind), options }, undefined);
}

/** What goes by once is kept, unpacked, in a temporary file. */
function spoolPipe(fd: number, what: string, { progress }: OpenOptions): Promise<SharedFile> {
  const bytes = unpack(pipePieces(fd, what), { what });
  return spool(progress?.copying(bytes) ?? bytes, what);
}

async function spoolPath(path: string, what: string, options: OpenOptions): Promise<SharedFile> {
  const fd = openPipe(path, what);
  try {
    return await spoolPipe(fd, what, options);
  } finally {
    closeSync(fd);
  }
}

/** `path`: where it lies, unless it has only gone by. */
async function* openedImages(
  input: FileInput,
  path: string | undefined,
): AsyncGenerator<ImageSource | Target> {
  for await (const found of fileImages(input)) {
    if (!('disk' in found)) yield found;
    else if (path !== undefined) yield* diskTargets(path, input.reference, found.disk);
    else {
      throw new RootauditError(
        `${input.what} gives a disk image (${found.disk}), which has to be a file`,
        'Write it into a file, and give that.',
      );
    }
  }
}

function archiveKind(kind: Kind | undefined): ArchiveKind | undefined {
  // A layout may be in a tar archive as well.
  if (kind === 'oci') return 'oci-archive';
  return kind === 'docker-archive' || kind === 'oci-archive' || kind === 'tar' ? kind : undefined;
}

/** `PATH` or `PATH:NAME`, as skopeo has it. A path that exists is a path, whatever colons are in it. */
function splitName({ kind, rest }: Named): { readonly path: string; readonly name?: string } {
  const takesName = kind === 'oci' || kind === 'oci-archive' || kind === 'docker-archive';
  if (!takesName || existsSync(rest)) return { path: rest };
  for (let colon = rest.indexOf(':'); colon > 0; colon = rest.indexOf(':', colon + 1)) {
    const path = rest.slice(0, colon);
    if (existsSync(path)) return { path, name: rest.slice(colon + 1) };
  }
  return { path: rest };
}

function statOf(path: string, what: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code !== 'ENOENT')
      throw new RootauditError(`${what} cannot be read: ${code}`, undefined, { cause: error });
    const isImage = /^[\w.-]+(?:[:/][\w.-]+)*(?:@sha256:[0-9a-f]+)?$/.test(path);
    throw new RootauditError(
      `there is no ${what}`,
      isImage ? `For an image in a registry write registry:${path}` : undefined,
      { cause: error },
    );
  }
}

/** `format`: where it is known already. */
async function* diskTargets(path: string, reference: string, format?: string): AsyncGenerator<Target> {
  const { openDisk } = await import('./disk-image.ts');
  yield* openDisk(path, { format: format ?? diskFormat(path), reference });
}

/** Without marks of a container, the bytes are those of the disk. */
function diskFormat(path: string): string {
  const what = visible(path);
  if (statOf(path, what).isBlockDevice()) return 'raw';
  const file = openFile(path, what);
  const release = file.hold();
  try {
    const kind = fileKind(file);
    return kind.kind === 'disk' ? kind.format : 'raw';
  } finally {
    release();
  }
}
