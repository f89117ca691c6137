/**
 * Every store type. Where two of them reach the same file, the first one here owns it: sources come before what is
 * generated from them, and a distribution's own layout before the places that everyone tries.
 */

import type { StoreType } from '../core/store.ts';
import { store as appleProfiles } from './apple-profiles.ts';
import { stores as arch } from './arch.ts';
import { stores as containers } from './containers.ts';
import { stores as debian } from './debian.ts';
import { store as firefox } from './firefox.ts';
import { stores as homebrew } from './homebrew.ts';
import { store as iosTrustStore } from './ios-truststore.ts';
import { store as javaCacerts } from './java-cacerts.ts';
import { stores as kubernetes } from './kubernetes.ts';
import { stores as macos } from './macos.ts';
import { stores as node } from './node.ts';
import { store as nssSystem } from './nss-system.ts';
import { store as nssUser } from './nss-user.ts';
import { stores as openssl } from './openssl.ts';
import { stores as p11Kit } from './p11-kit.ts';
import { stores as python } from './python.ts';
import { stores as rhel } from './rhel.ts';
import { stores as suse } from './suse.ts';
import { stores as systemBundle } from './system-bundle.ts';
import { store as thunderbird } from './thunderbird.ts';

export const STORE_TYPES: readonly StoreType[] = [
  ...debian,
  ...rhel,
  ...suse,
  ...arch,
  ...p11Kit,
  ...macos,
  appleProfiles,
  iosTrustStore,
  ...homebrew,
  javaCacerts,
  nssUser,
  nssSystem,
  firefox,
  thunderbird,
  ...openssl,
  ...systemBundle,
  ...python,
  ...node,
  ...containers,
  ...kubernetes,
];
