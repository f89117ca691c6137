/**
 * The trust of macOS: Apple's system roots, the keychains of the administrator and of each user, and the trust
 * settings that decide about all of them (user before administrator before system).
 */

import { asBuffer } from '../core/bytes.ts';
import { sha1Of, type Certificate } from '../core/certificate.ts';
import { formatName, parseName } from '../core/name.ts';
import { readTlv } from '../core/der.ts';
import { FormatError, type Problem } from '../core/errors.ts';
import type { StoreContent, StoreLocation, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { visible } from '../core/text.ts';
import { heldOnly, type Trust } from '../core/trust.ts';
import type { TrustSettingsEntry } from '../formats/apple-trust-settings.ts';
import { anchorPlaces, readAnchorPlace, systemRoots, type AnchorPlace } from './shared/apple-anchors.ts';
import {
  anchorsOf,
  findBySha1,
  keychainCertificates,
  keychainFiles,
  keychainsOfHomes,
  SYSTEM_KEYCHAINS,
  toAnchor,
  type PlacedCertificates,
} from './shared/apple-keychains.ts';
import { denyInKeychain, denySystemRoot, removeFromKeychains } from './shared/apple-removal.ts';
import {
  administratorSettings,
  strangers,
  systemSettings,
  trustBy,
  userSettings,
  userSettingsPath,
  VAULT,
  type TrustDomain,
} from './shared/apple-settings.ts';
import { EMPTY_CONTENT, exists } from './shared/content.ts';

const FORMAT = 'keychain and trust settings';

const systemRootsStore: StoreType = {
  id: 'macos-system-roots',
  title: "Apple's system roots, on macOS and iOS",
  platforms: ['darwin'],
  // One store, wherever its roots lie: one setting refuses a root in all of these places.
  locate: (target) =>
    anchorPlaces(target)
      .slice(0, 1)
      .map(({ path, kind }) => ({
        path,
        application: "Apple's system roots",
        scope: 'system',
        format: kind === 'keychain' ? 'keychain' : 'Apple list of anchors',
      })),
  *read(target) {
    const system = systemSettings(target);
    yield system.told;
    for (const place of anchorPlaces(target)) yield readSystemRoots(target, place, system);
  },
  planRemoval: denySystemRoot,
  planDistrust: denySystemRoot,
};

const administratorStore: StoreType = {
  id: 'macos-admin',
  title: 'System keychain of macOS and the trust settings for all users',
  platforms: ['darwin'],
  locate(target) {
    const about = { application: 'macOS (all users)', scope: 'system', format: FORMAT } as const;
    const places = [SYSTEM_KEYCHAINS, `${VAULT}/Admin.plist`, '/Library/Security/Trust Settings/Admin.plist'];
    const path = places.find((each) => exists(target, each));
    return path === undefined ? [] : [{ ...about, path }];
  },
  *read(target, location) {
    const settings = administratorSettings(target);
    yield settings.told;
    const domains = [settings, systemSettings(target)];
    const own = yield* readKeychains(target, location, domains);
    const elsewhere = (function* (): Generator<PlacedCertificates> {
      yield* systemRoots(target);
      for (const path of keychainsOfHomes(target)) yield keychainCertificates(target, path);
    })();
    // Of the system roots their own store tells.
    yield readSettings(settings, domains, own, elsewhere, (path) => !path.startsWith('/System/'));
  },
  planRemoval: (target, location, anchors) =>
    removeFromKeychains(target, location, anchors, administratorSettings(target)),
  planDistrust: (target, location, anchors) =>
    denyInKeychain(target, location, anchors, administratorSettings(target)),
};

const userStore: StoreType = {
  id: 'macos-user',
  title: "Keychains of each user of macOS and the user's trust settings",
  platforms: ['darwin'],
  locate(target) {
    const homes = target.homes.flatMap(({ user, path }) => {
      const directory = `${path}/Library/Keychains`;
      const place = exists(target, directory) ? directory : userSettingsPath(target, user);
      return place === undefined ? [] : [userLocation(place, user)];
    });
    const others = strangers(target).flatMap((uuid) => {
      const place = userSettingsPath(target, uuid);
      return place === undefined ? [] : [userLocation(place, uuid)];
    });
    return [...homes, ...others];
  },
  *read(target, location) {
    const settings = userSettings(target, location.user ?? '');
    yield settings.told;
    const domains = [settings, administratorSettings(target), systemSettings(target)];
    const own = yield* readKeychains(target, location, domains);
    const elsewhere = (function* (): Generator<PlacedCertificates> {
      const { paths } = keychainFiles(target, SYSTEM_KEYCHAINS);
      for (const path of paths) yield keychainCertificates(target, path);
      yield* systemRoots(target);
      for (const path of keychainsOfHomes(target)) yield keychainCertificates(target, path);
    })();
    yield readSettings(settings, domains, own, elsewhere, () => true);
  },
  planRemoval: (target, location, anchors) =>
    removeFromKeychains(target, location, anchors, userSettings(target, location.user ?? '')),
  planDistrust: (target, location, anchors) =>
    denyInKeychain(target, location, anchors, userSettings(target, location.user ?? '')),
};

export const stores: readonly StoreType[] = [administratorStore, userStore, systemRootsStore];

function readSystemRoots(target: Target, place: AnchorPlace, system: TrustDomain): StoreContent {
  const { trustOf, ...roots } = readAnchorPlace(target, place);
  // The system's own settings narrow its roots down: what they leave open is not trusted.
  const isNarrowed = (certificate: Certificate): boolean =>
    system.entries.size > 0 && system.entries.has(sha1Of(certificate));
  const baseOf = (certificate: Certificate): Trust =>
    isNarrowed(certificate) ? heldOnly('no value specified') : trustOf(certificate);
  const domains = [administratorSettings(target), system];
  return anchorsOf(roots, (certificate) => trustBy(domains, certificate, baseOf(certificate)));
}

function userLocation(path: string, user: string): StoreLocation {
  return { path, application: `macOS (${user})`, scope: 'user', format: FORMAT, user };
}

/** The keychains in the store's directory, one part for each; returns the SHA-1 of what they hold. */
function* readKeychains(
  target: Target,
  { path: directory }: StoreLocation,
  domains: readonly TrustDomain[],
): Generator<StoreContent, ReadonlySet<string>> {
  const held = new Set<string>();
  if (directory.endsWith('.plist')) return held;
  const { paths, told } = keychainFiles(target, directory);
  yield told;
  const unknown = domains.some(({ incomplete }) => incomplete);
  const base = heldOnly(
    unknown ? 'kept; trust settings that cannot be read may trust it' : 'no trust settings',
  );
  const named = new Set(domains.flatMap(({ entries }) => [...entries.keys()]));
  for (const path of paths) {
    const keychain = keychainCertificates(target, path);
    for (const sha1 of findBySha1(named, [keychain]).keys()) held.add(sha1);
    yield anchorsOf(keychain, (certificate) => trustBy(domains, certificate, base));
  }
  return held;
}

/** Settings for certificates that lie in keychains of others, or nowhere. */
function readSettings(
  settings: TrustDomain,
  domains: readonly TrustDomain[],
  own: ReadonlySet<string>,
  elsewhere: Iterable<PlacedCertificates>,
  isShown: (path: string) => boolean,
): StoreContent {
  const wanted = new Set([...settings.entries.keys()].filter((sha1) => !own.has(sha1)));
  const { path } = settings;
  if (path === undefined || wanted.size === 0) return EMPTY_CONTENT;
  const found = findBySha1(wanted, elsewhere);
  const anchors = [...found.values()]
    .filter((placed) => isShown(placed.path))
    .map((placed) => ({
      ...toAnchor(placed, trustBy(domains, placed.certificate, heldOnly(''))),
      path,
    }));
  const lost = [...settings.entries.values()].filter(({ sha1 }) => wanted.has(sha1) && !found.has(sha1));
  return { anchors, ...unresolved(path, lost) };
}

const MAX_NAMED = 20;

/**
 * Settings hold no certificate, only its hash. One that is trusted and that no keychain holds is still trusted when
 * a server sends it, and cannot be checked.
 */
function unresolved(
  path: string,
  entries: readonly TrustSettingsEntry[],
): Pick<StoreContent, 'problems' | 'notes'> {
  const isRefused = ({ settings }: TrustSettingsEntry): boolean =>
    settings.length > 0 && settings.every(({ result }) => result === 'deny' || result === 'unspecified');
  const trusted = entries.filter((entry) => !isRefused(entry));
  const refused = entries.filter(isRefused);
  const problems: Problem[] =
    trusted.length === 0
      ? []
      : [
          {
            code: 'unsupported',
            path,
            message: `trusted, but in no keychain that can be read: ${list(trusted)}`,
          },
        ];
  const notes =
    refused.length === 0
      ? []
      : [`${path}: not trusted, and in no keychain that can be read: ${list(refused)}`];
  return { problems, notes };
}

function list(entries: readonly TrustSettingsEntry[]): string {
  const names = entries.slice(0, MAX_NAMED).map(({ sha1, issuer, serial }) => {
    const name =
      issuer === undefined ? '' : ` (issuer ${nameOf(issuer)}, serial number ${serial.slice(0, 80)})`;
    return `SHA-1 ${sha1}${name}`;
  });
  const more = entries.length - names.length;
  return [...names, ...(more > 0 ? [`${more} more`] : [])].join('; ');
}

function nameOf(issuer: Uint8Array): string {
  try {
    return visible(formatName(parseName(issuer, readTlv(issuer, 0))), 200);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return asBuffer(issuer).toString('hex').slice(0, 100);
  }
}
