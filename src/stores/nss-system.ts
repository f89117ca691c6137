/** NSS databases of the system and of servers: Fedora's shared one, Libreswan, 389 Directory Server, mod_nss. */

import type { StoreType } from '../core/store.ts';
import { expandDirectories, uniqueDirectories } from './shared/directories.ts';
import { nssLocation, readNss } from './shared/nss.ts';
import { nssPlans } from './shared/nss-removal.ts';

const PLACES: readonly (readonly [string, string])[] = [
  ['/etc/pki/nssdb', 'NSS system database'],
  ['/etc/ipsec.d', 'Libreswan'],
  ['/var/lib/ipsec/nss', 'Libreswan'],
  ['/etc/dirsrv/*', '389 Directory Server'],
  ['/etc/httpd/alias', 'Apache mod_nss'],
];

const PROCESSES: Readonly<Record<string, readonly string[]>> = {
  Libreswan: ['pluto'],
  '389 Directory Server': ['ns-slapd'],
  'Apache mod_nss': ['httpd', 'apache2'],
};

export const store: StoreType = {
  id: 'nss-system',
  title: 'NSS databases of the system and of servers',
  platforms: ['linux', 'freebsd', 'openbsd', 'netbsd', 'sunos'],
  locate: (target) =>
    uniqueDirectories(
      target,
      PLACES.flatMap(([pattern, application]) =>
        expandDirectories(target, pattern).flatMap(
          (directory) => nssLocation(target, directory, { application, scope: 'system' }) ?? [],
        ),
      ),
    ),
  read: (target, location) => [readNss(target, location)],
  ...nssPlans(({ application }) => ({
    advice: `Stop the services that use ${application} first.`,
    programs: PROCESSES[application] ?? [],
  })),
};
