/**
 * Headers of tar archives: POSIX ustar and pax (pax(1) of POSIX.1-2017), GNU tar's long names, large numbers and sparse
 * files, and the old form. Go's archive/tar, which container runtimes read layers by, decides where programs differ.
 */

import type { Diagnostic, ProblemCode } from '../core/errors.ts';
import { BLOCK, Checksums, headerPath, isZero, number, orZero, text } from './tar-fields.ts';
import { isOpaque, paxNumber, readPax, type PaxRecords } from './tar-pax.ts';

export interface TarEntry {
  /** As the archive has it: neither cleaned nor checked. Bytes that are not UTF-8 as `decodePath` gives them. */
  readonly path: string;
  /** A whiteout is overlayfs' own: the character device 0/0. Names with `.wh.` are files like any other here. */
  readonly kind: 'file' | 'directory' | 'link' | 'hard-link' | 'whiteout' | 'other';
  /** Of a sparse file, the size with its holes. */
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** Of links: where to. A hard link's is a path from the root of the archive. */
  readonly link?: string;
  /** Where the content begins in the archive. */
  readonly offset: number;
  /** The content is there with its holes left out: not to be read as it is. */
  readonly sparse?: true;
  /** overlayfs' mark of a directory that hides what lower layers have in it. */
  readonly opaque?: true;
}

/** As Go's reader: more is an attempt to fill the memory. */
const MAX_EXTENSION = 1 << 20;
const MAX_DIAGNOSTICS = 20;

/** What a block turns out to be. */
export type TarStep =
  /** The archive ends here. */
  | { readonly kind: 'end' }
  /** Nothing to tell: another block comes. */
  | { readonly kind: 'more' }
  /** So many bytes (and padding) to be handed to {@link TarHeaders.extension}, or to be skipped when not `wanted`. */
  | { readonly kind: 'extension'; readonly stored: number; readonly wanted: boolean }
  /** An entry, and how many bytes of content follow; undefined for one that is left out. */
  | { readonly kind: 'entry'; readonly entry: TarEntry | undefined; readonly stored: number };

const END: TarStep = { kind: 'end' };
const MORE: TarStep = { kind: 'more' };

/** A sparse file whose map goes on in the next block. */
interface Unfinished {
  readonly entry: TarEntry | undefined;
  readonly stored: number;
}

/** Header after header, as they come; knows nothing of where the bytes come from. */
export class TarHeaders {
  readonly diagnostics: Diagnostic[] = [];
  /** The end mark was seen, or the archive cannot be read any further. */
  ended = false;
  readonly #checksums = new Checksums();
  #zeros = false;
  #longPath: string | undefined;
  #longLink: string | undefined;
  #pax: PaxRecords | undefined;
  /** Modification time that a global header gives. */
  #globalTime: string | undefined;
  /** Type of the extension that is being read. */
  #extension = 0;
  #extensionOffset = 0;
  /** The name of the next entry could not be read. */
  #nameless = false;
  #unfinished: Unfinished | undefined;

  /** The block of 512 bytes at `at` of `bytes`, which lies at `offset` of the archive. */
  block(bytes: Buffer, at: number, offset: number): TarStep {
    if (this.#unfinished) return this.#sparseMap(bytes, at, offset);
    if (bytes[at] === 0 && isZero(bytes, at)) {
      if (this.#zeros) return this.#end();
      this.#zeros = true;
      return MORE;
    }
    if (this.#zeros) return this.#fail('malformed', 'data after half an end mark', offset);
    if (!this.#checksums.fits(bytes, at))
      return this.#fail('malformed', 'a header with a wrong checksum', offset);
    const stored = number(bytes, at + 124, 12);
    if (!(stored >= 0)) return this.#fail('malformed', 'a header with an impossible size', offset);
    const type = bytes[at + 156] ?? 0;
    switch (type) {
      case TYPE.longPath:
      case TYPE.longLink:
      case TYPE.pax:
      case TYPE.global:
        return this.#startExtension(type, stored, offset);
      default:
        return this.#entry(bytes, at, offset, type, stored);
    }
  }

  /** The bytes of an extension, without padding. */
  extension(bytes: Buffer): void {
    switch (this.#extension) {
      case TYPE.longPath:
        this.#longPath = text(bytes, 0, bytes.length);
        break;
      case TYPE.longLink:
        this.#longLink = text(bytes, 0, bytes.length);
        break;
      case TYPE.pax:
        this.#pax = this.#readPax(bytes);
        break;
      default:
        this.#global(this.#readPax(bytes));
    }
  }

  /** The bytes end at `offset`; `cut` when they do so in the middle of something. */
  finish(offset: number, cut: boolean): void {
    if (this.ended) return;
    this.ended = true;
    if (cut) {
      this.report({ level: 'error', code: 'truncated', message: 'the archive is cut off', offset });
    } else if (!this.#zeros) {
      const message = 'the archive has no end mark: it may be cut off';
      this.report({ level: 'note', code: 'truncated', message, offset });
    }
  }

  report(diagnostic: Diagnostic): void {
    if (this.diagnostics.length < MAX_DIAGNOSTICS) this.diagnostics.push(diagnostic);
  }

  #startExtension(type: number, stored: number, offset: number): TarStep {
    this.#extension = type;
    this.#extensionOffset = offset;
    const wanted = stored <= MAX_EXTENSION;
    if (!wanted) {
      this.#nameless = type !== TYPE.global;
      const rest = this.#nameless ? '; the file after it is left out' : '';
      const message = `an extended header of ${stored} bytes, more than the limit of ${MAX_EXTENSION}${rest}`;
      this.report({ level: 'error', code: 'too-large', message, offset });
    }
    return { kind: 'extension', stored, wanted };
  }

  #readPax(bytes: Buffer): PaxRecords {
    const records = readPax(bytes);
    if (records.malformed) {
      const message = 'an extended header with a damaged record';
      this.report({ level: 'error', code: 'malformed', message, offset: this.#extensionOffset });
    }
    return records;
  }

  /** GNU tar lets a global header name all the files that follow; Go, and so container runtimes, do not. */
  #global(records: PaxRecords): void {
    const { path, linkpath, size, mtime } = records.values;
    this.#globalTime = mtime ?? this.#globalTime;
    if (path === undefined && linkpath === undefined && size === undefined) return;
    const message = 'a global header that gives all files one name or size, which programs read differently';
    this.report({ level: 'error', code: 'unsupported', message, offset: this.#extensionOffset });
  }

  #entry(bytes: Buffer, at: number, offset: number, type: number, told: number): TarStep {
    const pax = this.#pax?.values;
    const longPath = this.#longPath;
    const longLink = this.#longLink;
    const left = this.#nameless;
    this.#pax = undefined;
    this.#longPath = undefined;
    this.#longLink = undefined;
    this.#nameless = false;
    let stored = told;
    if (pax?.size !== undefined) {
      stored = paxNumber(pax.size);
      if (!Number.isSafeInteger(stored) || stored < 0) {
        return this.#fail('malformed', 'a header with an impossible size', offset);
      }
    }
    if (isHeaderOnly(type)) stored = 0;
    const path = pax?.['GNU.sparse.name'] ?? pax?.path ?? longPath ?? headerPath(bytes, at);
    const kind = kindOf(bytes, at, type, path, stored);
    const sparseSize = sparseSizeOf(bytes, at, type, pax);
    const mtime = pax?.mtime ?? this.#globalTime;
    const entry: Mutable<TarEntry> = {
      path,
      kind,
      size: sparseSize ?? (kind === 'file' ? stored : 0),
      mode: orZero(number(bytes, at + 100, 8)) & 0o7777,
      uid: orZero(pax?.uid === undefined ? number(bytes, at + 108, 8) : paxNumber(pax.uid)),
      gid: orZero(pax?.gid === undefined ? number(bytes, at + 116, 8) : paxNumber(pax.gid)),
      modified: 1000 * orZero(mtime === undefined ? number(bytes, at + 136, 12) : Number(mtime)),
      offset: offset + BLOCK,
    };
    if (kind === 'link' || kind === 'hard-link') {
      entry.link = pax?.linkpath ?? longLink ?? text(bytes, at + 157, 100);
    }
    if (sparseSize !== undefined) entry.sparse = true;
    if (pax && isOpaque(pax)) entry.opaque = true;
    if (type === TYPE.sparse && bytes[at + 482] !== 0) {
      this.#unfinished = { entry: left ? undefined : entry, stored };
      return MORE;
    }
    return { kind: 'entry', entry: left ? undefined : entry, stored };
  }

  #sparseMap(bytes: Buffer, at: number, offset: number): TarStep {
    const { entry, stored } = this.#unfinished ?? { entry: undefined, stored: 0 };
    if (bytes[at + 504] !== 0) return MORE;
    this.#unfinished = undefined;
    return { kind: 'entry', entry: entry && { ...entry, offset: offset + BLOCK }, stored };
  }

  #fail(code: ProblemCode, message: string, offset: number): TarStep {
    this.report({ level: 'error', code, message, offset });
    return this.#end();
  }

  #end(): TarStep {
    this.ended = true;
    return END;
  }
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Type flags. */
const TYPE = {
  old: 0,
  file: 0x30,
  hardLink: 0x31,
  link: 0x32,
  character: 0x33,
  block: 0x34,
  directory: 0x35,
  pipe: 0x36,
  contiguous: 0x37,
  dumpDirectory: 0x44,
  longLink: 0x4b,
  longPath: 0x4c,
  sparse: 0x53,
  global: 0x67,
  pax: 0x78,
} as const;

/** Whatever size these tell, no content follows. */
function isHeaderOnly(type: number): boolean {
  return type >= TYPE.hardLink && type <= TYPE.pipe;
}

function kindOf(bytes: Buffer, at: number, type: number, path: string, stored: number): TarEntry['kind'] {
  switch (type) {
    case TYPE.file:
    case TYPE.old:
    case TYPE.contiguous:
      // Before POSIX a directory was a file whose name ends in a slash.
      return path.endsWith('/') && (type === TYPE.old || stored === 0) ? 'directory' : 'file';
    case TYPE.sparse:
      return 'file';
    case TYPE.hardLink:
      return 'hard-link';
    case TYPE.link:
      return 'link';
    case TYPE.directory:
    case TYPE.dumpDirectory:
      return 'directory';
    case TYPE.character:
      return number(bytes, at + 329, 8) === 0 && number(bytes, at + 337, 8) === 0 ? 'whiteout' : 'other';
    default:
      return 'other';
  }
}

/** The size with all holes; undefined when there are none. */
function sparseSizeOf(
  bytes: Buffer,
  at: number,
  type: number,
  pax: PaxRecords['values'] | undefined,
): number | undefined {
  if (type === TYPE.sparse) return orZero(number(bytes, at + 483, 12));
  if (!pax) return undefined;
  const told = pax['GNU.sparse.realsize'] ?? pax['GNU.sparse.size'];
  if (told === undefined && pax['GNU.sparse.major'] === undefined) return undefined;
  return orZero(paxNumber(told ?? '0'));
}
