/**
 * Policies that group policy keeps in the Windows registry: a value per policy, and for a list a key with the values
 * "1", "2" and so on. https://chromeenterprise.google/policies/, https://mozilla.github.io/policy-templates/
 */

import { asBuffer } from '../../core/bytes.ts';
import type { StoreContent } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import type { PlistDictionary, PlistValue } from '../../formats/plist.ts';
import { decodeUtf16, findKey, type RegistryKey, type RegistryValue } from '../../formats/registry.ts';
import { machineBase, userBases } from './windows-places.ts';
import { openKey } from './windows-registry.ts';

export interface PolicyBranch {
  /** The key with the policies of all programs. */
  readonly place: string;
  /** Undefined for the machine. */
  readonly user: string | undefined;
}

const REG_SZ = 1;
const REG_EXPAND_SZ = 2;
const REG_DWORD = 4;
const REG_MULTI_SZ = 7;
const MAX_DEPTH = 8;
const MAX_VALUES = 20_000;

/** Whether policies are set there shows when they are read. */
export function policyBranches(target: Target): readonly PolicyBranch[] {
  if (target.platform !== 'win32') return [];
  const machine = machineBase(target);
  return [
    ...(machine === undefined ? [] : [{ place: `${machine}\\Policies`, user: undefined }]),
    ...userBases(target).map(({ base, user }) => ({ place: `${base}\\SOFTWARE\\Policies`, user })),
  ];
}

/** What `use` makes of the policies below the branch, and what was found wrong with the registry on the way. */
export function withPolicies(
  target: Target,
  place: string,
  use: (policiesOf: (key: string) => PlistDictionary | undefined) => readonly StoreContent[],
): StoreContent[] {
  const { key: branch, problems } = openKey(target, place);
  const contents = use((path) => {
    const key = findKey(branch, path);
    return key && dictionaryOf(key, { left: MAX_VALUES }, 0);
  });
  return [...contents, problems()];
}

interface Budget {
  left: number;
}

function dictionaryOf(key: RegistryKey, budget: Budget, depth: number): PlistDictionary {
  const members = new Map<string, PlistValue>();
  for (const value of key.values()) {
    if (budget.left-- <= 0) break;
    members.set(value.name, valueOf(value));
  }
  if (depth >= MAX_DEPTH) return members;
  for (const subkey of key.subkeys()) {
    if (budget.left-- <= 0) break;
    const inside = dictionaryOf(subkey, budget, depth + 1);
    members.set(subkey.name, asList(inside) ?? inside);
  }
  return members;
}

/** In the order of their numbers; undefined when the names are no numbers. */
function asList(members: PlistDictionary): readonly PlistValue[] | undefined {
  const names = [...members.keys()];
  if (names.length === 0 || !names.every((name) => /^\d{1,9}$/.test(name))) return undefined;
  return [...members].toSorted(([a], [b]) => Number(a) - Number(b)).map(([, value]) => value);
}

function valueOf({ type, data }: RegistryValue): PlistValue {
  if (type === REG_SZ || type === REG_EXPAND_SZ || type === REG_MULTI_SZ) return decodeUtf16(data);
  if (type === REG_DWORD && data.length >= 4) return asBuffer(data).readUInt32LE(0);
  return data;
}
