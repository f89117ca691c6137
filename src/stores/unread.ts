/**
 * Places with roots of their own that cannot be looked into. Each is a problem of the scan, so that no machine with one
 * is called complete: disks of Linux distributions on Windows (WSL), Opera up to 12, and what
 * the other store types were refused.
 */

import { posix } from 'node:path';
import type { StoreLocation, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { DESKTOPS, scopeOf } from './shared/certificate-files.ts';
import { EMPTY_CONTENT, exists, problemContent } from './shared/content.ts';
import { manualRemediation } from './shared/cut-bytes.ts';
import { expandInHome, uniqueDirectories } from './shared/directories.ts';
import { expandFilesInHome } from './shared/named-files.ts';
import { refusedPlaces, type RefusedPlace } from './shared/refused-places.ts';

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
      ? `this ${DISK} (WSL) is a system of its own, and not read here: run rootaudit inside it, or, once it is stopped, rootaudit scan with this file (which needs 7-Zip)`
      : `these ${FILES} (WSL) are a system of their own, and not read here: run rootaudit inside it, or rootaudit scan with this directory`,
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

// Places that are closed

const PRIVATE = 'private settings';
const MAX_NAMED = 5;

/** Has to come after all the store types that look for something. */
const closed: StoreType = {
  id: 'unreadable-places',
  title: 'Settings files and directories that may not be read: named, since certificates may be there',
  platforms: DESKTOPS,
  locate(target) {
    const refused = refusedPlaces(target);
    const directories = new Set(
      refused.flatMap((each) => (each.kind === 'private' ? directoryOf(each) : [])),
    );
    const paths = refused.flatMap(({ kind, path }) => (kind === 'wanted' ? [path] : []));
    return [
      ...paths.map((path) => placeAt(target, path, 'unreadable')),
      ...[...directories].map((path) => placeAt(target, path, PRIVATE)),
    ];
  },
  read(target, location) {
    if (location.format === PRIVATE) return [{ ...EMPTY_CONTENT, notes: [noteOn(target, location)] }];
    const known = refusedPlaces(target).find(({ kind, path }) => kind === 'wanted' && path === location.path);
    return known ? [problemContent(known.problem)] : [];
  },
  planRemoval: (_target, location) => manualRemediation(location, 'Run again as somebody who may read it.'),
};

function placeAt(target: Target, path: string, format: string): StoreLocation {
  return { path, application: 'settings', format, ...scopeOf(target, path, 'system') };
}

/** One note for all of a directory: they are refused on every such machine. */
function directoryOf({ path }: RefusedPlace): string {
  return posix.dirname(path);
}

function noteOn(target: Target, { path: directory }: StoreLocation): string {
  const names = refusedPlaces(target)
    .filter((each) => each.kind === 'private' && directoryOf(each) === directory)
    .map(({ path }) => posix.basename(path));
  const more = names.length - MAX_NAMED;
  const shown = [...names.slice(0, MAX_NAMED), ...(more > 0 ? [`${more} more`] : [])].join(', ');
  const asRoot = target.kind === 'live' ? '; run as root to include it' : '';
  return `${directory}: ${shown} may not be read, so whether it names certificates is not known${asRoot}`;
}

export const stores: readonly StoreType[] = [wsl, operaPresto, closed];
