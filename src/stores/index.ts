/**
 * Every store type. Where two of them reach the same file, the first one here owns it: sources come before what is
 * generated from them, and a distribution's own layout before the places that everyone tries.
 */

import type { StoreType } from '../core/store.ts';
import { store as appleProfiles } from './apple-profiles.ts';
import { store as androidSystem } from './android-system.ts';
import { store as androidUser } from './android-user.ts';
import { stores as applications } from './applications.ts';
import { stores as arch } from './arch.ts';
import { store as chromePolicy } from './chrome-policy.ts';
import { store as chromeRootStore } from './chrome-root-store.ts';
import { store as chromeUser } from './chrome-user.ts';
import { store as chromeos } from './chromeos.ts';
import { stores as containers } from './containers.ts';
import { stores as debian } from './debian.ts';
import { stores as desktop } from './desktop.ts';
import { store as dotnet } from './dotnet.ts';
import { store as firefoxEnterpriseRoots } from './firefox-enterprise-roots.ts';
import { store as firefoxPolicy } from './firefox-policy.ts';
import { store as firefox } from './firefox.ts';
import { store as git } from './git.ts';
import { stores as homebrew } from './homebrew.ts';
import { store as iosTrustStore } from './ios-truststore.ts';
import { store as javaApp } from './java-app.ts';
import { store as javaCacerts } from './java-cacerts.ts';
import { stores as kubernetes } from './kubernetes.ts';
import { stores as languages } from './languages.ts';
import { stores as macos } from './macos.ts';
import { store as nixos } from './nixos.ts';
import { stores as node } from './node.ts';
import { store as nssSystem } from './nss-system.ts';
import { store as nssUser } from './nss-user.ts';
import { stores as openssl } from './openssl.ts';
import { stores as p11Kit } from './p11-kit.ts';
import { store as php } from './php.ts';
import { stores as python } from './python.ts';
import { stores as rhel } from './rhel.ts';
import { store as services } from './services.ts';
import { stores as suse } from './suse.ts';
import { stores as systemBundle } from './system-bundle.ts';
import { store as thunderbird } from './thunderbird.ts';
import { stores as tools } from './tools.ts';
import { store as uefi } from './uefi.ts';
import { stores as unix } from './unix.ts';
import { stores as unread } from './unread.ts';
import { stores as windows } from './windows.ts';
import { store as wine } from './wine.ts';

export const STORE_TYPES: readonly StoreType[] = [
  nixos,
  ...debian,
  ...rhel,
  ...suse,
  ...arch,
  ...unix,
  ...p11Kit,
  ...macos,
  appleProfiles,
  iosTrustStore,
  ...windows,
  ...homebrew,
  javaCacerts,
  javaApp,
  nssUser,
  nssSystem,
  firefoxPolicy,
  firefox,
  firefoxEnterpriseRoots,
  thunderbird,
  ...desktop,
  chromePolicy,
  chromeUser,
  chromeRootStore,
  chromeos,
  androidSystem,
  androidUser,
  ...openssl,
  ...systemBundle,
  ...python,
  ...node,
  ...containers,
  ...kubernetes,
  dotnet,
  ...tools,
  git,
  ...languages,
  php,
  ...applications,
  services,
  uefi,
  wine,
  // Last: it tells what the others could not read.
  ...unread,
];
