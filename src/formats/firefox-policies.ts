/**
 * What a policy of Firefox says about roots: https://mozilla.github.io/policy-templates/ (Certificates, Preferences,
 * SecurityDevices). In a property list the names may also be written flat: `Certificates__Install`.
 */

import { unwrapJson } from './policy-values.ts';
import { asArray, asDictionary, asString, type PlistDictionary, type PlistValue } from './plist.ts';

export interface FirefoxPolicies {
  /** File names or paths, as written. */
  readonly install: readonly string[];
  /** Roots added to the operating system count too; undefined when nothing is said. */
  readonly enterpriseRoots: boolean | undefined;
  /** PKCS #11 modules that are loaded, with their libraries. */
  readonly modules: readonly string[];
}

const MAX_ENTRIES = 10_000;
const PREFERENCE = 'security.enterprise_roots.enabled';

export function readFirefoxPolicies(policies: PlistDictionary): FirefoxPolicies {
  const certificates = group(policies, 'Certificates');
  const preference = group(policies, 'Preferences').get(PREFERENCE);
  const byPreference = asDictionary(preference)?.get('Value') ?? preference;
  const devices = group(policies, 'SecurityDevices');
  // Since version 114 in two parts, what to add and what to delete.
  const added: PlistDictionary =
    asDictionary(devices.get('Add')) ?? (devices.has('Delete') ? new Map() : devices);
  const modules = Array.from(added, ([name, library]) => {
    const path = asString(library);
    return path === undefined ? name : `${name} (${path})`;
  });
  const install = (asArray(certificates.get('Install')) ?? []).slice(0, MAX_ENTRIES);
  return {
    // One entry for each place in the list, so that a place can be told by its number.
    install: install.map((name) => asString(name) ?? ''),
    enterpriseRoots: flag(certificates.get('ImportEnterpriseRoots')) ?? flag(byPreference),
    modules: modules.slice(0, MAX_ENTRIES),
  };
}

function flag(value: PlistValue | undefined): boolean | undefined {
  if (typeof value === 'boolean') return value;
  return typeof value === 'number' ? value !== 0 : undefined;
}

/** The members of a policy, nested or flat. */
function group(policies: PlistDictionary, name: string): PlistDictionary {
  const nested = asDictionary(unwrapJson(policies.get(name)));
  if (nested) return nested;
  const prefix = `${name}__`;
  const flat = [...policies].filter(([key]) => key.startsWith(prefix));
  return new Map(flat.map(([key, value]) => [key.slice(prefix.length), value]));
}
