/**
 * The user data directories of Chrome and of the browsers made from Chromium, each with its profiles:
 * https://chromium.googlesource.com/chromium/src/+/main/docs/user_data_dir.md
 */

import { FsError, type Home, type Platform, type Target } from '../../core/target.ts';
import { exists } from './content.ts';
import { expandDirectories, expandInHome } from './directories.ts';
import { oncePerTarget } from './once.ts';

export interface UserDataDirectory {
  readonly path: string;
  readonly browser: string;
  readonly user: string;
}

/** Browser and directories below a home; `*` is any run of characters inside one name. */
type Places = readonly (readonly [string, readonly string[]])[];

const UNIX: Places = [
  [
    'Chrome',
    [
      '.config/google-chrome',
      '.config/google-chrome-beta',
      '.config/google-chrome-unstable',
      '.config/google-chrome-canary',
      '.config/google-chrome-for-testing',
      '.var/app/com.google.Chrome*/config/google-chrome*',
    ],
  ],
  [
    'Chromium',
    [
      '.config/chromium',
      'snap/chromium/common/chromium',
      'snap/chromium/current/.config/chromium',
      '.var/app/org.chromium.Chromium/config/chromium',
      '.var/app/io.github.ungoogled_software.ungoogled_chromium/config/chromium',
    ],
  ],
  [
    'Edge',
    [
      '.config/microsoft-edge',
      '.config/microsoft-edge-beta',
      '.config/microsoft-edge-dev',
      '.var/app/com.microsoft.Edge*/config/microsoft-edge*',
    ],
  ],
  [
    'Brave',
    [
      '.config/BraveSoftware/Brave-Browser',
      '.config/BraveSoftware/Brave-Browser-Beta',
      '.config/BraveSoftware/Brave-Browser-Nightly',
      'snap/brave/current/.config/BraveSoftware/Brave-Browser',
      '.var/app/com.brave.Browser/config/BraveSoftware/Brave-Browser*',
    ],
  ],
  [
    'Vivaldi',
    ['.config/vivaldi', '.config/vivaldi-snapshot', '.var/app/com.vivaldi.Vivaldi/config/vivaldi*'],
  ],
  [
    'Opera',
    [
      '.config/opera',
      '.config/opera-beta',
      '.config/opera-developer',
      'snap/opera/current/.config/opera',
      '.var/app/com.opera.Opera/config/opera*',
    ],
  ],
  [
    'Yandex Browser',
    [
      '.config/yandex-browser',
      '.config/yandex-browser-beta',
      '.var/app/ru.yandex.Browser/config/yandex-browser*',
    ],
  ],
];

const MAC = 'Library/Application Support';
const DARWIN: Places = [
  [
    'Chrome',
    [
      `${MAC}/Google/Chrome`,
      `${MAC}/Google/Chrome Beta`,
      `${MAC}/Google/Chrome Dev`,
      `${MAC}/Google/Chrome Canary`,
    ],
  ],
  ['Chromium', [`${MAC}/Chromium`]],
  [
    'Edge',
    [
      `${MAC}/Microsoft Edge`,
      `${MAC}/Microsoft Edge Beta`,
      `${MAC}/Microsoft Edge Dev`,
      `${MAC}/Microsoft Edge Canary`,
    ],
  ],
  [
    'Brave',
    [
      `${MAC}/BraveSoftware/Brave-Browser`,
      `${MAC}/BraveSoftware/Brave-Browser-Beta`,
      `${MAC}/BraveSoftware/Brave-Browser-Nightly`,
    ],
  ],
  ['Vivaldi', [`${MAC}/Vivaldi`]],
  ['Opera', [`${MAC}/com.operasoftware.Opera`, `${MAC}/com.operasoftware.OperaGX`]],
  ['Yandex Browser', [`${MAC}/Yandex/YandexBrowser`]],
];

const LOCAL = 'AppData/Local';
const WIN32: Places = [
  ['Chrome', ['', ' Beta', ' Dev', ' SxS'].map((channel) => `${LOCAL}/Google/Chrome${channel}/User Data`)],
  ['Chromium', [`${LOCAL}/Chromium/User Data`]],
  ['Edge', ['', ' Beta', ' Dev', ' SxS'].map((channel) => `${LOCAL}/Microsoft/Edge${channel}/User Data`)],
  [
    'Brave',
    ['', '-Beta', '-Nightly'].map((channel) => `${LOCAL}/BraveSoftware/Brave-Browser${channel}/User Data`),
  ],
  ['Vivaldi', [`${LOCAL}/Vivaldi/User Data`]],
  [
    'Opera',
    ['AppData/Roaming/Opera Software/Opera Stable', 'AppData/Roaming/Opera Software/Opera GX Stable'],
  ],
  ['Yandex Browser', [`${LOCAL}/Yandex/YandexBrowser/User Data`]],
];

/** Below these lie the directories above, but for those of snaps: one look at the names in them rules out most. */
const PARENTS = ['.config', '.var/app', 'snap', MAC, LOCAL, 'AppData/Roaming'];

export const CHROME_PLATFORMS: readonly Platform[] = ['linux', 'darwin', 'win32', 'freebsd', 'openbsd'];

export const userDataDirectories = oncePerTarget((target): readonly UserDataDirectory[] => {
  const places = target.platform === 'darwin' ? DARWIN : target.platform === 'win32' ? WIN32 : UNIX;
  return target.homes.flatMap((home) => inHome(target, home, places));
});

function inHome(target: Target, { path: home, user }: Home, places: Places): UserDataDirectory[] {
  const parents = PARENTS.flatMap((parent) => {
    const names = expandInHome(target, home, [parent]).flatMap((path) => namesIn(target, path));
    return names.map((name) => `${parent}/${name}`);
  });
  if (parents.length === 0) return [];
  const possible = (pattern: string): boolean =>
    pattern.startsWith('snap/') || parents.some((parent) => startsLike(pattern, parent));
  return places.flatMap(([browser, patterns]) =>
    expandInHome(target, home, patterns.filter(possible))
      .filter((path) => exists(target, path))
      .map((path) => ({ path, browser, user })),
  );
}

/** Names in the directory; "*" when they may not be listed. */
function namesIn(target: Target, path: string): readonly string[] {
  try {
    return target.fs.list(path).map(({ name }) => name);
  } catch (error) {
    if (error instanceof FsError) return ['*'];
    throw error;
  }
}

/** True when `path` may be the beginning of what `pattern` stands for. */
function startsLike(pattern: string, path: string): boolean {
  const depth = path.split('/').length;
  const begin = pattern.split('/').slice(0, depth).join('/');
  if (path.endsWith('/*')) return begin.startsWith(path.slice(0, -1));
  const star = begin.indexOf('*');
  return star < 0 ? begin === path : path.startsWith(begin.slice(0, star));
}

/** The directory itself (Opera has its profile there) and those in it that have `file`, as paths of that file. */
export function profileFiles(target: Target, { path }: UserDataDirectory, file: string): string[] {
  return [path, ...expandDirectories(target, `${path}/*`)]
    .map((directory) => `${directory}/${file}`)
    .filter((candidate) => exists(target, candidate));
}
