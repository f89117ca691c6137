/**
 * PHP: openssl.cafile, openssl.capath and curl.cainfo of php.ini (https://www.php.net/manual/en/openssl.configuration.php),
 * Composer's settings, and the bundles that programs bring: Composer, WordPress, Guzzle, Nextcloud.
 */

import type { Target } from '../core/target.ts';
import { certificateFileStore, type CertificateFile } from './shared/certificate-files.ts';
import { expandDirectories, expandInHome } from './shared/directories.ts';
import { systemDrive } from './shared/drive.ts';
import { filesOfSettings, type SettingsRule } from './shared/named-files.ts';

/** Where web programs are installed. */
const PROGRAMS = [
  '/var/www',
  '/var/www/*',
  '/var/www/*/public',
  '/var/www/*/htdocs',
  '/srv/www/*',
  '/srv/*',
  '/usr/share/wordpress',
  '/usr/share/nextcloud',
  '/usr/share/nginx/html',
  '/usr/local/www/*',
  '/usr/src/wordpress',
  '/app',
  '/opt/lampp/htdocs/*',
  '/xampp/htdocs/*',
];
const USER_PROGRAMS = ['public_html', 'www', '*', '.composer', '.config/composer'];

const BUNDLES = [
  'vendor/composer/ca-bundle/res/cacert.pem',
  'vendor/guzzlehttp/guzzle/src/cacert.pem',
  'vendor/guzzle/guzzle/src/Guzzle/Http/Resources/cacert.pem',
  'vendor/rmccue/requests/certificates/cacert.pem',
  'vendor/rmccue/requests/library/Requests/Transport/cacert.pem',
  'vendor/stripe/stripe-php/data/ca-certificates.crt',
  'wp-includes/certificates/ca-bundle.crt',
  'resources/config/ca-bundle.crt',
  'data/files_external/rootcerts.crt',
  'lib/cacert.pem',
];

const ALONE = [
  '/usr/share/php/Composer/CaBundle/res/cacert.pem',
  '/usr/share/php/Composer/res/cacert.pem',
  '/opt/lampp/share/curl/curl-ca-bundle.crt',
  '/xampp/apache/bin/curl-ca-bundle.crt',
  '/xampp/php/extras/ssl/cacert.pem',
];

const SETTINGS: readonly SettingsRule[] = [
  {
    program: 'PHP',
    keys: ['openssl.cafile', 'openssl.capath', 'curl.cainfo'],
    system: [
      '/etc/php.ini',
      '/etc/php.d/*.ini',
      '/etc/php/*/*/php.ini',
      '/etc/php/*/*/conf.d/*.ini',
      '/etc/php*/php.ini',
      '/etc/php*/conf.d/*.ini',
      '/etc/php/php.ini',
      '/etc/php/conf.d/*.ini',
      '/usr/local/etc/php.ini',
      '/usr/local/etc/php/php.ini',
      '/usr/local/etc/php/conf.d/*.ini',
      '/usr/local/etc/php/*/php.ini',
      '/opt/homebrew/etc/php/*/php.ini',
      '/opt/lampp/etc/php.ini',
      '/xampp/php/php.ini',
      '/php/php.ini',
    ],
    replaces: 'the roots of the system',
  },
  {
    program: 'Composer',
    keys: ['cafile', 'capath'],
    user: ['.config/composer/config.json', '.composer/config.json', 'AppData/Roaming/Composer/config.json'],
    replaces: 'the roots of the system',
  },
];

function* find(target: Target): Generator<CertificateFile> {
  const drive = systemDrive(target);
  const programs = [
    ...PROGRAMS.flatMap((pattern) => expandDirectories(target, drive + pattern)),
    ...target.homes.flatMap(({ path }) => expandInHome(target, path, USER_PROGRAMS)),
  ];
  for (const program of new Set(programs)) {
    // Most directories are no web programs: one look at their names tells.
    const names = new Set(namesIn(target, program));
    for (const bundle of BUNDLES) {
      if (!names.has(bundle.slice(0, bundle.indexOf('/')))) continue;
      yield { path: `${program}/${bundle}`, application: `PHP (${program})` };
    }
  }
  for (const path of ALONE) yield { path: drive + path, application: 'PHP' };
  yield* filesOfSettings(target, SETTINGS);
}

function namesIn(target: Target, directory: string): string[] {
  return expandDirectories(target, `${directory}/*`).map((path) => path.slice(directory.length + 1));
}

export const store = certificateFileStore({
  id: 'php',
  title: 'PHP: settings of php.ini and Composer, bundles of Composer, WordPress, Guzzle, Nextcloud',
  find,
  comesBack: 'The next update of the program brings the bundle back as it was.',
});
