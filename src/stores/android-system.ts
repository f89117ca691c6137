/**
 * The roots of an Android system: in the Conscrypt module from Android 14 on, before that (and still there) on the
 * system partition. What all users have switched off is distrusted; what Magisk modules lay over it counts as well.
 */

import { posix } from 'node:path';
import { asBuffer } from '../core/bytes.ts';
import type { Certificate } from '../core/certificate.ts';
import type { StoreContent, StoreLocation, StoreType } from '../core/store.ts';
import { FsError, type Target } from '../core/target.ts';
import { distrustedForAll, heldOnly, trustedForAll, type Trust } from '../core/trust.ts';
import {
  certificatesIn,
  readAndroidDirectory,
  UNFOUND_WORDS,
  type Unfound,
} from './shared/android-directory.ts';
import { androidUsers, DATA, placesOf, REMOVED, SYSTEM } from './shared/android-places.ts';
import { EMPTY_CONTENT, exists, walkFiles } from './shared/content.ts';
import { manualRemediation } from './shared/cut-bytes.ts';
import { expandDirectories, uniqueDirectories } from './shared/directories.ts';
import { oncePerTarget } from './shared/once.ts';

const CACERTS = '/etc/security/cacerts';
const CONSCRYPT = '/apex/com.android.conscrypt/cacerts';
const MODULE_FILES = [
  'com.android.conscrypt.apex',
  'com.android.conscrypt.capex',
  'com.google.android.conscrypt.apex',
];
/** Lists for other purposes than TLS, such as Wi-Fi Passpoint. */
const SPECIAL = ['cacerts_google', 'cacerts_wfa'];
/** From this version of the interface on (Android 14) the roots are in the module. */
const SDK_WITH_MODULE = 34;

const APPLICATION = {
  module: 'Android (Conscrypt module)',
  system: 'Android',
  magisk: 'Android (Magisk module)',
  special: 'Android (for other purposes than TLS)',
} as const;

export const store: StoreType = {
  id: 'android-system',
  title: 'The roots of an Android system',
  platforms: ['android'],
  locate: (target) => uniqueDirectories(target, locations(target)),
  read,
  planRemoval: (_target, location) =>
    manualRemediation(
      location,
      'On the device: Settings > Security > Encryption & credentials > Trusted credentials > System, and switch it off. ' +
        `The switch copies it to ${REMOVED} of that user only: do it for every user and work profile.`,
    ),
};

function locations(target: Target): StoreLocation[] {
  const at = (path: string, kind: keyof typeof APPLICATION): StoreLocation => ({
    path,
    application: APPLICATION[kind],
    scope: 'system',
    format: 'Android certificate directory',
  });
  const versions = exists(target, '/apex') ? expandDirectories(target, '/apex/com.android.conscrypt@*') : [];
  const modules = [CONSCRYPT, ...versions.map((path) => `${path}/cacerts`)];
  const magisk = DATA.flatMap((data) =>
    exists(target, `${data}/adb/modules`) ? expandDirectories(target, `${data}/adb/modules/*`) : [],
  );
  return [
    ...modules.filter((path) => exists(target, path)).map((path) => at(path, 'module')),
    ...placesOf(target, SYSTEM, CACERTS).map((path) => at(path, 'system')),
    ...magisk
      .map((path) => `${path}/system${CACERTS}`)
      .filter((path) => exists(target, path))
      .map((path) => at(path, 'magisk')),
    ...SPECIAL.flatMap((name) =>
      placesOf(target, [...SYSTEM, '/system_ext', '/product'], `/etc/security/${name}`),
    ).map((path) => at(path, 'special')),
  ];
}

function* read(target: Target, location: StoreLocation): Generator<StoreContent> {
  const why = unusedBecause(target, location);
  if (why !== undefined && location.application === APPLICATION.system) {
    yield { ...EMPTY_CONTENT, notes: [`${location.path}: ${why}`] };
  }
  if (location.application === APPLICATION.system) yield unreadModule(target);
  yield* readAndroidDirectory(target, location.path, (certificate, unfound) =>
    why === undefined ? trustOf(target, certificate, unfound) : heldOnly(why),
  );
}

function unusedBecause(target: Target, { path, application }: StoreLocation): string | undefined {
  if (application === APPLICATION.special) return 'for other purposes than TLS';
  if (application === APPLICATION.system && hasModuleRoots(target))
    return `not used: ${CONSCRYPT} replaces it`;
  if (application !== APPLICATION.magisk) return undefined;
  const module = path.slice(0, -`/system${CACERTS}`.length);
  const off = ['disable', 'remove'].some((name) => exists(target, `${module}/${name}`));
  return off ? 'not used: the module is switched off' : undefined;
}

const hasModuleRoots = oncePerTarget(
  (target) => walkFiles(target, CONSCRYPT, () => true, 1).files.length > 0,
);

/** On a system that is not running, the module is an image inside an archive. */
function unreadModule(target: Target): StoreContent {
  if (hasModuleRoots(target) || (sdkVersion(target) ?? 0) < SDK_WITH_MODULE) return EMPTY_CONTENT;
  const path = SYSTEM.flatMap((system) => MODULE_FILES.map((name) => `${system}/apex/${name}`)).find((each) =>
    exists(target, each),
  );
  if (path === undefined) return EMPTY_CONTENT;
  const message =
    'this Android takes its roots from this module, an image that is not read; mount it at /apex';
  return { ...EMPTY_CONTENT, problems: [{ code: 'unsupported', path, message }] };
}

function sdkVersion(target: Target): number | undefined {
  for (const path of placesOf(target, SYSTEM, '/build.prop')) {
    try {
      const text = asBuffer(target.fs.read(path, 1 << 20) ?? new Uint8Array()).toString('latin1');
      const [, version] = /^ro\.(?:system\.)?build\.version\.sdk=(\d{1,4})\s*$/m.exec(text) ?? [];
      if (version !== undefined) return Number(version);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
    }
  }
  return undefined;
}

interface Switched {
  readonly user: string;
  readonly off: ReadonlySet<string>;
}

/** What each user has switched off; the certificate itself counts, not its file name. */
const switchedOff = oncePerTarget((target): readonly Switched[] =>
  androidUsers(target).users.map(({ id, directory }) => ({
    user: id ?? '0',
    off: certificatesIn(target, posix.join(directory, REMOVED)),
  })),
);

function trustOf(target: Target, { sha256 }: Certificate, unfound: Unfound): Trust {
  if (unfound !== undefined) return heldOnly(`not used: ${UNFOUND_WORDS[unfound]}`);
  const users = switchedOff(target);
  const without = users.filter(({ off }) => off.has(sha256)).map(({ user }) => user);
  if (without.length === 0) return trustedForAll('listed');
  const names = `switched off by user ${without.join(', ')}`;
  return without.length === users.length ? distrustedForAll(names) : trustedForAll(`listed, but ${names}`);
}
