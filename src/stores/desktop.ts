/**
 * Databases and directories of desktop programs that are no browsers: Evolution (evolution-data-server, camel), the
 * NSS directory that LibreOffice signs and verifies with, the directories of Pidgin (libpurple), and Netscape's.
 * GNOME Web has none: GnuTLS gives it the roots of the system.
 */

import { posix } from 'node:path';
import { asBuffer } from '../core/bytes.ts';
import type { StoreContent, StoreLocation, StoreType } from '../core/store.ts';
import type { Home, Target } from '../core/target.ts';
import { heldOnly, trustFor } from '../core/trust.ts';
import { certificateFileStore, DESKTOPS, UNIX, type CertificateFile } from './shared/certificate-files.ts';
import { EMPTY_CONTENT, exists, mergeContents, readFile } from './shared/content.ts';
import { expandInHome, uniqueDirectories } from './shared/directories.ts';
import { systemDrive } from './shared/drive.ts';
import { environmentSettings } from './shared/environment-settings.ts';
import { expandFilesInHome } from './shared/named-files.ts';
import { nssLocation, readNss } from './shared/nss.ts';
import { nssPlans } from './shared/nss-removal.ts';

interface NssProgram {
  readonly id: string;
  readonly title: string;
  readonly locate: (target: Target) => readonly StoreLocation[];
  readonly read?: (target: Target, location: StoreLocation) => StoreContent;
  readonly advice: string;
  /** Names of its processes. */
  readonly programs: readonly string[];
}

function nssProgram({ id, title, locate, read = readNss, ...use }: NssProgram): StoreType {
  return {
    id,
    title,
    platforms: UNIX,
    locate: (target) => uniqueDirectories(target, locate(target)),
    read: (target, location) => [read(target, location)],
    ...nssPlans(() => use),
  };
}

function inHomes(target: Target, program: string, places: readonly string[]): StoreLocation[] {
  return target.homes.flatMap(({ path: home, user }) =>
    expandInHome(target, home, places).flatMap(
      (path) => nssLocation(target, path, { application: `${program} (${user})`, scope: 'user', user }) ?? [],
    ),
  );
}

const CAMEL = 'camel-cert.db';

const evolution = nssProgram({
  id: 'evolution',
  title: 'Evolution (mail)',
  locate: (target) =>
    inHomes(target, 'Evolution', [
      '.local/share/evolution',
      '.evolution',
      '.var/app/org.gnome.Evolution/data/evolution',
    ]),
  read: (target, location) => {
    const path = `${location.path}/${CAMEL}`;
    const note = `${path}: accepted certificates of single servers, by fingerprint; it names no roots`;
    return mergeContents([
      readNss(target, location),
      exists(target, path) ? { ...EMPTY_CONTENT, notes: [note] } : EMPTY_CONTENT,
    ]);
  },
  advice: 'Close Evolution first.',
  programs: ['evolution', 'evolution-source-registry'],
});

// LibreOffice

const OFFICE_SETTINGS = [
  '.config/libreoffice/*/user',
  '.config/libreofficedev/*/user',
  '.config/collaboroffice/*/user',
  '.openoffice/*/user',
  'snap/libreoffice/current/.config/libreoffice/*/user',
  '.var/app/org.libreoffice.LibreOffice/config/libreoffice/*/user',
  'Library/Application Support/LibreOffice/*/user',
];
const REGISTRY = 'registrymodifications.xcu';
const MAX_SETTINGS_BYTES = 16 << 20;
/** `<prop oor:name="CertDir" oor:op="fuse"><value>/home/u/nss</value></prop>`; newer ones write ManualCertDir too. */
const CERTIFICATE_DIRECTORY =
  /<prop\s[^<>]{0,200}oor:name="(?:Manual)?CertDir"[^<>]{0,200}>\s{0,200}<value[^<>]{0,200}>([^<>]{1,4096})<\/value>/g;
const MAX_DIRECTORIES = 20;

const libreoffice = nssProgram({
  id: 'libreoffice',
  title: "LibreOffice, where it does not use a profile of Firefox or Thunderbird (those are the browser's)",
  locate: (target) => [
    ...target.homes.flatMap((home) => namedInSettings(target, home)),
    ...environmentSettings(target, ['MOZILLA_CERTIFICATE_FOLDER']).flatMap(
      ({ value, user }) => officeDirectory(target, value, user) ?? [],
    ),
  ],
  read: (target, location) =>
    location.format === REGISTRY ? readSettings(target, location.path).problem : readNss(target, location),
  advice: 'Close LibreOffice, and every other program that uses this database, first.',
  programs: ['soffice.bin'],
});

function namedInSettings(target: Target, { path: home, user }: Home): StoreLocation[] {
  const files = expandFilesInHome(
    target,
    { path: home, user },
    OFFICE_SETTINGS.map((directory) => `${directory}/${REGISTRY}`),
  );
  return files.flatMap((path): StoreLocation[] => {
    const { directories, problem } = readSettings(target, path);
    const application = `LibreOffice (${user})`;
    if (problem.problems.length > 0) return [{ path, application, scope: 'user', format: REGISTRY, user }];
    return directories.flatMap((directory) => officeDirectory(target, directory, user) ?? []);
  });
}

function readSettings(
  target: Target,
  path: string,
): { readonly directories: readonly string[]; readonly problem: StoreContent } {
  const file = readFile(target, path, MAX_SETTINGS_BYTES);
  if ('failed' in file) return { directories: [], problem: file.failed };
  const found = new Set<string>();
  for (const [, value = ''] of asBuffer(file.bytes).toString('utf8').matchAll(CERTIFICATE_DIRECTORY)) {
    if (found.size < MAX_DIRECTORIES) found.add(plainText(value.trim()));
  }
  return { directories: [...found], problem: EMPTY_CONTENT };
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function plainText(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}

/** NSS takes `sql:` and `dbm:` before the path; a relative one means nothing to anyone else. */
function officeDirectory(target: Target, value: string, user: string | undefined): StoreLocation | undefined {
  const path = value.replace(/^(?:sql:|dbm:)?(?:file:\/\/(?=\/))?/, '').replace(/(?<=.)\/$/, '');
  if (!/^\/[^\0]{0,4096}$/.test(path)) return undefined;
  return user === undefined
    ? nssLocation(target, posix.normalize(path), { application: 'LibreOffice', scope: 'application' })
    : nssLocation(target, posix.normalize(path), {
        application: `LibreOffice (${user})`,
        scope: 'user',
        user,
      });
}

const netscape = nssProgram({
  id: 'netscape',
  title: 'Netscape (cert7.db, cert8.db)',
  locate: (target) => inHomes(target, 'Netscape', ['.netscape', '.netscape6', '.netscape6/*/*']),
  advice: 'Close the program first.',
  programs: ['netscape'],
});

// Pidgin

const PURPLE = ['.purple', '.var/app/im.pidgin.Pidgin/data/purple', 'AppData/Roaming/.purple'];
const PURPLE_ROOTS = [
  '/usr/share/purple/ca-certs',
  '/usr/local/share/purple/ca-certs',
  '/opt/local/share/purple/ca-certs',
  '/Program Files (x86)/Pidgin/ca-certs',
  '/Program Files/Pidgin/ca-certs',
];
const ROOT = trustFor({ serverAuth: 'trusted' }, 'a root for Pidgin only');
const PINNED = heldOnly('the certificate of one server, accepted by name');
const isCertificate = (name: string): boolean => /\.(?:pem|crt|cer|der)$/i.test(name);

function* pidginFiles(target: Target): Generator<CertificateFile> {
  for (const path of PURPLE_ROOTS) {
    const application = 'Pidgin';
    yield { path: systemDrive(target) + path, application, wanted: isCertificate, trust: ROOT };
  }
  for (const { path: home, user } of target.homes) {
    for (const directory of expandInHome(target, home, PURPLE)) {
      const path = `${directory}/certificates/x509`;
      const application = `Pidgin (${user})`;
      yield { path: `${path}/ca`, application, wanted: () => true, trust: ROOT };
      // Named after the server, without an extension.
      yield { path: `${path}/tls_peers`, application, wanted: () => true, trust: PINNED };
    }
  }
}

const pidgin = certificateFileStore({
  id: 'pidgin',
  title: 'Pidgin and Finch: roots, and certificates of servers accepted by hand',
  platforms: DESKTOPS,
  find: pidginFiles,
});

export const stores: readonly StoreType[] = [evolution, libreoffice, pidgin, netscape];
