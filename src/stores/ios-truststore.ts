/** Roots that were switched on in iOS and iPadOS, on devices and in the simulators of Xcode: TrustStore.sqlite3. */

import { certificateFrom, isSelfIssued } from '../core/certificate.ts';
import type { StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import { FsError, type Target } from '../core/target.ts';
import { heldOnly } from '../core/trust.ts';
import { formatName, parseName } from '../core/name.ts';
import { combineDecisions, decideTrust } from '../formats/apple-trust-decision.ts';
import { parseTrustStore, type TrustStoreEntry } from '../formats/ios-trust-store.ts';
import {
  diagnosticsContent,
  EMPTY_CONTENT,
  exists,
  fsProblem,
  mergeContents,
  problemContent,
} from './shared/content.ts';
import { expandInHome } from './shared/directories.ts';

const NAME = 'TrustStore.sqlite3';
/** Newest first; the last one is that of an extracted /private/var. */
const PLACES = [
  '/private/var/protected/trustd/private',
  '/private/var/protected/trustd',
  '/private/var/Keychains',
  '/protected/trustd/private',
];
const DEVICE = 'Library/Developer/CoreSimulator/Devices/*/data';
const SIMULATOR_PLACES = [
  ...PLACES.slice(0, 3).map((place) => `${DEVICE}${place}`),
  `${DEVICE}/Library/Keychains`,
];
const MAX_DATABASE_BYTES = 256 << 20;

export const store: StoreType = {
  id: 'ios-truststore',
  title: 'Roots that were switched on in iOS and iPadOS, on devices and in simulators',
  platforms: ['darwin'],
  locate(target) {
    const device = PLACES.map((place) => `${place}/${NAME}`)
      .filter((path) => isThere(target, path))
      .map((path) => ({ path, application: 'iOS trust store', scope: 'system', format: 'SQLite' }) as const);
    const simulators = target.homes.flatMap(({ user, path: home }) =>
      expandInHome(target, home, SIMULATOR_PLACES)
        .map((place) => `${place}/${NAME}`)
        .filter((path) => exists(target, path))
        .map(
          (path) => ({ path, application: 'iOS simulator', scope: 'user', format: 'SQLite', user }) as const,
        ),
    );
    return [...device, ...simulators];
  },
  read: (target, location) => [readStore(target, location)],
  planRemoval: (_target, { scope }) => ({
    disposition: 'manual',
    shell: 'sh',
    commands: [],
    undo: [],
    elevated: false,
    note: `On the ${scope === 'user' ? 'simulated ' : ''}device: switch it off in Settings > General > About > Certificate Trust Settings, then remove its profile in Settings > General > VPN & Device Management. A profile that a management server installed has to be taken back there.`,
  }),
};

/** A running Mac lets nobody look into that directory, and has its settings in other files. */
function isThere(target: Target, path: string): boolean {
  try {
    return target.fs.kind(path) !== undefined;
  } catch (error) {
    if (error instanceof FsError) return target.kind !== 'live';
    throw error;
  }
}

function readStore(target: Target, { path }: StoreLocation): StoreContent {
  try {
    const read = (name: string): Uint8Array | undefined => target.fs.read(name, MAX_DATABASE_BYTES);
    const main = read(path);
    if (!main) return EMPTY_CONTENT;
    const files = { main, wal: read(`${path}-wal`), journal: read(`${path}-journal`) };
    const { entries, diagnostics } = parseTrustStore(files);
    const anchors = entries.map((entry) => toAnchor(entry, path));
    return mergeContents([{ ...EMPTY_CONTENT, anchors }, diagnosticsContent(path, diagnostics)]);
  } catch (error) {
    return problemContent(fsProblem(error));
  }
}

function toAnchor({ der, settings }: TrustStoreEntry, path: string): TrustAnchor {
  const certificate = certificateFrom(der);
  const { layout } = certificate;
  const decision = { domain: 'user', ...decideTrust(settings, isSelfIssued(certificate)) };
  return {
    certificate,
    entry: layout ? formatName(parseName(der, layout.subject)) : certificate.sha256,
    path,
    trust: combineDecisions([decision], heldOnly('no value specified')),
  };
}
