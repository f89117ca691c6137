/**
 * Policies that group policy keeps in the Windows registry: a value per policy, and for a list a key with the values
 * "1", "2" and so on. https://chromeenterprise.google/policies/, https://mozilla.github.io/policy-templates/
 */

import { asBuffer } from '../../core/bytes.ts';
import type { StoreContent } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import type { PlistDictionary, PlistValue } from '../../formats/plist.ts';
import { decodeUtf16, findKey, type RegistryKey, type RegistryValue } from '../../formats/registry.ts';
import { EMPTY_CONTENT } from './content.ts';
import { oncePerTarget } from './once.ts';
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

/** Below the branch, the keys of the browsers whose policies are read here. */
export const CHROME_KEYS = [
  'Google\\Chrome',
  'Chromium',
  'Microsoft\\Edge',
  'BraveSoftware\\Brave',
  'Vivaldi',
];
export const MOZILLA_KEYS = ['Mozilla\\Firefox', 'Mozilla\\Thunderbird', 'Mozilla\\LibreWolf'];

const branches = oncePerTarget(() => new Map<string, ReadonlyMap<string, PlistDictionary>>());

/** A hive is large: what several stores want of it is taken out at once, and its problems are told with the first. */
export function policiesIn(
  target: Target,
  place: string,
): { readonly byKey: ReadonlyMap<string, PlistDictionary>; readonly problems: StoreContent } {
  const known = branches(target).get(place);
  if (known) return { byKey: known, problems: EMPTY_CONTENT };
  const opened = openKey(target, place);
  const byKey = new Map<string, PlistDictionary>();
  for (const path of [...CHROME_KEYS, ...MOZILLA_KEYS]) {
    const key = findKey(opened.key, path);
    if (key) byKey.set(path, dictionaryOf(key, { left: MAX_VALUES }, 0));
  }
  branches(target).set(place, byKey);
  return { byKey, problems: opened.problems() };
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
