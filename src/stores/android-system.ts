/**
 * The roots of an Android system: in the Conscrypt module from Android 14 on, mounted or in its archive, before that
 * (and still there) on the system partition. What all users have switched off is distrusted; what Magisk modules lay over it counts as well.
 */

import { posix } from 'node:path';
import type { Certificate } from '../core/certificate.ts';
import type { StoreContent, StoreLocation, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { distrustedForAll, heldOnly, trustedForAll, type Trust } from '../core/trust.ts';
import {
  certificatesIn,
  readAndroidDirectory,
  readAndroidModule,
  UNFOUND_WORDS,
  type Unfound,
} from './shared/android-directory.ts';
import { androidUsers, DATA, placesOf, REMOVED, SYSTEM } from './shared/android-places.ts';
import { EMPTY_CONTENT, exists, problemContent, walkFiles } from './shared/content.ts';
import { manualRemediation } from './shared/cut-bytes.ts';
import { conscryptModules, isModuleFile, moduleRoots, whyUnusedModule } from './shared/conscrypt-module.ts';
import { expandDirectories, uniqueDirectories } from './shared/directories.ts';
import { oncePerTarget } from './shared/once.ts';

const CACERTS = '/etc/security/cacerts';
const CONSCRYPT = '/apex/com.android.conscrypt/cacerts';
/** Lists for other purposes than TLS, such as Wi-Fi Passpoint. */
const SPECIAL = ['cacerts_google', 'cacerts_wfa'];

const APPLICATION = {
  module: 'Android (Conscrypt module)',
  system: 'Android',
  magisk: 'Android (Magisk module)',
  special: 'Android (for other purposes than TLS)',
} as const;

const SETTINGS =
  'On the device: Settings > Security > Encryption & credentials > Trusted credentials > System, and switch it off. ' +
  `The switch copies it to ${REMOVED} of that user only: do it for every user and work profile.`;
const SIGNED =
  'Nothing can be taken out of this module: it is signed, and Android refuses one that was changed. ' +
  'Only an update of the module or of the system leaves a root out.';

export const store: StoreType = {
  id: 'android-system',
  title: 'The roots of an Android system',
  platforms: ['android'],
  locate: (target) => uniqueDirectories(target, locations(target)),
  read,
  planRemoval: (_target, location) =>
    manualRemediation(location, isModuleFile(location.path) ? `${SIGNED} ${SETTINGS}` : SETTINGS),
};

function locations(target: Target): StoreLocation[] {
  const at = (path: string, kind: keyof typeof APPLICATION): StoreLocation => ({
    path,
    application: APPLICATION[kind],
    scope: 'system',
    format: isModuleFile(path) ? 'Android module (APEX)' : 'Android certificate directory',
  });
  const versions = exists(target, '/apex') ? expandDirectories(target, '/apex/com.android.conscrypt@*') : [];
  const modules = [CONSCRYPT, ...versions.map((path) => `${path}/cacerts`)];
  const magisk = DATA.flatMap((data) =>
    exists(target, `${data}/adb/modules`) ? expandDirectories(target, `${data}/adb/modules/*`) : [],
  );
  return [
    ...modules.filter((path) => exists(target, path)).map((path) => at(path, 'module')),
    ...(hasMountedRoots(target) ? [] : conscryptModules(target).files).map((path) => at(path, 'module')),
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
  if (isModuleFile(location.path)) return yield* readModule(target, location.path);
  const why = unusedBecause(target, location);
  if (why !== undefined && location.application === APPLICATION.system) {
    yield noteContent(location.path, why);
  }
  yield* readAndroidDirectory(target, location.path, (certificate, unfound) =>
    why === undefined ? trustOf(target, certificate, unfound) : heldOnly(why),
  );
}

function* readModule(target: Target, path: string): Generator<StoreContent> {
  const why = whyUnusedModule(target, path);
  const roots = moduleRoots(target);
  if (why !== undefined) yield noteContent(path, why);
  if (why !== undefined || !roots) return;
  for (const directory of conscryptModules(target).refused) {
    const message =
      'may not be listed: an update of the Conscrypt module, with roots of its own, may be in it';
    yield problemContent({ code: 'unreadable', path: directory, message });
  }
  if ('failed' in roots) return yield roots.failed;
  yield* readAndroidModule(path, roots, (certificate, unfound) => trustOf(target, certificate, unfound));
  if (roots.entries.length === 0 && roots.diagnostics.every(({ level }) => level === 'note')) {
    yield noteContent(path, 'no roots in it: those of the system partition are used');
  }
}

function noteContent(path: string, note: string): StoreContent {
  return { ...EMPTY_CONTENT, notes: [`${path}: ${note}`] };
}

function unusedBecause(target: Target, { path, application }: StoreLocation): string | undefined {
  if (application === APPLICATION.special) return 'for other purposes than TLS';
  const module = application === APPLICATION.system ? moduleInUse(target) : undefined;
  if (module !== undefined) return `not used: ${module} replaces it`;
  if (application !== APPLICATION.magisk) return undefined;
  const overlay = path.slice(0, -`/system${CACERTS}`.length);
  const off = ['disable', 'remove'].some((name) => exists(target, `${overlay}/${name}`));
  return off ? 'not used: the module is switched off' : undefined;
}

const hasMountedRoots = oncePerTarget(
  (target) => walkFiles(target, CONSCRYPT, () => true, 1).files.length > 0,
);

/** Conscrypt takes the roots of the module when there are any. */
function moduleInUse(target: Target): string | undefined {
  if (hasMountedRoots(target)) return CONSCRYPT;
  const roots = moduleRoots(target);
  return roots && 'entries' in roots && roots.entries.length > 0
    ? conscryptModules(target).files[0]
    : undefined;
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
