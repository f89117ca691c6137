/** Where in a file system a system lies, or people's homes: told by names alone. */

import type { ReadFs } from '../core/target.ts';
import { platformOf } from '../targets/directory.ts';
import type { DiskFiles } from './disk-files.ts';

export interface DiskRoot {
  /** A directory of the root, where the system does not lie in the root itself: a volume of APFS, an image of WIM. */
  readonly below?: string;
  readonly role: 'system' | 'homes';
}

/** In lower case: in the root of every system, and on partitions of one that hold stores. */
const SYSTEM_NAMES = new Set(['etc', 'windows', 'winnt', 'users', 'documents and settings', 'home']);
const HOME_NAMES = new Set([
  '.bashrc',
  '.bash_history',
  '.cache',
  '.config',
  '.local',
  '.mozilla',
  '.pki',
  '.profile',
  '.ssh',
  '.zshrc',
  'appdata',
  'ntuser.dat',
]);
/** Directories of a root that are looked into. */
const MAX_LOOKED = 200;

export function rootsOf(files: DiskFiles): readonly DiskRoot[] {
  const fs = files.fs();
  if (isSystem(fs)) return [{ role: 'system' }];
  const directories = fs
    .list('/')
    .filter(({ kind }) => kind === 'directory')
    .slice(0, MAX_LOOKED)
    .map(({ name }) => name);
  if (directories.some((name) => has(fs, `/${name}`, HOME_NAMES))) return [{ role: 'homes' }];
  return directories
    .filter((name) => has(fs, `/${name}`, SYSTEM_NAMES) && isSystem(files.fs(name)))
    .map((below) => ({ below, role: 'system' }));
}

function isSystem(fs: ReadFs): boolean {
  return has(fs, '/', SYSTEM_NAMES) || platformOf(fs) !== 'linux';
}

function has(fs: ReadFs, directory: string, names: ReadonlySet<string>): boolean {
  return fs.list(directory).some(({ name }) => names.has(name.toLowerCase()));
}
