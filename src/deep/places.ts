/** Where programs lie on each platform: what `--deep` looks at on a running machine when no directory is named. */

import { FsError, type Platform, type Target } from '../core/target.ts';

const UNIX = [
  '/bin',
  '/sbin',
  '/lib',
  '/lib64',
  '/usr/bin',
  '/usr/sbin',
  '/usr/lib',
  '/usr/lib64',
  '/usr/libexec',
];
const UNIX_MORE = [...UNIX, '/usr/local', '/opt'];
const BSD = [...UNIX_MORE, '/usr/pkg'];

const SYSTEM: Readonly<Record<Platform, readonly string[]>> = {
  linux: [...UNIX_MORE, '/snap', '/var/lib/snapd/snap', '/var/lib/flatpak', '/srv'],
  darwin: [...UNIX_MORE, '/Applications', '/System/Applications', '/Library'],
  win32: ['/C:/Program Files', '/C:/Program Files (x86)', '/C:/ProgramData', '/C:/Windows/System32'],
  android: ['/system', '/system_ext', '/vendor', '/product', '/odm', '/apex', '/data/app'],
  freebsd: BSD,
  openbsd: BSD,
  netbsd: BSD,
  sunos: [...BSD, '/opt/local'],
};

/** Below each home. */
const HOME: Readonly<Record<'unix' | 'win32' | 'darwin', readonly string[]>> = {
  unix: ['.local', 'bin', 'Applications', 'AppImages', '.cargo/bin', 'go/bin', '.npm-global', 'snap'],
  darwin: ['Applications', 'bin', '.local', 'Library/Application Support'],
  win32: ['AppData/Local', 'AppData/Roaming', 'scoop'],
};

/** The directories that exist, without links, and none of them inside of another. */
export function programDirectories(target: Target): readonly string[] {
  const { platform } = target;
  // Everything below a root that is not running may be a program of its.
  if (target.kind !== 'live') return ['/'];
  const inHome = HOME[platform === 'win32' || platform === 'darwin' ? platform : 'unix'];
  const wanted = [
    ...SYSTEM[platform],
    ...target.homes.flatMap(({ path }) => inHome.map((name) => `${path}/${name}`)),
  ];
  return withoutNested(wanted.flatMap((path) => realDirectory(target, path) ?? []));
}

function realDirectory({ fs }: Target, path: string): string | undefined {
  try {
    return fs.kind(path) === 'directory' ? fs.realPath(path) : undefined;
  } catch (error) {
    // The walk then says what is wrong with it.
    if (error instanceof FsError) return path;
    throw error;
  }
}

export function withoutNested(paths: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (const path of [...new Set(paths)].toSorted((a, b) => a.length - b.length)) {
    if (!kept.some((parent) => parent === '/' || path.startsWith(`${parent}/`))) kept.push(path);
  }
  return kept.toSorted();
}
