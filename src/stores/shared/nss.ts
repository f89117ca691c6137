/**
 * A directory with NSS databases (cert9.db, key4.db; before them cert8.db) as a store. Every application that uses
 * NSS has one: browsers, mail programs, servers.
 */

import { certificateFrom } from '../../core/certificate.ts';
import { FsError, type Target } from '../../core/target.ts';
import type { StoreContent, StoreLocation, TrustAnchor } from '../../core/store.ts';
import { parseCert9, type Cert9Entry, type Cert9Files } from '../../formats/nss-cert9.ts';
import { diagnosticsContent, exists, fsProblem, mergeContents, problemContent } from './content.ts';
import { legacyDatabase, readLegacy } from './nss-legacy.ts';

/** NSS keeps everything in memory too; a larger database is none that anyone uses. */
const MAX_DATABASE_BYTES = 256 << 20;

const MAX_NOTES = 1000;

/** A cert9.db with the files that SQLite may keep beside it, and key4.db likewise. */
export const DATABASE_FILES = ['cert9.db', 'key4.db'].flatMap((name) => [
  name,
  `${name}-wal`,
  `${name}-journal`,
]);

/** The store in `directory`, if there is one; something that may not be looked at counts, so that reading tells. */
export function nssLocation(
  target: Target,
  directory: string,
  about: Pick<StoreLocation, 'application' | 'scope' | 'user'>,
): StoreLocation | undefined {
  if (exists(target, `${directory}/cert9.db`)) return { ...about, path: directory, format: 'NSS cert9.db' };
  const legacy = legacyDatabase(target, directory);
  return legacy && { ...about, path: directory, format: `NSS ${legacy}` };
}

export function readNss(target: Target, { path: directory }: StoreLocation): StoreContent {
  const path = `${directory}/cert9.db`;
  try {
    const files = readDatabases(target, directory);
    if (!files) return readLegacy(target, directory, false);
    const { entries, diagnostics } = parseCert9(files);
    const anchors = entries.map((entry) => toAnchor(entry, path));
    const notes = entries.flatMap((entry) =>
      entry.notes.map((note) => `${path}: ${entryName(entry)}: ${note}`),
    );
    notes.splice(MAX_NOTES);
    return mergeContents([
      { anchors, problems: [], notes },
      diagnosticsContent(path, diagnostics),
      readLegacy(target, directory, true),
    ]);
  } catch (error) {
    return problemContent(fsProblem(error));
  }
}

function toAnchor(entry: Cert9Entry, path: string): TrustAnchor {
  return { certificate: certificateFrom(entry.der), entry: entryName(entry), path, trust: entry.trust };
}

function entryName({ nickname }: Cert9Entry): string {
  return nickname === '' ? '(no nickname)' : nickname;
}

/** Undefined when there is no cert9.db. Throws FsError. */
export function readDatabases(target: Target, directory: string): Cert9Files | undefined {
  const read = (name: string): Uint8Array | undefined =>
    target.fs.read(`${directory}/${name}`, MAX_DATABASE_BYTES);
  const main = read('cert9.db');
  if (!main) return undefined;
  const beside = { wal: read('cert9.db-wal'), journal: read('cert9.db-journal') };
  return { main, ...beside, key4: readKeys(read) };
}

/** The certificates count without the keys: a key4.db that may not be read only means less is known. */
function readKeys(read: (name: string) => Uint8Array | undefined): Cert9Files['key4'] {
  try {
    const main = read('key4.db');
    return main && { main, wal: read('key4.db-wal'), journal: read('key4.db-journal') };
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}
