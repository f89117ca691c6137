/** A file, or what comes by standard input, as the images in it: its bytes say what it is. */

import { asBuffer } from '../core/bytes.ts';
import { RootauditError } from '../core/errors.ts';
import { TarStream } from '../formats/tar.ts';
import { ArchiveMembers, memberTells } from './archive-members.ts';
import { unpack } from './compression.ts';
import { dockerImages, dockerPlatforms } from './docker-archive.ts';
import { pieces, spool, type SharedFile } from './file-source.ts';
import type { Finding, ImageOptions } from './finding.ts';
import type { ImageSource } from './image-source.ts';
import { fileKind, HEAD_SIZE, looksLikeTar, type Compression } from './kinds.ts';
import { archiveLayout, ociImages } from './oci-layout.ts';
import { rootImage } from './rootfs-tar.ts';

/** What a prefix says that it is. */
export type ArchiveKind = 'docker-archive' | 'oci-archive' | 'tar';

export interface FileInput {
  readonly file: SharedFile;
  /** As the user named it. */
  readonly reference: string;
  /** The same for messages. */
  readonly what: string;
  readonly kind: ArchiveKind | undefined;
  /** The one image that was asked for. */
  readonly name?: string | undefined;
  readonly options: ImageOptions;
}

const UNDERSTOOD =
  'Images are read from archives of docker save, podman and skopeo, from OCI layouts, and from tar archives of a root file system, plain or compressed with gzip, zstd, xz or bzip2.';

/** The file is a disk, which is for others to read. */
export interface DiskFound {
  readonly disk: string;
}

/** The images of a file, one after another. Throws RootauditError for what is none. */
export async function* fileImages(input: FileInput): AsyncGenerator<ImageSource | DiskFound> {
  const { file, what } = input;
  const release = file.hold();
  try {
    const kind = fileKind(file);
    switch (kind.kind) {
      case 'tar':
        yield* tarImages(file, input);
        break;
      case 'packed':
        yield* packedImages(kind.compression, input);
        break;
      case 'disk':
        yield { disk: kind.format };
        break;
      case 'empty':
        throw new RootauditError(`${what} is empty`);
      case 'other':
        throw new RootauditError(`${what} is ${kind.format}, which is not read`, UNDERSTOOD);
      case 'unknown':
        throw new RootauditError(`${what} is of no kind that is known`, UNDERSTOOD);
    }
  } finally {
    release();
  }
}

/** Keeps the file open until the last image of it was opened; each holds it for itself. */
async function* tarImages(file: SharedFile, input: FileInput): AsyncGenerator<ImageSource> {
  const release = file.hold();
  try {
    for (const open of await imagesOf(file, input)) yield open();
  } finally {
    release();
  }
}

async function imagesOf(file: SharedFile, input: FileInput): Promise<readonly (() => ImageSource)[]> {
  const { what, kind, options } = input;
  const finding: Finding = { ...input, hold: () => file.hold() };
  if (kind === 'tar') return [() => rootImage(file, finding)];
  const members = ArchiveMembers.read(file, what, kind !== undefined);
  if (!members) return [() => rootImage(file, finding)];
  const hasIndex = members.has('index.json');
  if (kind === 'oci-archive' || !members.has('manifest.json')) {
    return ociImages(archiveLayout(members, finding.hold), finding);
  }
  // Both describe the same, but manifest.json has the tags, and the index further platforms.
  const isWhole = options.platform !== 'all' || !hasIndex || kind === 'docker-archive';
  const images = isWhole ? dockerImages(members, finding) : undefined;
  if (images) return images;
  if (hasIndex && kind === undefined) return ociImages(archiveLayout(members, finding.hold), finding);
  throw new RootauditError(
    `${what} has no image for ${options.platform ?? 'this machine'}`,
    `It has ${dockerPlatforms(members, what)}.`,
  );
}

/**
 * A compressed archive of a root file system is read as it comes. One of images has its documents and layers in any
 * order, so it is unpacked into a temporary file first: reading it several times takes longer.
 */
async function* packedImages(compression: Compression, input: FileInput): AsyncGenerator<ImageSource> {
  const { file, what, kind } = input;
  const unpacked = (): AsyncGenerator<Uint8Array> => unpack(pieces(file), { what, size: file.size });
  const tells = await firstMembers(unpacked(), what, compression);
  if (kind === 'tar' || (kind === undefined && tells !== 'image')) {
    yield rootImage(file, { ...input, hold: () => file.hold() });
  } else
    yield* tarImages(await spool(input.options.progress?.copying(unpacked()) ?? unpacked(), what), input);
}

/** Entries and bytes that are enough to see what an archive is. */
const MAX_SEEN = 1000;
const MAX_BYTES = 8 << 20;

async function firstMembers(
  bytes: AsyncIterable<Uint8Array>,
  what: string,
  compression: Compression,
): Promise<'image' | 'root' | undefined> {
  const tar = new TarStream();
  let seen = 0;
  let length = 0;
  let start: Uint8Array = new Uint8Array(0);
  for await (const piece of bytes) {
    if (start.length < HEAD_SIZE) start = Buffer.concat([start, piece.subarray(0, HEAD_SIZE)]);
    length += piece.length;
    for (const entry of tar.push(asBuffer(piece))) {
      const tells = entry instanceof Uint8Array ? undefined : memberTells(entry.path);
      if (tells) return tells;
      if (++seen > MAX_SEEN) return undefined;
    }
    if (length > MAX_BYTES) break;
  }
  if (looksLikeTar(start.subarray(0, HEAD_SIZE))) return undefined;
  throw new RootauditError(
    `${what} is compressed with ${compression}, and what is in it is no tar archive`,
    'Unpack it first, and give what comes out.',
  );
}
