/**
 * The Chrome Root Store as the component updater keeps it in a user data directory: `PKIMetadata/<version>/crs.pb`.
 * Newer than what is compiled into the browser, it takes its place.
 */

import { posix } from 'node:path';
import { certificateFrom } from '../core/certificate.ts';
import type { StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { heldOnly, trustFor, type Trust } from '../core/trust.ts';
import { parseChromeRootStore, type ChromeRoot } from '../formats/chrome-root-store.ts';
import { CHROME_PLATFORMS, userDataDirectories } from './shared/chrome-places.ts';
import { diagnosticsContent, EMPTY_CONTENT, exists, mergeContents, readFile } from './shared/content.ts';
import { manualRemediation } from './shared/cut-bytes.ts';
import { expandDirectories, uniqueDirectories } from './shared/directories.ts';

const DIRECTORY = 'PKIMetadata';
const FILE = 'crs.pb';
const MAX_NAMED = 5;

export const store: StoreType = {
  id: 'chrome-root-store',
  title: 'The Chrome Root Store, as updated for each person',
  platforms: CHROME_PLATFORMS,
  locate: (target) =>
    uniqueDirectories(
      target,
      userDataDirectories(target)
        .filter(({ path }) => exists(target, `${path}/${DIRECTORY}`))
        .map(({ path, browser, user }): StoreLocation => ({
          path: `${path}/${DIRECTORY}`,
          application: `${browser} (${user}), built-in roots`,
          scope: 'application',
          user,
          format: 'Chrome Root Store',
        })),
    ),
  *read(target, { path }) {
    const [newest, ...older] = versions(target, path);
    if (newest !== undefined) yield readRoots(target, newest, true);
    for (const file of older) yield readRoots(target, file, false);
  },
  planRemoval: (_target, location) =>
    manualRemediation(
      location,
      'This list is signed and comes back at the next update. Distrust the root instead: put the certificate into the ' +
        'policy CADistrustedCertificates, or distrust it at chrome://certificate-manager.',
    ),
};

/** Files of all versions, the highest first: that is the one in use. */
function versions(target: Target, directory: string): string[] {
  const parts = (path: string): number[] => posix.basename(path).split('.').map(Number);
  return expandDirectories(target, `${directory}/*`)
    .filter((path) => /^\d+(?:\.\d+)*$/.test(posix.basename(path)))
    .toSorted((a, b) => compareParts(parts(b), parts(a)))
    .map((path) => `${path}/${FILE}`)
    .filter((path) => exists(target, path));
}

function compareParts(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function readRoots(target: Target, path: string, inUse: boolean): StoreContent {
  const file = readFile(target, path);
  if ('failed' in file) return file.failed;
  const { entries, diagnostics, version } = parseChromeRootStore(file.bytes);
  const anchors = entries.flatMap((root) => toAnchor(root, path, inUse));
  const notes: string[] = [];
  const unnamed = entries.filter(({ der }) => !der).map(({ sha256 }) => sha256);
  if (unnamed.length > 0) {
    const shown = unnamed.slice(0, MAX_NAMED).join(', ');
    const more = unnamed.length > MAX_NAMED ? ` and ${unnamed.length - MAX_NAMED} more` : '';
    notes.push(`${path}: names roots by digest only, which are compiled into the browser: ${shown}${more}`);
  }
  if (!inUse && version !== undefined) notes.push(`${path}: version ${version}, replaced by a newer one`);
  return mergeContents([{ ...EMPTY_CONTENT, anchors, notes }, diagnosticsContent(path, diagnostics)]);
}

function toAnchor(root: ChromeRoot, path: string, inUse: boolean): TrustAnchor[] {
  const { der, displayName } = root;
  if (!der) return [];
  const trust = inUse ? trustOf(root) : heldOnly('in an older version, not used');
  return [
    { certificate: certificateFrom(der), entry: displayName === '' ? 'root' : displayName, path, trust },
  ];
}

function trustOf({ tlsAnchor, constraints }: ChromeRoot): Trust {
  if (!tlsAnchor) return heldOnly('listed for other purposes than TLS');
  const conditions = constraints.length === 0 ? '' : `, only for certificates: ${constraints.join(', or: ')}`;
  return trustFor({ serverAuth: 'trusted' }, `trusted${conditions}`);
}
