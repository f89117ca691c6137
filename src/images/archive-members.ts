/** The members of an archive of images: a few documents and layers, in any order, some of them links to others. */

import { RootauditError } from '../core/errors.ts';
import { grouped, visible } from '../core/text.ts';
import { readExact, type Source } from '../formats/archive.ts';
import { tarEntries, type TarEntry } from '../formats/tar.ts';
import { slice } from './file-source.ts';
import { MAX_DOCUMENT_BYTES, parseDockerManifest } from './manifest.ts';

const MAX_MEMBERS = 200_000;
const MAX_LINKS = 40;
/** An archive that has shown nothing of an image by then is the archive of a root file system. */
const UNDECIDED = 1000;

export class ArchiveMembers {
  readonly #source: Source;
  readonly #what: string;
  readonly #entries: ReadonlyMap<string, TarEntry>;

  private constructor(source: Source, what: string, entries: ReadonlyMap<string, TarEntry>) {
    this.#source = source;
    this.#what = what;
    this.#entries = entries;
  }

  /**
   * Reads headers only. Undefined when this is no archive of images; `certain` when it has to be one. Throws
   * RootauditError when it is damaged.
   */
  static read(source: Source, what: string, certain: boolean): ArchiveMembers | undefined {
    const entries = new Map<string, TarEntry>();
    const listing = tarEntries(source);
    let isImage = false;
    let isRoot = false;
    for (const entry of listing.entries) {
      const path = normalPath(entry.path);
      if (path === undefined) continue;
      isImage ||= IMAGE_MEMBER.test(path);
      isRoot ||= ROOT_MEMBER.test(path);
      // As when it is unpacked: a later one takes the place of an earlier one.
      entries.set(path, entry);
      if (!certain && entries.size > UNDECIDED && (isRoot || !isImage)) return undefined;
      if (entries.size > MAX_MEMBERS) {
        throw new RootauditError(
          `${what} has more than ${grouped(MAX_MEMBERS)} files in it`,
          'If it is the archive of a root file system, put tar: before its name.',
        );
      }
    }
    const members = new ArchiveMembers(source, what, entries);
    if (!certain && !members.#isImage(isRoot)) return undefined;
    const problem = listing.diagnostics.find(({ level }) => level === 'error');
    if (problem) {
      const place = problem.offset === undefined ? '' : ` at offset ${problem.offset}`;
      throw new RootauditError(`${what} cannot be read whole: ${problem.message}${place}`, 'Get it again.');
    }
    return members;
  }

  /** A root file system may have a file of such a name too. */
  #isImage(isRoot: boolean): boolean {
    const isLayout = this.has('index.json') && this.has('oci-layout');
    if (!isRoot) return isLayout || this.has('manifest.json');
    if (!isLayout && !this.#namesConfiguration()) return false;
    throw new RootauditError(
      `${this.#what} has both an image and a root file system in it`,
      'Say which is meant: put docker-archive:, oci-archive: or tar: before its name.',
    );
  }

  #namesConfiguration(): boolean {
    try {
      const bytes = this.document('manifest.json');
      const images = bytes ? parseDockerManifest(bytes, this.#what) : [];
      return images.some(({ config }) => this.has(config));
    } catch (error) {
      if (error instanceof RootauditError) return false;
      throw error;
    }
  }

  has(path: string): boolean {
    return this.find(path) !== undefined;
  }

  /** The bytes of a file, through links within the archive; undefined when there is none. */
  find(path: string): Source | undefined {
    let name = normalPath(path);
    for (let hops = 0; name !== undefined && hops <= MAX_LINKS; hops++) {
      const entry = this.#entries.get(name);
      if (entry?.kind === 'file') {
        if (entry.sparse) throw new RootauditError(`${this.#what}: ${visible(path)} has its holes left out`);
        return slice(this.#source, entry.offset, entry.size);
      }
      if (entry?.link === undefined) return undefined;
      const directory = entry.kind === 'link' ? name.slice(0, name.lastIndexOf('/') + 1) : '';
      name = normalPath(entry.link.startsWith('/') ? entry.link : directory + entry.link);
    }
    return undefined;
  }

  /** A document; undefined when there is none. */
  document(path: string): Buffer | undefined {
    const source = this.find(path);
    if (!source) return undefined;
    return readDocument(source, `${visible(path)} of ${this.#what}`);
  }
}

export function readDocument(source: Source, what: string): Buffer {
  if (source.size > MAX_DOCUMENT_BYTES) {
    throw new RootauditError(`${what} is ${source.size} bytes long, more than ${MAX_DOCUMENT_BYTES}`);
  }
  const bytes = readExact(source, 0, source.size);
  if (!bytes) throw new RootauditError(`${what} is cut off`);
  return bytes;
}

/** Without `.`, `..` and doubled slashes; undefined when it leads out of the archive, or nowhere. */
function normalPath(path: string): string | undefined {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.length === 0 ? undefined : parts.join('/');
}

/** Names that archives of images have, and root file systems hardly. */
const IMAGE_MEMBER =
  /^(?:manifest\.json|index\.json|oci-layout|repositories|blobs\/sha(?:256|512)(?:\/|$)|[^/]*[0-9a-f]{32}|[^/]+\.(?:json|tar|tar\.gz|tgz)$)/;
/** The other way round. */
const ROOT_MEMBER =
  /^(?:etc|usr|bin|lib|lib64|sbin|var|opt|home|root|proc|dev|Windows|Library|System|system|apex)(?:\/|$)/;

/** What the name of a member tells of the archive; undefined when it tells nothing. */
export function memberTells(path: string): 'image' | 'root' | undefined {
  const normal = normalPath(path);
  if (normal === undefined) return undefined;
  if (ROOT_MEMBER.test(normal)) return 'root';
  return IMAGE_MEMBER.test(normal) ? 'image' : undefined;
}
