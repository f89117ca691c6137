/**
 * Places with roots of their own that this version cannot look into. Each is a problem of the scan, so that no machine
 * with one is called complete: disks of Linux distributions on Windows (WSL), and Opera up to 12.
 */

import { posix } from 'node:path';
import type { StoreLocation, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { DESKTOPS } from './shared/certificate-files.ts';
import { exists, problemContent } from './shared/content.ts';
import { manualRemediation } from './shared/cut-bytes.ts';
import { expandInHome, uniqueDirectories } from './shared/directories.ts';
import { expandFilesInHome } from './shared/named-files.ts';

function unread(
  about: Pick<StoreType, 'id' | 'title' | 'platforms' | 'locate'>,
  message: (location: StoreLocation) => string,
): StoreType {
  return {
    ...about,
    read: (_target, location) => [
      problemContent({ code: 'unsupported', path: location.path, message: message(location) }),
    ],
    planRemoval: (_target, location) => manualRemediation(location, message(location)),
  };
}

/** https://learn.microsoft.com/windows/wsl/disk-space: a distribution's disk, below a home. */
const WSL_DISKS = [
  'AppData/Local/Packages/*/LocalState/*.vhdx',
  'AppData/Local/wsl/*/*.vhdx',
  'AppData/Local/wsl/*.vhdx',
  'AppData/Local/Docker/wsl/*/*.vhdx',
];
/** WSL 1 keeps the files themselves. */
const WSL_DIRECTORIES = [
  'AppData/Local/Packages/*/LocalState/rootfs',
  'AppData/Local/wsl/*/rootfs',
  'AppData/Local/lxss/rootfs',
];
const DISK = 'disk of a Linux distribution';
const FILES = 'files of a Linux distribution';

const wsl: StoreType = unread(
  {
    id: 'wsl',
    title: 'Linux distributions on Windows (WSL): found and named, to be audited inside',
    platforms: ['win32'],
    locate: (target) => target.homes.flatMap((home) => distributions(target, home)),
  },
  ({ format }) =>
    format === DISK
      ? `this ${DISK} (WSL) is not read: run rootaudit inside that distribution, or mount the disk and give its directory with --root`
      : `these ${FILES} (WSL) are not read here: run rootaudit inside that distribution, or give this directory with --root`,
);

function distributions(target: Target, home: Target['homes'][number]): StoreLocation[] {
  const { user } = home;
  const at = (format: string) => (path: string) =>
    ({ path, application: `WSL (${user})`, scope: 'user', format, user }) as const;
  return [
    ...expandFilesInHome(target, home, WSL_DISKS).map(at(DISK)),
    ...expandInHome(target, home.path, WSL_DIRECTORIES)
      .filter((path) => !path.includes('*') && exists(target, path, 'directory'))
      .map(at(FILES)),
  ];
}

/** Opera 7 to 12 in its own profile; the number is the version of the file's form. */
const OPERA_PROFILES = [
  '.opera',
  'Library/Application Support/Opera',
  'Library/Opera Preferences',
  'Library/Preferences/Opera Preferences',
  'AppData/Roaming/Opera',
  'AppData/Roaming/Opera/*',
  'Application Data/Opera/*',
];

/** opcacrt6.dat: roots; opicacert6.dat: others for chains; optrust.dat, opuntrust.dat: decisions. */
const OPERA_ROOTS = /\/op(?:c?acrt|cacert|icacert|trust|untrust)\d*\.dat$/;

const operaPresto: StoreType = unread(
  {
    id: 'opera-presto',
    title: 'Opera up to version 12: found and named, not read',
    platforms: DESKTOPS,
    locate: (target) =>
      uniqueDirectories(
        target,
        target.homes.flatMap((home) => operaFiles(target, home)),
      ),
  },
  ({ path }) =>
    `${posix.basename(path)} is in a format of old versions of Opera that is not read: look in Opera at Preferences > Advanced > Security > Manage Certificates, or delete the profile if Opera is gone`,
);

function operaFiles(target: Target, home: Target['homes'][number]): StoreLocation[] {
  const files = OPERA_PROFILES.map((directory) => `${directory}/op*.dat`);
  return expandFilesInHome(target, home, files)
    .filter((path) => OPERA_ROOTS.test(path))
    .map((path) => ({
      path,
      application: `Opera (${home.user})`,
      scope: 'user',
      format: 'Opera certificates',
      user: home.user,
    }));
}

export const stores: readonly StoreType[] = [wsl, operaPresto];
