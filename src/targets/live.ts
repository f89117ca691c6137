/** This machine as a target. */

import { homedir, userInfo } from 'node:os';
import type { Platform, Registry, Target } from '../core/target.ts';
import { DirectoryFs, type LookObserver } from './directory-fs.ts';
import { findHomes } from './homes.ts';
import { fromWindowsPath, toWindowsPath } from './windows-paths.ts';

const PLATFORMS: Partial<Record<NodeJS.Platform, Platform>> = {
  linux: 'linux',
  darwin: 'darwin',
  win32: 'win32',
  android: 'android',
  freebsd: 'freebsd',
  openbsd: 'openbsd',
  netbsd: 'netbsd',
  sunos: 'sunos',
};

/** `environment` is that of the process, handed in so that a test can give another. */
export function openLive(
  environment: Readonly<Record<string, string | undefined>>,
  observer?: LookObserver,
): Target {
  const fs = new DirectoryFs('/', { ...(observer && { observer }) });
  const { homes, refused } = findHomes(fs, { user: currentUser(), path: homedir() });
  return {
    kind: 'live',
    reference: '/',
    platform: PLATFORMS[process.platform] ?? 'linux',
    fs,
    environment,
    homes,
    notes: refused.map(
      (home) => `${home} was not looked at: it belongs to another user; run as root to include it`,
    ),
    hostPath: (path) => path,
  };
}

/** A running Windows, with `registry` to read its registry by. */
export function openLiveWindows(
  environment: Readonly<Record<string, string | undefined>>,
  registry: Registry,
  observer?: LookObserver,
): Target {
  const fs = new DirectoryFs('/', { drives: true, ...(observer && { observer }) });
  const home = fromWindowsPath(homedir());
  const parent = home.slice(0, home.lastIndexOf('/'));
  const { homes, refused } = findHomes(fs, { user: currentUser(), path: home }, [parent]);
  return {
    kind: 'live',
    reference: '/',
    platform: 'win32',
    fs,
    registry,
    environment,
    homes: homes.filter(({ path }) => !NOBODY.test(path)),
    notes: refused
      .filter((path) => !NOBODY.test(path))
      .map(
        (path) => `${path} was not looked at: it belongs to another user; run as administrator to include it`,
      ),
    hostPath: (path) => toWindowsPath(path) ?? path,
  };
}

/** Directories beside the homes that are templates, links or shared. */
const NOBODY = /\/(?:Public|Default|Default User|All Users)$/i;

/** In a container the user id may have no name. */
function currentUser(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '');
  }
}
