/** A mounted file system or an unpacked root as a target. */

import { realpathSync, statSync } from 'node:fs';
import { RootauditError } from '../core/errors.ts';
import { findPath } from '../core/find-path.ts';
import { FsError, type Platform, type ReadFs, type Target } from '../core/target.ts';
import { DirectoryFs, type LookObserver } from './directory-fs.ts';
import { findHomes } from './homes.ts';

/** Opens the directory `path`; throws RootauditError when it is no readable directory. */
export function openDirectory(path: string, observer?: LookObserver): Target {
  let root: string;
  try {
    if (!statSync(path).isDirectory()) {
      throw new RootauditError(
        `${path} is not a directory`,
        'Give the directory at which the root is mounted.',
      );
    }
    root = realpathSync(path);
  } catch (error) {
    if (error instanceof RootauditError) throw error;
    throw new RootauditError(`${path} cannot be read`, 'Check the path and its permissions.', {
      cause: error,
    });
  }
  const fs = new DirectoryFs(root, { ...(observer && { observer }) });
  const { homes, refused } = findHomes(fs);
  return {
    kind: 'directory',
    reference: path,
    platform: platformOf(fs),
    fs,
    environment: {},
    homes,
    notes: refused.map((home) => `${home} was not looked at: it may not be entered`),
    hostPath: (inside) => {
      const { path: resolved } = fs.resolve(inside);
      if (root === '/') return resolved;
      return resolved === '/' ? root : root + resolved;
    },
  };
}

/** What only one system has, most telling first. */
const MARKS: readonly (readonly [string, Platform])[] = [
  ['/System/Library/CoreServices', 'darwin'],
  ['/Windows/System32', 'win32'],
  ['/system/build.prop', 'android'],
  ['/system/etc/security/cacerts', 'android'],
  ['/apex/com.android.conscrypt', 'android'],
  ['/data/misc/user', 'android'],
  ['/data/misc/keychain', 'android'],
  // The system and the data partition by themselves.
  ['/etc/security/cacerts', 'android'],
  ['/misc/user', 'android'],
  ['/misc/keychain', 'android'],
  ['/bin/freebsd-version', 'freebsd'],
  // Their kernels.
  ['/bsd', 'openbsd'],
  ['/netbsd', 'netbsd'],
  ['/usr/sbin/svcadm', 'sunos'],
  // The data volume of a Mac by itself, an extracted iPhone, and its /private/var.
  ['/Library/Keychains', 'darwin'],
  ['/private/var/protected/trustd', 'darwin'],
  ['/private/var/mobile', 'darwin'],
  ['/protected/trustd', 'darwin'],
];

/** The system that a root belongs to, told by what only that system has. */
export function platformOf(fs: ReadFs): Platform {
  return MARKS.find(([path]) => isThere(fs, path))?.[1] ?? (isWindows(fs) ? 'win32' : 'linux');
}

/** What may not be looked at, or lies behind links that never end, tells nothing. */
function isThere(fs: ReadFs, path: string): boolean {
  try {
    return fs.kind(path) !== undefined;
  } catch (error) {
    if (error instanceof FsError) return false;
    throw error;
  }
}

/** Old versions of Windows spell their directories otherwise. */
function isWindows(fs: ReadFs): boolean {
  try {
    return findPath(fs, '/windows/system32') !== undefined || findPath(fs, '/winnt/system32') !== undefined;
  } catch (error) {
    if (error instanceof FsError) return false;
    throw error;
  }
}
