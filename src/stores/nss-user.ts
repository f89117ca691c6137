/**
 * The NSS database that the programs of one person share (Chromium and Chrome on Linux, Evolution, others):
 * https://chromium.googlesource.com/chromium/src/+/main/docs/linux/cert_management.md
 */

import type { StoreLocation, StoreType } from '../core/store.ts';
import type { Home, Target } from '../core/target.ts';
import { CHROME_PROGRAMS } from './shared/browser-processes.ts';
import { expandDirectories, uniqueDirectories } from './shared/directories.ts';
import { nssLocation, readNss } from './shared/nss.ts';
import { nssPlans } from './shared/nss-removal.ts';

/** Below a home, with `*` for any name, and who reads it; $ stands for the name of the snap or flatpak. */
const PLACES: readonly (readonly [string, string])[] = [
  ['.pki/nssdb', 'NSS shared database'],
  ['.local/share/pki/nssdb', 'NSS shared database'],
  ['snap/*/common/.pki/nssdb', 'snap $'],
  ['snap/*/current/.pki/nssdb', 'snap $'],
  ['snap/*/common/.local/share/pki/nssdb', 'snap $'],
  ['snap/*/current/.local/share/pki/nssdb', 'snap $'],
  ['.var/app/*/.pki/nssdb', 'flatpak $'],
  ['.var/app/*/data/pki/nssdb', 'flatpak $'],
];

export const store: StoreType = {
  id: 'nss-user',
  title: 'NSS databases of people: Chromium and Chrome on Linux, and other programs',
  platforms: ['linux', 'freebsd', 'openbsd', 'netbsd', 'sunos'],
  locate: (target) =>
    uniqueDirectories(
      target,
      target.homes.flatMap((home) => ofHome(target, home)),
    ),
  read: (target, location) => [readNss(target, location)],
  ...nssPlans(() => ({
    advice: 'Close the programs that use it (such as Chromium) first.',
    programs: [...CHROME_PROGRAMS, 'evolution'],
  })),
};

function ofHome(target: Target, { path, user }: Home): StoreLocation[] {
  return PLACES.flatMap(([pattern, name]) =>
    expandDirectories(target, `${path}/${pattern}`).flatMap((directory) => {
      const [part = ''] = directory.slice(path.length + pattern.indexOf('*') + 1).split('/');
      const application = `${name.replace('$', () => part)} (${user})`;
      return nssLocation(target, directory, { application, scope: 'user', user }) ?? [];
    }),
  );
}
