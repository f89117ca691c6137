/** Keychain files as places of certificates. What they hold is trusted by trust settings only. */

import { certificateFrom, sha1Of, type Certificate } from '../../core/certificate.ts';
import type { StoreContent, TrustAnchor } from '../../core/store.ts';
import { FsError, type Target } from '../../core/target.ts';
import type { Trust } from '../../core/trust.ts';
import { MAX_KEYCHAIN_BYTES, parseKeychain } from '../../formats/keychain.ts';
import { diagnosticsContent, EMPTY_CONTENT, fsProblem, mergeContents, readFile } from './content.ts';

export const SYSTEM_KEYCHAINS = '/Library/Keychains';
export const SYSTEM_KEYCHAIN = `${SYSTEM_KEYCHAINS}/System.keychain`;

/** A certificate and the file that holds it. */
export interface PlacedCertificate {
  readonly certificate: Certificate;
  readonly path: string;
  readonly label: string;
}

export interface PlacedCertificates {
  readonly certificates: readonly PlacedCertificate[];
  /** What reading told. */
  readonly told: StoreContent;
}

/** Paths of the keychain files in a directory, not below it: there, keys of iCloud are kept. */
export function keychainFiles(
  target: Target,
  directory: string,
): { readonly paths: readonly string[]; readonly told: StoreContent } {
  try {
    const paths = target.fs
      .list(directory)
      .filter(({ name, kind }) => kind !== 'directory' && /\.keychain(?:-db)?$/.test(name))
      .map(({ name }) => `${directory}/${name}`);
    return { paths, told: EMPTY_CONTENT };
  } catch (error) {
    return { paths: [], told: { ...EMPTY_CONTENT, problems: [fsProblem(error)] } };
  }
}

export function keychainCertificates(target: Target, path: string): PlacedCertificates {
  const file = readFile(target, path, MAX_KEYCHAIN_BYTES);
  if ('failed' in file) return { certificates: [], told: file.failed };
  const { entries, diagnostics } = parseKeychain(file.bytes);
  return {
    certificates: entries.map(({ der, label }) => ({ certificate: certificateFrom(der), path, label })),
    told: diagnosticsContent(path, diagnostics),
  };
}

export function toAnchor({ certificate, path, label }: PlacedCertificate, trust: Trust): TrustAnchor {
  return { certificate, entry: label === '' ? sha1Of(certificate) : label, path, trust };
}

export function anchorsOf(
  { certificates, told }: PlacedCertificates,
  trustOf: (certificate: Certificate) => Trust,
): StoreContent {
  const anchors = certificates.map((placed) => toAnchor(placed, trustOf(placed.certificate)));
  return mergeContents([{ ...EMPTY_CONTENT, anchors }, told]);
}

/** The keychain files of every home, without a word about what cannot be read: its own store tells. */
export function* keychainsOfHomes(target: Target): Generator<string> {
  for (const { path } of target.homes) yield* keychainFiles(target, `${path}/Library/Keychains`).paths;
}

/** Looks for certificates by SHA-1, place after place, and stops when all are found. */
export function findBySha1(
  wanted: ReadonlySet<string>,
  places: Iterable<PlacedCertificates>,
): ReadonlyMap<string, PlacedCertificate> {
  const found = new Map<string, PlacedCertificate>();
  if (wanted.size === 0) return found;
  try {
    for (const { certificates } of places) {
      for (const placed of certificates) {
        const sha1 = sha1Of(placed.certificate);
        if (wanted.has(sha1) && !found.has(sha1)) found.set(sha1, placed);
      }
      if (found.size === wanted.size) break;
    }
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
  }
  return found;
}
