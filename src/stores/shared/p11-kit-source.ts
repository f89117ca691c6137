/**
 * The input directories of p11-kit's trust module and what they make of each certificate (trust/token.c,
 * trust/parser.c and trust/builder.c of p11-kit; compared with its `trust` tool, version 0.24.1).
 */

import { posix } from 'node:path';
import { asBuffer } from '../../core/bytes.ts';
import { certificateFrom, type Certificate, type Sha256 } from '../../core/certificate.ts';
import { element } from '../../core/der.ts';
import type { Problem } from '../../core/errors.ts';
import type { StoreContent, TrustAnchor } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { distrustedForAll, heldOnly, type Trust } from '../../core/trust.ts';
import { isP11Kit, parseP11Kit, type P11KitCertificate, type P11KitObject } from '../../formats/p11-kit.ts';
import { DER_LABEL, parsePem, type PemEntry } from '../../formats/pem.ts';
import { diagnosticsContent, EMPTY_CONTENT, fsProblem, mergeContents, readFile } from './content.ts';
import { KeyLimits, limitedTrust } from './p11-kit-purposes.ts';

/** What a directory says about the files in it. */
type Place = 'neutral' | 'anchors' | 'blocklist' | 'unread';

interface SourceFile {
  readonly path: string;
  readonly place: Place;
  /** "anchors/" */
  readonly placeName: string;
}

interface SourceItem {
  readonly certificate: Certificate;
  readonly entry: string;
  readonly file: SourceFile;
  readonly lines: TrustAnchor['lines'] | undefined;
  readonly trusted: boolean;
  readonly distrusted: boolean;
  /** Why p11-kit does not see it, if so. */
  readonly unseen: string | undefined;
  /** p11-kit may fail to read it. Then its trust counts, to be on the safe side, and its distrust does not. */
  readonly doubtful: boolean;
  readonly remark: string;
}

interface Collected {
  readonly items: SourceItem[];
  readonly limits: KeyLimits;
  /** Issuer and serial number of certificates distrusted without being at hand. */
  readonly named: Map<string, string>;
}

/** The labels p11-kit reads; every other block it leaves out. */
const SEEN_LABELS: ReadonlySet<string> = new Set(['CERTIFICATE', 'TRUSTED CERTIFICATE', DER_LABEL]);
const BEGIN = '-----BEGIN ';
const CERTIFICATE_NAME = /\.(?:pem|crt|cer|der|p11-kit)$/i;

/**
 * Every certificate below `paths` with the trust that p11-kit gives it in the end: a distrust anywhere beats trust,
 * and attached extensions limit the purposes.
 */
export function readP11KitSource(target: Target, paths: readonly string[]): StoreContent {
  const { files, content } = listSourceFiles(target, paths);
  const collected: Collected = { items: [], limits: new KeyLimits(), named: new Map() };
  const contents = files.map((file) => collectFile(target, file, collected));
  const distrusted = distrustedBy(collected);
  const anchors = collected.items.map((item) => ({
    certificate: item.certificate,
    entry: item.entry,
    path: item.file.path,
    trust: effectiveTrust(item, distrusted, collected.limits),
    ...(item.lines && { lines: item.lines }),
  }));
  return mergeContents([content, { ...EMPTY_CONTENT, anchors }, ...contents]);
}

function listSourceFiles(
  target: Target,
  paths: readonly string[],
): { readonly files: readonly SourceFile[]; readonly content: StoreContent } {
  const files: SourceFile[] = [];
  const problems: Problem[] = [];
  const notes: string[] = [];
  const add = (directory: string, place: Place, placeName: string): number => {
    const found = filesOf(target, directory, problems);
    for (const path of found) files.push({ path, place, placeName });
    return found.length;
  };
  // p11-kit read blacklist/ before version 0.23.21 and reads blocklist/ since; a store has the one it was made for.
  const hasBlocklist = paths.some((path) => kindOf(target, `${path}/blocklist`, problems) === 'directory');
  for (const path of paths) {
    const kind = kindOf(target, path, problems);
    if (kind === 'file') files.push({ path, place: 'anchors', placeName: 'anchor file' });
    if (kind !== 'directory') continue;
    add(path, 'neutral', `${posix.basename(path)}/`);
    add(`${path}/anchors`, 'anchors', 'anchors/');
    add(`${path}/blocklist`, 'blocklist', 'blocklist/');
    if (isSameDirectory(target, `${path}/blacklist`, `${path}/blocklist`)) continue;
    if (add(`${path}/blacklist`, hasBlocklist ? 'unread' : 'blocklist', 'blacklist/') > 0) {
      notes.push(
        hasBlocklist
          ? `${path}/blacklist: p11-kit from version 0.23.21 on reads blocklist/ only; these files are taken as not read`
          : `${path}/blacklist: only p11-kit before version 0.23.21 reads it; from then on it is blocklist/`,
      );
    }
  }
  return { files, content: { anchors: [], problems, notes } };
}

function kindOf(
  target: Target,
  path: string,
  problems: Problem[],
): 'file' | 'directory' | 'other' | undefined {
  try {
    return target.fs.kind(path);
  } catch (error) {
    problems.push(fsProblem(error));
    return undefined;
  }
}

function isSameDirectory(target: Target, a: string, b: string): boolean {
  try {
    const real = target.fs.realPath(a);
    return real !== undefined && real === target.fs.realPath(b);
  } catch (error) {
    fsProblem(error);
    return false;
  }
}

/** p11-kit does not look into directories below. */
function filesOf(target: Target, directory: string, problems: Problem[]): string[] {
  try {
    return target.fs
      .list(directory)
      .filter(({ kind }) => kind === 'file' || kind === 'link')
      .map(({ name }) => `${directory}/${name}`)
      .filter((path) => kindOf(target, path, problems) === 'file');
  } catch (error) {
    problems.push(fsProblem(error));
    return [];
  }
}

/** Tries the formats in p11-kit's order: a file that is refused as an object file may still hold PEM blocks. */
function collectFile(target: Target, file: SourceFile, collected: Collected): StoreContent {
  const read = readFile(target, file.path);
  if ('failed' in read) return read.failed;
  if (!isP11Kit(read.bytes)) return collectCertificates(file, read.bytes, collected);
  const { entries, diagnostics } = parseP11Kit(read.bytes);
  const content = diagnosticsContent(file.path, diagnostics);
  if (content.problems.length > 0) {
    return mergeContents([content, { ...collectCertificates(file, read.bytes, collected), problems: [] }]);
  }
  collectObjects(file, entries, collected);
  return content;
}

function collectObjects(file: SourceFile, entries: readonly P11KitObject[], collected: Collected): void {
  const several = entries.length > 1;
  for (const [index, object] of entries.entries()) {
    const name = object.label ?? (several ? `object ${index + 1}` : '');
    const entry = [posix.basename(file.path), ...(name ? [name] : [])].join(': ');
    if (object.kind === 'extension') {
      if (file.place !== 'unread') collected.limits.attach(object);
    } else if (object.kind === 'certificate') {
      const lines = several
        ? { first: object.firstLine, last: object.lastLine, certificatesInFile: entries.length }
        : undefined;
      collectCertificateObject(file, object, entry, lines, collected);
    }
  }
}

function collectCertificateObject(
  file: SourceFile,
  object: P11KitCertificate,
  entry: string,
  lines: TrustAnchor['lines'],
  collected: Collected,
): void {
  const state = placedTrust(file.place, object.trusted ?? false, object.distrusted ?? false);
  if (object.der) {
    const after = object.serverDistrustAfter;
    collected.items.push({
      ...state,
      certificate: certificateFrom(object.der),
      entry,
      file,
      lines,
      unseen: file.place === 'unread' ? 'not read' : undefined,
      doubtful: !object.isX509,
      remark: after === undefined ? '' : `, not for TLS certificates issued after ${after}`,
    });
  } else if (state.distrusted && object.isX509 && object.issuer && object.serialNumber) {
    collected.named.set(issuerKey(object.issuer, object.serialNumber), file.path);
  }
}

function collectCertificates(file: SourceFile, bytes: Uint8Array, collected: Collected): StoreContent {
  const { entries, diagnostics } = parsePem(bytes);
  const wide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const name = posix.basename(file.path);
  const doubtful = diagnostics.some(({ level }) => level === 'error') || hasStrayMarker(bytes, entries);
  for (const [index, entry] of entries.entries()) {
    const certificate = certificateFrom(entry.der);
    const unseen = wide ? 'UTF-16' : unseenReason(file, entry, certificate);
    const aux =
      entry.aux && unseen === undefined ? collected.limits.attachAux(certificate, entry.aux) : undefined;
    const isOnly = entries.length === 1;
    collected.items.push({
      ...placedTrust(file.place, aux === true, aux === false),
      certificate,
      entry: isOnly ? name : `${name}, certificate ${index + 1} of ${entries.length}`,
      file,
      lines: { first: entry.firstLine, last: entry.lastLine, certificatesInFile: entries.length },
      unseen,
      doubtful: doubtful || !isExact(certificate) || !isPadded(bytes, entry),
      remark: '',
    });
  }
  if (entries.length === 0 && !CERTIFICATE_NAME.test(name)) {
    // A README is no damaged store.
    return { ...EMPTY_CONTENT, notes: [`${file.path}: no certificate; p11-kit passes over it`] };
  }
  return diagnosticsContent(file.path, diagnostics);
}

function unseenReason(file: SourceFile, entry: PemEntry, certificate: Certificate): string | undefined {
  if (file.place === 'unread') return 'not read';
  if (!SEEN_LABELS.has(entry.label)) return `a ${entry.label} block`;
  const isLonger = certificate.layout !== undefined && !isExact(certificate);
  return entry.label === DER_LABEL && isLonger ? 'bytes after the certificate' : undefined;
}

function isExact({ layout, der }: Certificate): boolean {
  return layout?.outer.end === der.length;
}

/** p11-kit's base64 insists on padding. */
function isPadded(bytes: Uint8Array, { label, start, end, der, aux }: PemEntry): boolean {
  // With nothing but the certificate in the block, its length says whether there is anything to pad.
  if (label === DER_LABEL || (aux === undefined && der.length % 3 === 0)) return true;
  const block = asBuffer(bytes).toString('latin1', start, end);
  const digits = block.slice(`-----BEGIN ${label}-----`.length, -`-----END ${label}-----`.length);
  if (
    aux === undefined &&
    /[A-Za-z0-9+/](=+)\s*$/.exec(digits.slice(-80))?.[1]?.length === 3 - (der.length % 3)
  ) {
    return true;
  }
  return digits.replaceAll(/[^A-Za-z0-9+/=]/g, '').length % 4 === 0;
}

/** Text that speaks of markers makes p11-kit lose its way. */
function hasStrayMarker(bytes: Uint8Array, entries: readonly PemEntry[]): boolean {
  const text = asBuffer(bytes);
  const starts = new Set(entries.map(({ start }) => start));
  for (let at = text.indexOf(BEGIN); at >= 0; at = text.indexOf(BEGIN, at + 1)) {
    if (!starts.has(at)) return true;
  }
  return false;
}

/** Where a file lies beats what it says, but for a distrust among the anchors. */
function placedTrust(
  place: Place,
  trusted: boolean,
  distrusted: boolean,
): { readonly trusted: boolean; readonly distrusted: boolean } {
  if (place === 'blocklist') return { trusted: false, distrusted: true };
  if (place === 'anchors') return { trusted: !distrusted, distrusted };
  return { trusted: trusted && !distrusted, distrusted };
}

/** Fingerprint to the file that distrusts it. */
function distrustedBy({ items, named }: Collected): ReadonlyMap<Sha256, string> {
  const found = new Map<Sha256, string>();
  for (const { certificate, distrusted, unseen, doubtful, file } of items) {
    if (distrusted && unseen === undefined && !doubtful) found.set(certificate.sha256, file.path);
    const { layout, der } = certificate;
    if (named.size === 0 || !layout) continue;
    const by = named.get(issuerKey(element(der, layout.issuer), element(der, layout.serial)));
    if (by !== undefined && !found.has(certificate.sha256)) found.set(certificate.sha256, by);
  }
  return found;
}

function issuerKey(issuer: Uint8Array, serialNumber: Uint8Array): string {
  return `${asBuffer(issuer).toString('latin1')}\n${asBuffer(serialNumber).toString('latin1')}`;
}

function effectiveTrust(item: SourceItem, distrusted: ReadonlyMap<Sha256, string>, limits: KeyLimits): Trust {
  const { placeName, path } = item.file;
  if (item.unseen !== undefined) return heldOnly(`${placeName}, which p11-kit does not see: ${item.unseen}`);
  const by = distrusted.get(item.certificate.sha256);
  if (by !== undefined) {
    return distrustedForAll(item.distrusted || by === path ? placeName : `${placeName}, distrusted by ${by}`);
  }
  if (item.distrusted) return heldOnly(`${placeName}, but p11-kit may not be able to read it`);
  if (!item.trusted) return heldOnly(`${placeName}, neither trusted nor distrusted`);
  return limitedTrust(item.certificate, limits, `${placeName}${item.remark}`);
}
