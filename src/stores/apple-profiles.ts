/**
 * Configuration profiles that are installed on macOS, iOS and iPadOS. On macOS a root payload goes into a keychain
 * and is trusted; on iOS a person or a management server has to switch it on, which the trust store records.
 */

import type { StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import { certificateFrom } from '../core/certificate.ts';
import type { Target } from '../core/target.ts';
import { heldOnly, trustedForAll, trustFor, type Trust } from '../core/trust.ts';
import { visible } from '../core/text.ts';
import { parseMobileconfig, type ProfileCertificate } from '../formats/mobileconfig.ts';
import { MAX_PLIST_BYTES } from '../formats/plist.ts';
import {
  diagnosticsContent,
  EMPTY_CONTENT,
  exists,
  mergeContents,
  readFile,
  walkFiles,
} from './shared/content.ts';

const MAC_PROFILES = '/private/var/db/ConfigurationProfiles';
const IOS_PROFILES = [
  '/private/var/containers/Shared/SystemGroup/systemgroup.com.apple.configurationprofiles/Library/ConfigurationProfiles',
  '/private/var/mobile/Library/ConfigurationProfiles',
];
const PROFILE_NAME =
  /^\.profiles|^ConfigProfiles|\.(?:mobileconfig|configprofile|profile|stub|plist|binary)$/;

export const store: StoreType = {
  id: 'apple-profiles',
  title: 'Installed configuration profiles of macOS, iOS and iPadOS',
  platforms: ['darwin'],
  locate: (target) =>
    [MAC_PROFILES, ...IOS_PROFILES]
      .filter((path) => exists(target, path))
      .map((path) => ({
        path,
        application: 'Configuration profiles',
        scope: 'system',
        format: 'configuration profiles',
      })),
  *read(target, location) {
    const { files, problems } = walkFiles(target, location.path, (name) => PROFILE_NAME.test(name), 3);
    yield { ...EMPTY_CONTENT, problems };
    for (const path of files) yield readProfile(target, location, path);
  },
  planRemoval(target, location, anchors) {
    const names = new Set(anchors.map(({ entry }) => visible(entry, 300)));
    const where = isIos(location)
      ? 'Settings > General > VPN & Device Management'
      : 'System Settings > General > Device Management (before macOS 15: Privacy & Security > Profiles)';
    const running = target.kind === 'live' ? '' : 'Start that system. ';
    const note = `${running}Remove the profile in ${where}: ${[...names].join('; ')}. A profile that a management server installed has to be taken back there, or it is installed again.`;
    return { disposition: 'manual', shell: 'sh', commands: [], undo: [], elevated: true, note };
  },
  broughtBackBy: () => ({
    kind: 'configuration profile',
    detail:
      'A configuration profile installs it, in the keychains too: it comes back until the profile is removed.',
  }),
};

function isIos({ path }: StoreLocation): boolean {
  return IOS_PROFILES.includes(path);
}

function readProfile(target: Target, location: StoreLocation, path: string): StoreContent {
  const file = readFile(target, path, MAX_PLIST_BYTES);
  if ('failed' in file) return file.failed;
  // macOS also keeps empty files here, as marks.
  if (file.bytes.length === 0) return EMPTY_CONTENT;
  const { entries, diagnostics } = parseMobileconfig(file.bytes);
  const anchors = entries.map((entry): TrustAnchor => ({
    certificate: certificateFrom(entry.der),
    entry: entryName(entry),
    path,
    trust: trustOf(entry, isIos(location)),
  }));
  return mergeContents([{ ...EMPTY_CONTENT, anchors }, diagnosticsContent(path, diagnostics)]);
}

function entryName({ name, profile, removalDisallowed }: ProfileCertificate): string {
  const locked = removalDisallowed ? ', removal not allowed' : '';
  return profile === '' ? name : `${name} (profile ${profile}${locked})`;
}

function trustOf({ kind, anchorOfPayload }: ProfileCertificate, ios: boolean): Trust {
  if (kind === 'root' && !ios) return trustedForAll('root payload of an installed profile');
  if (anchorOfPayload) {
    return trustFor(
      { serverAuth: 'trusted' },
      'named as a root by another payload of the profile (Wi-Fi or VPN)',
    );
  }
  return kind === 'root'
    ? heldOnly('root payload; trusted where it is switched on in Certificate Trust Settings')
    : heldOnly('certificate payload; trusted by trust settings only');
}
