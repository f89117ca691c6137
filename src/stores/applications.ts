/**
 * Bundles that come with installed programs: Electron programs, snaps and flatpaks, Git for Windows, MSYS2 and Cygwin,
 * Mono.
 */

import type { Target } from '../core/target.ts';
import { trustedForAll } from '../core/trust.ts';
import { certificateFileStore, UNIX, type CertificateFile } from './shared/certificate-files.ts';
import { expandDirectories, expandPaths } from './shared/directories.ts';
import { systemDrive } from './shared/drive.ts';
import { expandFilesInHome } from './shared/named-files.ts';

/** Directories that hold `app.asar`, and whatever certificates lie beside it. */
const ELECTRON = [
  '/opt/*/resources',
  '/opt/*/*/resources',
  '/usr/lib/*/resources',
  '/usr/lib64/*/resources',
  '/usr/share/*/resources',
  '/usr/local/lib/*/resources',
  '/snap/*/current/resources',
  '/Applications/*.app/Contents/Resources',
  '/Program Files/*/resources',
];
const USER_ELECTRON = [
  'AppData/Local/Programs/*/resources',
  'AppData/Local/*/app-*/resources',
  'Applications/*.app/Contents/Resources',
];
const CERTIFICATE = /\.(?:pem|crt|cer)$/;
const BESIDE = trustedForAll('beside the program, for it only');

function* electron(target: Target): Generator<CertificateFile> {
  const drive = systemDrive(target);
  const programs = [
    ...ELECTRON.flatMap((pattern) => expandPaths(target, `${drive}${pattern}/app.asar`)),
    ...target.homes.flatMap((home) =>
      expandFilesInHome(
        target,
        home,
        USER_ELECTRON.map((pattern) => `${pattern}/app.asar`),
      ),
    ),
  ];
  for (const asar of programs) {
    const directory = asar.slice(0, -'/app.asar'.length);
    const application = `Electron program (${directory})`;
    const places = [directory, `${directory}/app.asar.unpacked`, `${directory}/certs`, `${directory}/assets`];
    for (const path of places.flatMap((place) => expandPaths(target, `${place}/*`))) {
      if (CERTIFICATE.test(path)) yield { path, application, trust: BESIDE };
    }
  }
}

const BUNDLE = 'etc/ssl/certs/ca-certificates.crt';
const TLS_BUNDLE = 'etc/pki/tls/certs/ca-bundle.crt';

function* snapAndFlatpak(target: Target): Generator<CertificateFile> {
  for (const path of expandPaths(target, '/var/lib/snapd/ssl/store-certs/*.pem')) {
    const trust = trustedForAll('store-certs: for snapd and the snap store only');
    yield { path, application: 'snapd', trust };
  }
  const runtimes = [
    ...expandDirectories(target, '/snap/*/current'),
    ...expandDirectories(target, '/var/lib/flatpak/runtime/*/*/*/active/files'),
    ...target.homes.flatMap(({ path }) =>
      expandDirectories(target, `${path}/.local/share/flatpak/runtime/*/*/*/active/files`),
    ),
  ];
  for (const runtime of runtimes) {
    for (const bundle of [BUNDLE, TLS_BUNDLE]) {
      yield { path: `${runtime}/${bundle}`, application: `programs in ${runtime}` };
    }
  }
}

const GIT = ['/Program Files/Git', '/Program Files (x86)/Git'];
const GIT_BUNDLES = [
  'mingw64/etc/ssl/certs/ca-bundle.crt',
  'mingw64/ssl/certs/ca-bundle.crt',
  'mingw64/etc/ssl/certs/ca-bundle.trust.crt',
  'mingw32/ssl/certs/ca-bundle.crt',
  'mingw64/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  'usr/ssl/certs/ca-bundle.crt',
  'etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
];

function* gitForWindows(target: Target): Generator<CertificateFile> {
  const drive = systemDrive(target);
  const roots = [
    ...GIT.map((path) => drive + path),
    ...target.homes.map(({ path }) => `${path}/AppData/Local/Programs/Git`),
    ...target.homes.map(({ path }) => `${path}/scoop/apps/git/current`),
  ];
  for (const root of roots) {
    for (const bundle of GIT_BUNDLES) yield { path: `${root}/${bundle}`, application: 'Git for Windows' };
  }
}

const POSIX_ROOTS = ['/msys64', '/msys32', '/cygwin64', '/cygwin', '/tools/msys64', '/tools/cygwin'];
const POSIX_SYSTEMS = ['', '/mingw64', '/ucrt64', '/clang64', '/mingw32', '/clangarm64', '/usr'];
const POSIX_BUNDLES = [
  'etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  'etc/ssl/certs/ca-bundle.crt',
  'ssl/certs/ca-bundle.crt',
  'ssl/cert.pem',
];

function* msysAndCygwin(target: Target): Generator<CertificateFile> {
  const drive = systemDrive(target);
  for (const root of POSIX_ROOTS) {
    const application = root.includes('cygwin') ? 'Cygwin' : 'MSYS2';
    const path = `${drive}${root}/etc/pki/ca-trust/source/anchors`;
    const trust = trustedForAll('anchors');
    yield { path, application, wanted: (name) => CERTIFICATE.test(name), trust };
    for (const system of POSIX_SYSTEMS) {
      for (const bundle of POSIX_BUNDLES) yield { path: `${drive}${root}${system}/${bundle}`, application };
    }
  }
}

const MONO = ['/usr/share/.mono/certs/Trust', '/usr/local/share/.mono/certs/Trust'];
const USER_MONO = ['.config/.mono/certs/Trust', '.mono/certs/Trust', '.local/share/.mono/certs/Trust'];

function* mono(target: Target): Generator<CertificateFile> {
  const homes = target.homes.flatMap(({ path }) => USER_MONO.map((place) => `${path}/${place}`));
  for (const path of [...MONO, ...homes]) {
    yield {
      path,
      application: 'Mono',
      wanted: (name) => name.endsWith('.cer'),
      trust: trustedForAll('Trust'),
    };
    const hashed = path.replace(/Trust$/, 'new-certs/Trust');
    const isHash = (name: string): boolean => /^[0-9a-f]{8}\.\d+$/.test(name);
    yield { path: hashed, application: 'Mono (btls)', wanted: isHash, trust: trustedForAll('Trust') };
  }
}

const UPDATE = 'The next update of the program brings the bundle back as it was.';

export const stores = [
  certificateFileStore({
    id: 'electron-app',
    title: 'Electron programs with certificates beside them',
    find: electron,
    comesBack: UPDATE,
  }),
  certificateFileStore({
    id: 'snap-flatpak',
    title: 'Snaps, flatpak runtimes, and the roots of snapd',
    platforms: ['linux'],
    find: snapAndFlatpak,
    comesBack:
      'A snap or a runtime is read-only: only an update of it, or of what it is made from, changes this file.',
  }),
  certificateFileStore({
    id: 'git-for-windows',
    title: 'Git for Windows, unless it uses the roots of Windows',
    platforms: ['win32'],
    find: gitForWindows,
    comesBack: 'The next installer of Git brings the bundle back as it was.',
  }),
  certificateFileStore({
    id: 'msys2-cygwin',
    title: 'MSYS2 and Cygwin',
    platforms: ['win32'],
    find: msysAndCygwin,
    comesBack: 'update-ca-trust in that shell makes the bundle anew.',
  }),
  certificateFileStore({
    id: 'mono',
    title: 'Mono',
    platforms: UNIX,
    find: mono,
    comesBack: 'The next run of cert-sync brings back what is in the bundle of the system.',
  }),
];
