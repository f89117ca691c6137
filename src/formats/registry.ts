/**
 * The Windows registry as a tree of keys, whatever it was read from: a hive, or the text of an export. Names compare
 * without case, as Windows compares them.
 */

import { asBuffer } from '../core/bytes.ts';
import type { Diagnostic } from '../core/errors.ts';

export interface RegistryValue {
  /** Empty for the key's default value. */
  readonly name: string;
  /** REG_SZ 1, REG_BINARY 3, REG_DWORD 4, REG_MULTI_SZ 7 … */
  readonly type: number;
  readonly data: Uint8Array;
}

export interface RegistryKey {
  readonly name: string;
  /** In stored order. What cannot be read is left out, and said in the tree's diagnostics. */
  subkeys(): Iterable<RegistryKey>;
  values(): Iterable<RegistryValue>;
}

export interface RegistryTree {
  /** Undefined when nothing can be read at all. */
  readonly root: RegistryKey | undefined;
  /** Grows while the tree is walked, for a tree that is read on demand. */
  readonly diagnostics: readonly Diagnostic[];
}

/** The key at a path below `key`, its parts separated by `\`. */
export function findKey(key: RegistryKey | undefined, path: string): RegistryKey | undefined {
  let current = key;
  for (const part of path.split('\\')) {
    if (!current) return undefined;
    current = subkeyNamed(current, part);
  }
  return current;
}

function subkeyNamed(key: RegistryKey, name: string): RegistryKey | undefined {
  const wanted = name.toLowerCase();
  for (const subkey of key.subkeys()) {
    if (subkey.name.toLowerCase() === wanted) return subkey;
  }
  return undefined;
}

export function findValue(key: RegistryKey | undefined, name: string): RegistryValue | undefined {
  const wanted = name.toLowerCase();
  for (const value of key?.values() ?? []) {
    if (value.name.toLowerCase() === wanted) return value;
  }
  return undefined;
}

const REG_DWORD = 4;

/** A REG_DWORD; undefined when there is none of that name and type. */
export function findDword(key: RegistryKey | undefined, name: string): number | undefined {
  const value = findValue(key, name);
  return value?.type === REG_DWORD && value.data.length >= 4
    ? asBuffer(value.data).readUInt32LE(0)
    : undefined;
}

/** UTF-16LE up to the first NUL, as REG_SZ and the text properties of certificates have it. */
export function decodeUtf16(data: Uint8Array): string {
  const text = asBuffer(data.subarray(0, data.length & ~1)).toString('utf16le');
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}
