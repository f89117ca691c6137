/**
 * cert8.db and cert7.db as a store. NSS reads cert9.db alone where there is one; without it, programs with NSS before
 * 3.35 (Firefox before 58) read cert8.db, and later ones take it over into a new cert9.db at their first start.
 */

import { certificateFrom } from '../../core/certificate.ts';
import type { Problem } from '../../core/errors.ts';
import type { StoreContent, TrustAnchor } from '../../core/store.ts';
import { FsError, type Target } from '../../core/target.ts';
import { heldOnly } from '../../core/trust.ts';
import { parseCert8, type Cert8Entry } from '../../formats/nss-cert8.ts';
import { diagnosticsContent, EMPTY_CONTENT, exists, fsProblem, mergeContents, readFile } from './content.ts';

const MAX_DATABASE_BYTES = 64 << 20;
const MAX_RECORD_BYTES = 2 << 20;
const NAMES = ['cert8.db', 'cert7.db'] as const;

const REPLACED =
  'not used by programs that read the cert9.db beside it; only very old programs still read it';
const ALONE =
  'read by old programs (NSS before 3.35, Firefox before 58); newer ones may take it over into a cert9.db';

/** The newest legacy database in the directory, which is the one that counts. */
export function legacyDatabase(target: Target, directory: string): (typeof NAMES)[number] | undefined {
  return NAMES.find((name) => exists(target, `${directory}/${name}`));
}

/** Its certificates; only held when `replaced`, that is when a cert9.db stands beside it. */
export function readLegacy(target: Target, directory: string, replaced: boolean): StoreContent {
  const name = legacyDatabase(target, directory);
  if (name === undefined) return EMPTY_CONTENT;
  const path = `${directory}/${name}`;
  const file = readFile(target, path, MAX_DATABASE_BYTES);
  if ('failed' in file) return file.failed;
  const { entries, diagnostics, problems } = parseLegacy(target, path, file.bytes);
  const anchors = entries.map((entry) => toAnchor(entry, path, replaced));
  const notes = entries.length === 0 ? [] : [`${path}: ${replaced ? REPLACED : ALONE}`];
  return mergeContents([{ anchors, problems, notes }, diagnosticsContent(path, diagnostics)]);
}

export function parseLegacy(
  target: Target,
  path: string,
  bytes: Uint8Array,
): ReturnType<typeof parseCert8> & { readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const directory = path.replace(/\.db$/, '.dir');
  const parsed = parseCert8(bytes, (name) => {
    try {
      return target.fs.read(`${directory}/${name}`, MAX_RECORD_BYTES);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      problems.push(fsProblem(error));
      return undefined;
    }
  });
  return { ...parsed, problems };
}

function toAnchor({ der, nickname, trust }: Cert8Entry, path: string, replaced: boolean): TrustAnchor {
  return {
    certificate: certificateFrom(der),
    entry: nickname === '' ? '(no nickname)' : nickname,
    path,
    trust: replaced ? heldOnly(`${trust.expressed} (not used: cert9.db stands beside it)`) : trust,
  };
}
