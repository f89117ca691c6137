/**
 * Apple's own roots: the keychain of system roots, the bundle with the table or the list of anchors, and the asset
 * that replaces the bundle between updates of the system. The same files serve macOS and iOS.
 */

import { posix } from 'node:path';
import { certificateFrom, type Certificate } from '../../core/certificate.ts';
import type { StoreContent } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { heldOnly, trustedForAll, trustFor, type Purpose, type Trust } from '../../core/trust.ts';
import { parseAnchorList, parseCertsTable, type AnchorListEntry } from '../../formats/apple-certs-table.ts';
import { applePolicy } from '../../formats/apple-policies.ts';
import { asDictionary, asNumber, parsePlist } from '../../formats/plist.ts';
import { keychainCertificates, type PlacedCertificate, type PlacedCertificates } from './apple-keychains.ts';
import { diagnosticsContent, EMPTY_CONTENT, exists, mergeContents, readFile, walkFiles } from './content.ts';
import { expandDirectories } from './directories.ts';
import { oncePerTarget } from './once.ts';

const KEYCHAINS = '/System/Library/Keychains';

interface RootKeychain {
  readonly path: string;
  readonly trust: Trust;
}

const ROOT_KEYCHAINS: readonly RootKeychain[] = [
  { path: `${KEYCHAINS}/SystemRootCertificates.keychain`, trust: trustedForAll('system root') },
  { path: `${KEYCHAINS}/X509Anchors`, trust: trustedForAll('system root') },
  {
    path: `${KEYCHAINS}/SystemCACertificates.keychain`,
    trust: heldOnly('intermediate certificate of the system'),
  },
];

/** Directories with certsTable.data or Anchors.plist; the first part may be that of a cryptex. */
const BUNDLES = ['', '/System/Cryptexes/*', '/private/preboot/Cryptexes/*'].flatMap((base) => [
  `${base}/System/Library/Security/Certificates.bundle/Contents/Resources`,
  `${base}/System/Library/Security/Certificates.bundle`,
]);
const OTHER_BUNDLES = [
  '/System/Library/Frameworks/Security.framework',
  '/System/Library/AssetsV2/com_apple_MobileAsset_PKITrustStore/*/AssetData',
  '/private/var/MobileAsset/AssetsV2/com_apple_MobileAsset_PKITrustStore/*/AssetData',
];
const TABLE = 'certsTable.data';
const LIST = 'Anchors.plist';
const MAX_CERTIFICATE_FILE = 4 << 20;

/** A place of system roots: a keychain file, or a directory with the table or the list. */
export interface AnchorPlace {
  readonly path: string;
  readonly kind: 'keychain' | 'bundle';
}

export const anchorPlaces = oncePerTarget((target): readonly AnchorPlace[] => {
  const keychains = ROOT_KEYCHAINS.filter(({ path }) => exists(target, path)).map(
    ({ path }): AnchorPlace => ({ path, kind: 'keychain' }),
  );
  const bundles = [...BUNDLES, ...OTHER_BUNDLES]
    .flatMap((pattern) => expandDirectories(target, pattern))
    .filter((path) => exists(target, `${path}/${TABLE}`) || exists(target, `${path}/${LIST}`))
    .map((path): AnchorPlace => ({ path, kind: 'bundle' }));
  return [...keychains, ...bundles];
});

/** What a place holds, and the trust of each certificate before settings are looked at. */
export interface SystemRoots extends PlacedCertificates {
  readonly trustOf: (certificate: Certificate) => Trust;
}

export function readAnchorPlace(target: Target, { path, kind }: AnchorPlace): SystemRoots {
  if (kind === 'bundle') return readBundle(target, path);
  const trust = ROOT_KEYCHAINS.find((each) => each.path === path)?.trust ?? trustedForAll('system root');
  return { ...keychainCertificates(target, path), trustOf: () => trust };
}

/** Every system root, for those who look for a certificate. */
export function* systemRoots(target: Target): Generator<PlacedCertificates> {
  for (const place of anchorPlaces(target)) yield readAnchorPlace(target, place);
}

function readBundle(target: Target, directory: string): SystemRoots {
  const table = readTable(target, `${directory}/${TABLE}`);
  const list = readList(target, `${directory}/${LIST}`);
  const replaced = replacement(target, directory);
  if (!list) {
    const trust = replaced ?? trustedForAll('system root');
    return { ...table, trustOf: () => trust };
  }
  const { files, problems } = walkFiles(target, `${directory}/Anchors`, (name) => name.endsWith('.cer'), 1);
  const parts = [...files.map((path) => readCertificateFile(target, path)), table];
  const bySha256 = new Map<string, PlacedCertificate>();
  for (const placed of parts.flatMap(({ certificates }) => certificates)) {
    if (!bySha256.has(placed.certificate.sha256)) bySha256.set(placed.certificate.sha256, placed);
  }
  return {
    certificates: [...bySha256.values()],
    told: mergeContents([...parts.map(({ told }) => told), list.told, { ...EMPTY_CONTENT, problems }]),
    trustOf: ({ sha256 }) => replaced ?? listedTrust(list.anchors.get(sha256)),
  };
}

function readTable(target: Target, path: string): PlacedCertificates {
  const file = readFile(target, path);
  if ('failed' in file) return { certificates: [], told: file.failed };
  const { entries, diagnostics } = parseCertsTable(file.bytes);
  const certificates = entries.map(({ der, offset }): PlacedCertificate => ({
    certificate: certificateFrom(der),
    path,
    label: `record at ${offset}`,
  }));
  return { certificates, told: diagnosticsContent(path, diagnostics) };
}

function readCertificateFile(target: Target, path: string): PlacedCertificates {
  const file = readFile(target, path, MAX_CERTIFICATE_FILE);
  if ('failed' in file) return { certificates: [], told: file.failed };
  const placed = { certificate: certificateFrom(file.bytes), path, label: posix.basename(path) };
  return { certificates: [placed], told: EMPTY_CONTENT };
}

function readList(
  target: Target,
  path: string,
): { readonly anchors: ReadonlyMap<string, AnchorListEntry>; readonly told: StoreContent } | undefined {
  if (!exists(target, path)) return undefined;
  const file = readFile(target, path);
  if ('failed' in file) return { anchors: new Map(), told: file.failed };
  const { entries, diagnostics } = parseAnchorList(file.bytes);
  return {
    anchors: new Map(entries.map((entry) => [entry.sha256, entry])),
    told: diagnosticsContent(path, diagnostics),
  };
}

/** Anchors that are not for everyone are limited to the policies that stand with them. */
function listedTrust(entry: AnchorListEntry | undefined): Trust {
  if (!entry) return heldOnly(`not in ${LIST}`);
  if (entry.type === 'system') return trustedForAll('system anchor');
  const policies = entry.oids.map((oid) => applePolicy(oid));
  const purposes: Partial<Record<Purpose, 'trusted'>> = {};
  for (const purpose of policies.flatMap((policy) => policy.purposes)) purposes[purpose] = 'trusted';
  const names = policies.map(({ name }) => name).join(', ');
  return trustFor(
    purposes,
    `${entry.type === '' ? 'limited' : entry.type} anchor, for ${names || 'nothing'}`,
  );
}

/** Of the bundle and the assets the one with the highest version counts. */
function replacement(target: Target, directory: string): Trust | undefined {
  const own = versions(target).get(directory);
  const newest = Math.max(...versions(target).values());
  if (own === undefined || own >= newest) return undefined;
  return heldOnly(`version ${own} of Apple's list, replaced by version ${newest}`);
}

const versions = oncePerTarget((target): ReadonlyMap<string, number> => {
  const found = new Map<string, number>();
  for (const { path, kind } of anchorPlaces(target)) {
    const file = kind === 'bundle' ? readFile(target, `${path}/AssetVersion.plist`) : undefined;
    if (!file || 'failed' in file) continue;
    const version = asNumber(asDictionary(parsePlist(file.bytes).entries[0])?.get('VersionNumber'));
    if (version !== undefined) found.set(path, version);
  }
  return found;
});
