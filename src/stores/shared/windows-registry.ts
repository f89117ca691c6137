/**
 * The registry of a target, alike for all that hold one: hives on a mounted Windows, and reg.exe on a running one. A
 * place in it is written `HKLM\SOFTWARE\…`, or as the path of the hive and the key in it: `/…/SOFTWARE\Microsoft\…`.
 */

import { posix } from 'node:path';
import { findPath } from '../../core/find-path.ts';
import type { StoreContent } from '../../core/store.ts';
import type { ReadFs, Target } from '../../core/target.ts';
import { parseRegText } from '../../formats/reg-text.ts';
import { openHive } from '../../formats/regf.ts';
import { isDirty } from '../../formats/regf-log.ts';
import { findKey, type RegistryKey, type RegistryTree } from '../../formats/registry.ts';
import { diagnosticsContent, EMPTY_CONTENT, mergeContents, readFile } from './content.ts';

/** A SOFTWARE hive has 50 to 200 MB. */
const MAX_HIVE_BYTES = 512 << 20;

export interface OpenKey {
  /** Undefined when there is no such key, or it cannot be read. */
  readonly key: RegistryKey | undefined;
  /**
   * What was found wrong since the last call. A fault of the whole hive is told once for all the stores in it: to be
   * asked for after the key has been walked.
   */
  readonly problems: () => StoreContent;
}

interface Opened {
  readonly path: string;
  readonly tree: RegistryTree;
  /** Diagnostics that have been told. */
  told: number;
  /** What kept the file from being read. */
  failed: StoreContent;
}

const NOTHING: OpenKey = { key: undefined, problems: () => EMPTY_CONTENT };

/** The last hive of each target: the stores of one hive are read one after the other. */
const lastHives = new WeakMap<ReadFs, Opened>();
const toldHives = new WeakMap<ReadFs, Set<string>>();
const exportedKeys = new WeakMap<ReadFs, Map<string, Opened>>();

/** True for a place in the registry of a running Windows. */
export function isLiveKey(place: string): boolean {
  return /^HK(?:LM|CU|U)\\/.test(place);
}

export function openKey(target: Target, place: string): OpenKey {
  if (isLiveKey(place)) return openLiveKey(target, place);
  const [path, key] = splitPlace(place);
  const last = lastHives.get(target.fs);
  const opened = last?.path === path ? last : openHiveFile(target, path);
  lastHives.set(target.fs, opened);
  return { key: findKey(opened.tree.root, key), problems: () => tellProblems(path, opened) };
}

/** The hive's file and the key in it. Names of keys and of files on Windows have no slash in them. */
function splitPlace(place: string): readonly [string, string] {
  const backslash = place.indexOf('\\', place.lastIndexOf('/'));
  return [place.slice(0, backslash), place.slice(backslash + 1)];
}

function tellProblems(path: string, opened: Opened): StoreContent {
  const { failed } = opened;
  const fresh = opened.tree.diagnostics.slice(opened.told);
  opened.told = opened.tree.diagnostics.length;
  opened.failed = EMPTY_CONTENT;
  return mergeContents([failed, diagnosticsContent(path, fresh)]);
}

function openHiveFile(target: Target, path: string): Opened {
  const told = toldHives.get(target.fs) ?? new Set<string>();
  toldHives.set(target.fs, told);
  const isTold = told.has(path);
  told.add(path);
  const none: RegistryTree = { root: undefined, diagnostics: [] };
  const file = readFile(target, path, MAX_HIVE_BYTES);
  if ('failed' in file) return { path, tree: none, told: 0, failed: isTold ? EMPTY_CONTENT : file.failed };
  const logs = isDirty(file.bytes) ? readLogs(target, path) : { bytes: [], failed: EMPTY_CONTENT };
  const tree = openHive({ hive: file.bytes, logs: logs.bytes });
  // What is wrong with the hive as a whole was said when it was opened for the first time.
  return {
    path,
    tree,
    told: isTold ? tree.diagnostics.length : 0,
    failed: isTold ? EMPTY_CONTENT : logs.failed,
  };
}

/** `SOFTWARE.LOG1`, `.LOG2`, and `.LOG` of old systems, in whatever case. */
function readLogs(
  target: Target,
  path: string,
): { readonly bytes: readonly Uint8Array[]; readonly failed: StoreContent } {
  const directory = posix.dirname(path);
  const base = posix.basename(path).toLowerCase();
  const wanted = new Set([`${base}.log1`, `${base}.log2`, `${base}.log`]);
  const logs = target.fs
    .list(directory)
    .filter(({ name }) => wanted.has(name.toLowerCase()))
    .map(({ name }) => readFile(target, posix.join(directory, name), MAX_HIVE_BYTES));
  return {
    bytes: logs.flatMap((log) => ('bytes' in log ? [log.bytes] : [])),
    failed: mergeContents(logs.flatMap((log) => ('failed' in log ? [log.failed] : []))),
  };
}

const LONG_NAMES: Readonly<Record<string, string>> = {
  HKLM: 'HKEY_LOCAL_MACHINE',
  HKCU: 'HKEY_CURRENT_USER',
  HKU: 'HKEY_USERS',
};

function openLiveKey(target: Target, place: string): OpenKey {
  const { registry } = target;
  if (!registry) return NOTHING;
  const exported = exportedKeys.get(target.fs) ?? new Map<string, Opened>();
  exportedKeys.set(target.fs, exported);
  let opened = exported.get(place);
  if (!opened) {
    const bytes = registry.export(place);
    const tree = bytes ? parseRegText(bytes) : { root: undefined, diagnostics: [] };
    opened = { path: place, tree, told: 0, failed: EMPTY_CONTENT };
    exported.set(place, opened);
  }
  const live = opened;
  const [hive = '', ...rest] = place.split('\\');
  return {
    key: findKey(live.tree.root, [LONG_NAMES[hive] ?? hive, ...rest].join('\\')),
    problems: () => tellProblems(place, live),
  };
}

/** The directory of Windows on a mounted drive; undefined where it cannot be found. Throws FsError. */
export function windowsDirectory(target: Target): string | undefined {
  return findPath(target.fs, '/Windows') ?? findPath(target.fs, '/WINNT');
}
