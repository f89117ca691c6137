/**
 * Where Firefox and its relatives are installed, the policies that lie there or in /etc, and the certificate files that
 * a policy installs: https://mozilla.github.io/policy-templates/#certificates--install
 */

import { posix } from 'node:path';
import { sha256, type Sha256 } from '../../core/certificate.ts';
import type { Remediation } from '../../core/remediation.ts';
import type { TrustAnchor } from '../../core/store.ts';
import { FsError, type Target } from '../../core/target.ts';
import { readFirefoxPolicies } from '../../formats/firefox-policies.ts';
import type { PlistDictionary } from '../../formats/plist.ts';
import { asDictionary } from '../../formats/plist.ts';
import { parseJsonPolicies, parsePlistPolicies } from '../../formats/policy-values.ts';
import { readCertificates } from './any-file.ts';
import { exists } from './content.ts';
import { expandDirectories, expandInHome } from './directories.ts';
import { systemDrive } from './drive.ts';
import { oncePerTarget } from './once.ts';

export const MAX_POLICY_BYTES = 16 << 20;
const MAX_CERTIFICATE_FILE_BYTES = 4 << 20;
/** As long as a path may be on Linux. */
const MAX_NAME = 4096;

export interface PolicyFile {
  readonly path: string;
  readonly program: string;
  readonly format: 'json' | 'plist';
  /** Owner of a program that is unpacked in a home. */
  readonly user?: string;
}

const PROGRAMS: readonly (readonly [string, string])[] = [
  ['firefox', 'Firefox'],
  ['firefox-esr', 'Firefox ESR'],
  ['firefox-developer-edition', 'Firefox Developer Edition'],
  ['firefox-beta', 'Firefox Beta'],
  ['firefox-nightly', 'Firefox Nightly'],
  ['librewolf', 'LibreWolf'],
  ['waterfox', 'Waterfox'],
  ['floorp', 'Floorp'],
  ['zen', 'Zen Browser'],
  ['zen-browser', 'Zen Browser'],
  ['icecat', 'GNU IceCat'],
  ['thunderbird', 'Thunderbird'],
];
const UNIX_PARENTS = [
  '/usr/lib',
  '/usr/lib64',
  '/usr/share',
  '/usr/local',
  '/usr/local/lib',
  '/usr/local/share',
  '/opt',
];
const SYSTEM_POLICIES = ['firefox', 'firefox-esr', 'librewolf', 'waterfox', 'floorp', 'zen', 'thunderbird'];
const MAC_APPLICATIONS: readonly (readonly [string, string])[] = [
  ['Firefox*.app', 'Firefox'],
  ['LibreWolf.app', 'LibreWolf'],
  ['Waterfox.app', 'Waterfox'],
  ['Floorp.app', 'Floorp'],
  ['Zen*.app', 'Zen Browser'],
  ['Thunderbird*.app', 'Thunderbird'],
];
const WINDOWS_DIRECTORIES: readonly (readonly [string, string])[] = [
  ['Mozilla Firefox*', 'Firefox'],
  ['Firefox *', 'Firefox'],
  ['LibreWolf', 'LibreWolf'],
  ['Waterfox', 'Waterfox'],
  ['Ablaze Floorp', 'Floorp'],
  ['Zen Browser', 'Zen Browser'],
  ['Mozilla Thunderbird*', 'Thunderbird'],
];
/** Of snaps and flatpaks, the directory of the program. */
const PACKAGED: readonly (readonly [string, string])[] = [
  ['/snap/firefox/current/usr/lib/firefox', 'Firefox (snap)'],
  ['/snap/thunderbird/current/usr/lib/thunderbird', 'Thunderbird (snap)'],
  ['/var/lib/flatpak/app/org.mozilla.firefox/current/active/files/lib/firefox', 'Firefox (flatpak)'],
  [
    '/var/lib/flatpak/app/io.gitlab.librewolf-community/current/active/files/lib/librewolf',
    'LibreWolf (flatpak)',
  ],
];
const FLATPAK_POLICIES: readonly string[] = [
  '/var/lib/flatpak/app/org.mozilla.firefox/current/active/files/etc/firefox',
  '/var/lib/flatpak/extension/org.mozilla.firefox.systemconfig/*/*',
];

export interface Installation {
  /** The directory with `distribution` and `defaults` in it. */
  readonly path: string;
  readonly program: string;
  readonly user?: string;
}

export const installations = oncePerTarget((target): readonly Installation[] => {
  if (target.platform === 'darwin') return macInstallations(target);
  if (target.platform === 'win32') return windowsInstallations(target);
  const shared = UNIX_PARENTS.flatMap((parent) =>
    PROGRAMS.map(([name, program]) => ({ path: `${parent}/${name}`, program })),
  );
  const packaged = PACKAGED.map(([path, program]) => ({ path, program }));
  const unpacked = target.homes.flatMap(({ path: home, user }) =>
    PROGRAMS.flatMap(([name, program]) =>
      expandInHome(target, home, [name]).map((path) => ({ path, program, user })),
    ),
  );
  return [...shared, ...packaged, ...unpacked].filter(({ path }) => exists(target, path, 'directory'));
});

function macInstallations(target: Target): Installation[] {
  const places = ['', ...target.homes.map(({ path }) => path)].map((home) => `${home}/Applications`);
  return places.flatMap((place) =>
    MAC_APPLICATIONS.flatMap(([name, program]) =>
      expandDirectories(target, `${place}/${name}`)
        .map((path) => ({ path: `${path}/Contents/Resources`, program }))
        .filter(({ path }) => exists(target, path)),
    ),
  );
}

function windowsInstallations(target: Target): Installation[] {
  const drive = systemDrive(target);
  const places = [`${drive}/Program Files`, `${drive}/Program Files (x86)`];
  return places.flatMap((place) =>
    WINDOWS_DIRECTORIES.flatMap(([name, program]) =>
      expandDirectories(target, `${place}/${name}`)
        .map((path) => ({ path, program }))
        .filter(({ path }) => exists(target, path)),
    ),
  );
}

/** Every file with policies, those for the whole system first. */
export const policyFiles = oncePerTarget((target): readonly PolicyFile[] => {
  const named = (directory: string): string => `${directory}/policies.json`;
  const json = (path: string, program: string, user?: string): PolicyFile => ({
    path,
    program,
    format: 'json',
    ...(user !== undefined && { user }),
  });
  const system =
    target.platform === 'darwin' || target.platform === 'win32'
      ? []
      : [
          ...SYSTEM_POLICIES.map((name) => json(named(`/etc/${name}/policies`), programNamed(name))),
          ...FLATPAK_POLICIES.flatMap((pattern) => expandDirectories(target, pattern)).map((path) =>
            json(named(`${path}/policies`), 'Firefox (flatpak)'),
          ),
        ];
  const installed = installations(target).map(({ path, program, user }) =>
    json(named(`${path}/distribution`), program, user),
  );
  return [...system, ...installed, ...managedPreferences(target)].filter(({ path }) => exists(target, path));
});

function programNamed(name: string): string {
  return PROGRAMS.find(([each]) => each === name)?.[1] ?? name;
}

function managedPreferences(target: Target): PolicyFile[] {
  if (target.platform !== 'darwin') return [];
  const directory = '/Library/Managed Preferences';
  return [directory, ...expandDirectories(target, `${directory}/*`)].flatMap((place): PolicyFile[] => [
    { path: `${place}/org.mozilla.firefox.plist`, program: 'Firefox', format: 'plist' },
    { path: `${place}/org.mozilla.thunderbird.plist`, program: 'Thunderbird', format: 'plist' },
  ]);
}

/** The policies in a file's bytes; those of a property list only count when it says so. */
export function parsePolicyFile(
  bytes: Uint8Array,
  format: PolicyFile['format'],
): ReturnType<typeof parseJsonPolicies> & { readonly inactive: boolean } {
  if (format === 'plist') {
    const parsed = parsePlistPolicies(bytes);
    const enabled = parsed.policies.get('EnterprisePoliciesEnabled');
    return { ...parsed, inactive: enabled !== true && enabled !== 1 };
  }
  const { policies: whole, diagnostics } = parseJsonPolicies(bytes);
  const policies: PlistDictionary = asDictionary(whole.get('policies')) ?? new Map();
  return { policies, diagnostics, inactive: false };
}

const SEARCHED: Readonly<
  Record<'unix' | 'darwin' | 'win32', { system: readonly string[]; home: readonly string[] }>
> = {
  unix: {
    system: ['/usr/lib/mozilla/certificates', '/usr/lib64/mozilla/certificates'],
    home: [
      '.mozilla/certificates',
      'snap/firefox/common/.mozilla/certificates',
      '.var/app/org.mozilla.firefox/.mozilla/certificates',
    ],
  },
  darwin: {
    system: ['/Library/Application Support/Mozilla/Certificates'],
    home: ['Library/Application Support/Mozilla/Certificates'],
  },
  win32: {
    system: [],
    home: ['AppData/Local/Mozilla/Certificates', 'AppData/Roaming/Mozilla/Certificates'],
  },
};

/** The files that an entry of `Install` may mean and that exist. */
export function filesOfEntry(target: Target, name: string): string[] {
  if (name === '' || name.length > MAX_NAME || name.includes('\0')) return [];
  const absolute = absolutePath(target, name);
  if (absolute !== undefined) return exists(target, absolute) ? [absolute] : [];
  if (/[\\/]/.test(name)) return [];
  const { platform } = target;
  const searched = SEARCHED[platform === 'darwin' || platform === 'win32' ? platform : 'unix'];
  const homes = target.homes.flatMap(({ path }) => expandInHome(target, path, searched.home));
  return [...searched.system, ...homes]
    .map((directory) => `${directory}/${name}`)
    .filter((path) => exists(target, path));
}

function absolutePath(target: Target, name: string): string | undefined {
  if (target.platform !== 'win32') return name.startsWith('/') ? posix.normalize(name) : undefined;
  const [, drive, rest] = /^([A-Za-z]:)([\\/].*)$/.exec(name) ?? [];
  if (drive === undefined || rest === undefined) return undefined;
  const path = posix.normalize(rest.replaceAll('\\', '/'));
  return target.kind === 'live' ? `/${drive}${path}` : path;
}

/** Digest of every certificate that some policy installs, with the policy's file. */
const installedByPolicy = oncePerTarget((target): ReadonlyMap<Sha256, string> => {
  const found = new Map<Sha256, string>();
  for (const { path, format } of policyFiles(target)) {
    const bytes = readOrUndefined(target, path, MAX_POLICY_BYTES);
    const { install } = readFirefoxPolicies(bytes ? parsePolicyFile(bytes, format).policies : new Map());
    for (const file of install.flatMap((name) => filesOfEntry(target, name))) {
      const content = readOrUndefined(target, file, MAX_CERTIFICATE_FILE_BYTES);
      for (const der of content ? readCertificates(content) : []) found.set(sha256(der), path);
    }
  }
  return found;
});

/** A policy installs its certificates anew at each start: a removal from a profile has to begin there. */
export function afterPolicy(target: Target, anchors: readonly TrustAnchor[], plan: Remediation): Remediation {
  const installed = installedByPolicy(target);
  const policies = new Set(anchors.flatMap(({ certificate }) => installed.get(certificate.sha256) ?? []));
  if (policies.size === 0) return plan;
  const note = `The policy in ${[...policies].join(', ')} installs it again at each start: take it out there first. ${plan.note ?? ''}`;
  return { ...plan, disposition: plan.disposition === 'safe' ? 'unsafe' : plan.disposition, note };
}

function readOrUndefined(target: Target, path: string, maxBytes: number): Uint8Array | undefined {
  try {
    return target.fs.read(path, maxBytes);
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}
