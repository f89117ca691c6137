/**
 * Every store type. Where two of them reach the same file, the first one here owns it: sources come before what is
 * generated from them, and a distribution's own layout before the places that everyone tries.
 */

import type { StoreType } from '../core/store.ts';
import { stores as debian } from './debian.ts';
import { store as javaCacerts } from './java-cacerts.ts';
import { stores as openssl } from './openssl.ts';
import { stores as systemBundle } from './system-bundle.ts';

export const STORE_TYPES: readonly StoreType[] = [...debian, javaCacerts, ...openssl, ...systemBundle];
