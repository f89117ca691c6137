/**
 * A directory of certificates as Android has it: files named after the hash of the subject, `<8 hex digits>.<n>`, in
 * which Conscrypt looks from n = 0 on until a file is missing. Source: Conscrypt's TrustedCertificateStore.
 */

import { hash } from 'node:crypto';
import { posix } from 'node:path';
import { asBuffer } from '../../core/bytes.ts';
import { certificateFrom, type Certificate } from '../../core/certificate.ts';
import { element } from '../../core/der.ts';
import type { Diagnostic, Parsed } from '../../core/errors.ts';
import type { StoreContent, TrustAnchor } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import type { Trust } from '../../core/trust.ts';
import type { ApexFile } from '../../formats/apex.ts';
import { parsePem } from '../../formats/pem.ts';
import { diagnosticsContent, EMPTY_CONTENT, mergeContents, readFile, walkFiles } from './content.ts';

const LIVE_NAME = /^([0-9a-f]{8})\.(\d{1,4})$/;
const MAX_FILES = 10_000;
const MAX_BYTES = 1 << 20;

/** Why Android does not find a file; undefined for one that it finds. */
export type Unfound = 'name' | 'hash' | 'gap' | undefined;

export const UNFOUND_WORDS: Readonly<Record<Exclude<Unfound, undefined>, string>> = {
  name: 'its file name is none that Android looks for',
  hash: 'its file name is that of another subject',
  gap: 'a file with a lower number is missing before it',
};

/** OpenSSL's `subject_hash_old`: the first four octets of MD5 over the subject, as a little-endian number. */
export function subjectHashOld({ der, layout }: Certificate): string | undefined {
  if (!layout) return undefined;
  const digest = Buffer.from(hash('md5', element(der, layout.subject), 'hex'), 'hex');
  return digest.readUInt32LE(0).toString(16).padStart(8, '0');
}

/** Every certificate in the directory, a part per file. An empty file keeps the place of one that was deleted. */
export function* readAndroidDirectory(
  target: Target,
  directory: string,
  trustOf: (certificate: Certificate, unfound: Unfound) => Trust,
): Generator<StoreContent> {
  const { files, problems } = walkFiles(target, directory, () => true, 1);
  yield { ...EMPTY_CONTENT, problems };
  if (files.length > MAX_FILES) {
    const message = `more than ${MAX_FILES} files`;
    yield { ...EMPTY_CONTENT, problems: [{ code: 'limit', path: directory, message }] };
  }
  const names = new Set(files.map((path) => posix.basename(path)));
  for (const path of files.slice(0, MAX_FILES)) {
    const file = readFile(target, path, MAX_BYTES);
    yield 'failed' in file ? file.failed : readOne(path, file.bytes, names, trustOf);
  }
}

function readOne(
  path: string,
  bytes: Uint8Array,
  names: ReadonlySet<string>,
  trustOf: (certificate: Certificate, unfound: Unfound) => Trust,
): StoreContent {
  const { held, notes, diagnostics } = readHeld(posix.basename(path), bytes, names);
  const anchors = held.map(({ certificate, unfound, firstLine, lastLine }): TrustAnchor => {
    const lines = { first: firstLine, last: lastLine, certificatesInFile: held.length };
    return { certificate, entry: posix.basename(path), path, trust: trustOf(certificate, unfound), lines };
  });
  const told = notes.map((note) => `${path}: ${note}`);
  return mergeContents([{ anchors, problems: [], notes: told }, diagnosticsContent(path, diagnostics)]);
}

interface HeldCertificate {
  readonly certificate: Certificate;
  readonly unfound: Unfound;
  readonly firstLine: number;
  readonly lastLine: number;
}

interface HeldFile {
  readonly held: readonly HeldCertificate[];
  readonly notes: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

/** What a file of a certificate directory holds; `names` are those of all its files. */
function readHeld(name: string, bytes: Uint8Array, names: ReadonlySet<string>): HeldFile {
  if (bytes.length === 0) return { held: [], notes: [], diagnostics: [] };
  const { entries, diagnostics } = parsePem(bytes);
  const held = entries.map(({ der, firstLine, lastLine }): HeldCertificate => {
    const certificate = certificateFrom(der);
    return { certificate, unfound: whyUnfound(name, certificate, names), firstLine, lastLine };
  });
  const notes = held.flatMap(({ unfound }) => (unfound === undefined ? [] : [UNFOUND_WORDS[unfound]]));
  return { held, notes, diagnostics };
}

/** The same for a directory inside of a module, the file `path`. */
export function* readAndroidModule(
  path: string,
  { entries, diagnostics }: Parsed<ApexFile>,
  trustOf: (certificate: Certificate, unfound: Unfound) => Trust,
): Generator<StoreContent> {
  yield diagnosticsContent(path, diagnostics);
  const names = new Set(entries.map(({ name }) => name));
  for (const { name, place, bytes } of entries) {
    const file = readHeld(name, bytes, names);
    const { held } = file;
    const anchors = held.map(({ certificate, unfound }, index): TrustAnchor => {
      const entry = held.length === 1 ? place : `${place}, certificate ${index + 1} of ${held.length}`;
      return { certificate, entry, path, trust: trustOf(certificate, unfound) };
    });
    const notes = file.notes.map((note) => `${path}: ${place}: ${note}`);
    // A line is one of that file, not of the module.
    const told = file.diagnostics.map(({ level, code, message, line }): Diagnostic => ({
      level,
      code,
      message: `${place}${line === undefined ? '' : `:${line}`}: ${message}`,
    }));
    yield mergeContents([{ anchors, problems: [], notes }, diagnosticsContent(path, told)]);
  }
}

/** What is read of a module. */
export const MODULE_LIMITS = {
  maxFileBytes: MAX_BYTES,
  maxFiles: MAX_FILES,
  maxTotalBytes: 32 << 20,
};

function whyUnfound(name: string, certificate: Certificate, names: ReadonlySet<string>): Unfound {
  const [, prefix = '', digits = ''] = LIVE_NAME.exec(name) ?? [];
  if (prefix === '' || String(Number(digits)) !== digits) return 'name';
  if (subjectHashOld(certificate) !== prefix) return 'hash';
  for (let lower = 0; lower < Number(digits); lower++) if (!names.has(`${prefix}.${lower}`)) return 'gap';
  return undefined;
}

/** Digests of the certificates in a directory; what cannot be read is left to the store that owns it. */
export function certificatesIn(target: Target, directory: string): Set<string> {
  const found = new Set<string>();
  for (const path of walkFiles(target, directory, () => true, 1).files.slice(0, MAX_FILES)) {
    const file = readFile(target, path, MAX_BYTES);
    if ('failed' in file) continue;
    for (const { der } of parsePem(asBuffer(file.bytes)).entries) found.add(certificateFrom(der).sha256);
  }
  return found;
}
