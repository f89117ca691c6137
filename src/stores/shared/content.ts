/** Building a {@link StoreContent} from files: what cannot be read becomes a problem and the rest goes on. */

import { certificateFrom, type Certificate } from '../../core/certificate.ts';
import { diagnosticToProblem, type Diagnostic, type Problem } from '../../core/errors.ts';
import type { ReadOptions, StoreContent, StoreLocation, StoreType, TrustAnchor } from '../../core/store.ts';
import {
  FsError,
  MAX_FILE_BYTES,
  unlessRefused,
  type DirectoryEntry,
  type ReadFs,
  type Target,
} from '../../core/target.ts';
import type { Trust } from '../../core/trust.ts';
import { auxTrust } from '../../formats/cert-aux.ts';
import { parsePem, type PemEntry } from '../../formats/pem.ts';

export const EMPTY_CONTENT: StoreContent = { anchors: [], problems: [], notes: [] };

export function mergeContents(contents: Iterable<StoreContent>): StoreContent {
  const anchors: TrustAnchor[] = [];
  const problems: Problem[] = [];
  const notes: string[] = [];
  for (const content of contents) {
    for (const anchor of content.anchors) anchors.push(anchor);
    problems.push(...content.problems);
    notes.push(...content.notes);
  }
  return { anchors, problems, notes };
}

/** The whole of a store at once, for those who do not mind its size. */
export function readWhole(
  type: StoreType,
  target: Target,
  location: StoreLocation,
  options: ReadOptions,
): StoreContent {
  return mergeContents(type.read(target, location, options));
}

export function problemContent(problem: Problem): StoreContent {
  return { ...EMPTY_CONTENT, problems: [problem] };
}

/** A refused or failed read as the problem that goes into the report; any other error is rethrown. */
export function fsProblem(error: unknown): Problem {
  if (!(error instanceof FsError)) throw error;
  const code =
    error.code === 'link-loop' ? 'link-loop' : error.code === 'too-large' ? 'too-large' : 'unreadable';
  return { code, path: error.path, message: error.message };
}

/** Problems and notes of a parsed file. */
export function diagnosticsContent(path: string, diagnostics: readonly Diagnostic[]): StoreContent {
  if (diagnostics.length === 0) return EMPTY_CONTENT;
  const problems: Problem[] = [];
  const notes: string[] = [];
  for (const diagnostic of diagnostics) {
    const problem = diagnosticToProblem(diagnostic, path);
    if (problem) problems.push(problem);
    else notes.push(`${path}${diagnostic.line ? `:${diagnostic.line}` : ''}: ${diagnostic.message}`);
  }
  return { anchors: [], problems, notes };
}

/** The file's bytes, or the content that says why there are none. */
export function readFile(
  target: Target,
  path: string,
  maxBytes = MAX_FILE_BYTES,
): { readonly bytes: Uint8Array } | { readonly failed: StoreContent } {
  try {
    const bytes = target.fs.read(path, maxBytes);
    return bytes ? { bytes } : { failed: EMPTY_CONTENT };
  } catch (error) {
    return { failed: problemContent(fsProblem(error)) };
  }
}

/** Every certificate of a PEM (or DER) file, with the trust that `trustOf` gives it. */
export function readPemFile(
  target: Target,
  path: string,
  entryName: string,
  trustOf: (entry: PemEntry) => Trust,
): StoreContent {
  const file = parsePemFile(target, path);
  if ('failed' in file) return file.failed;
  const { held, diagnostics } = file;
  const anchors = held.map((each, index) => pemAnchor(each, index, held.length, path, entryName, trustOf));
  return { ...diagnosticsContent(path, diagnostics), anchors };
}

interface HeldCertificate {
  readonly entry: PemEntry;
  readonly certificate: Certificate;
}

interface PemFile {
  readonly held: readonly HeldCertificate[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Small files are met again through links from other stores: two thousand of them are kept parsed. */
const MAX_KEPT_BYTES = 16 << 10;
const MAX_KEPT_FILES = 2000;
const keptFiles = new WeakMap<ReadFs, Map<string, PemFile>>();

function parsePemFile(target: Target, path: string): PemFile | { readonly failed: StoreContent } {
  const kept = keptFiles.get(target.fs) ?? new Map<string, PemFile>();
  keptFiles.set(target.fs, kept);
  const real = realPathOr(target, path);
  const known = kept.get(real);
  if (known) return known;
  const file = readFile(target, path);
  if ('failed' in file) return file;
  const { entries, diagnostics } = parsePem(file.bytes);
  const held = entries.map((entry) => ({ entry, certificate: certificateFrom(entry.der) }));
  if (file.bytes.length <= MAX_KEPT_BYTES && kept.size < MAX_KEPT_FILES)
    kept.set(real, { held, diagnostics });
  return { held, diagnostics };
}

function pemAnchor(
  { entry, certificate }: HeldCertificate,
  index: number,
  total: number,
  path: string,
  entryName: string,
  trustOf: (entry: PemEntry) => Trust,
): TrustAnchor {
  return {
    certificate,
    entry: total === 1 ? entryName : `certificate ${index + 1} of ${total}`,
    path,
    trust: trustOf(entry),
    lines: { first: entry.firstLine, last: entry.lastLine, certificatesInFile: total },
  };
}

/** A `TRUSTED CERTIFICATE` carries its own purposes, which stand above the place where it lies. */
export function withAux(entry: PemEntry, trust: Trust): Trust {
  return entry.aux ? auxTrust(entry.aux) : trust;
}

/** How deep and how many files a store directory may have; hostile trees go on for ever. */
const MAX_WALK_DEPTH = 16;
const MAX_WALK_FILES = 100_000;

export interface Walk {
  /** Paths below the directory, in byte order of their names. */
  readonly files: readonly string[];
  readonly problems: readonly Problem[];
}

/** Files (and links to files) below `directory` whose name `wanted` accepts. */
export function walkFiles(
  target: Target,
  directory: string,
  wanted: (name: string) => boolean,
  depth = MAX_WALK_DEPTH,
): Walk {
  const files: string[] = [];
  const problems: Problem[] = [];
  const visit = (path: string, level: number): void => {
    for (const entry of listOrProblem(target, path, problems)) {
      const child = `${path}/${entry.name}`;
      if (files.length >= MAX_WALK_FILES) return;
      if (isDirectory(target, child, entry)) {
        if (level < depth) visit(child, level + 1);
      } else if (wanted(entry.name)) {
        files.push(child);
      }
    }
  };
  visit(directory, 1);
  if (files.length >= MAX_WALK_FILES) {
    problems.push({ code: 'limit', path: directory, message: `more than ${MAX_WALK_FILES} files` });
  }
  return { files, problems };
}

function listOrProblem(target: Target, path: string, problems: Problem[]): readonly DirectoryEntry[] {
  try {
    return target.fs.list(path);
  } catch (error) {
    problems.push(fsProblem(error));
    return [];
  }
}

/** A link that cannot be followed is taken for a file: reading it then says what is wrong with it. */
function isDirectory(target: Target, path: string, entry: DirectoryEntry): boolean {
  if (entry.kind !== 'link') return entry.kind === 'directory';
  try {
    return target.fs.kind(path) === 'directory';
  } catch (error) {
    if (error instanceof FsError) return false;
    throw error;
  }
}

/** True when there is something at `path`, or something that may not be looked at: reading it then tells. */
export function exists(target: Target, path: string, kind?: 'file' | 'directory'): boolean {
  try {
    const found = target.fs.kind(path);
    return found !== undefined && (kind === undefined || found === kind);
  } catch (error) {
    if (error instanceof FsError) return true;
    throw error;
  }
}

/** The path without links, or the path itself where that cannot be told. */
export function realPathOr(target: Target, path: string): string {
  return unlessRefused(() => target.fs.realPath(path)) ?? path;
}
