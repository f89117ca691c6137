/** Stores of macOS and iOS, and of programs on a Mac. */

import { ALWAYS, certsTable, keychain, payload, plist, profile, trustSettings } from './apple.ts';
import { byContent, MAC, pem, type Plant } from './plant.ts';
import { sqliteFile } from './sqlite-file.ts';

const VAULT = '/private/var/protected/trustd/private';
const CERTIFICATES = '/System/Library/Security/Certificates.bundle/Contents/Resources';
const USER = 'AAAAAAAA-0000-4000-8000-000000000001';

export const APPLE_PLANTS: readonly Plant[] = [
  {
    store: 'macos-admin',
    form: 'keychain and trust settings',
    files: ({ der }) => ({
      ...MAC,
      '/Library/Keychains/System.keychain': keychain([{ der, label: 'Selftest Root' }]),
      [`${VAULT}/Admin.plist`]: trustSettings([[der, ALWAYS]]),
    }),
  },
  {
    store: 'macos-user',
    form: 'keychain and trust settings',
    files: ({ der }) => ({
      ...MAC,
      '/Users/u/Library/Keychains/login.keychain-db': keychain([{ der, label: 'Selftest Root' }]),
      '/private/var/db/dslocal/nodes/Default/users/u.plist': plist({ generateduid: [USER] }),
      [`${VAULT}/${USER}/TrustSettings.plist`]: trustSettings([[der, ALWAYS]]),
    }),
  },
  {
    store: 'macos-system-roots',
    form: 'keychain',
    files: byContent(
      '/System/Library/Keychains/SystemRootCertificates.keychain',
      ({ der }) => keychain([{ der }]),
      MAC,
    ),
  },
  {
    store: 'macos-system-roots',
    form: 'certsTable.data',
    files: byContent(`${CERTIFICATES}/certsTable.data`, ({ der }) => certsTable([der]), MAC),
  },
  {
    store: 'apple-profiles',
    form: '.mobileconfig',
    files: byContent(
      '/private/var/db/ConfigurationProfiles/Store/a.mobileconfig',
      ({ der }) => profile([payload('root', der)]),
      MAC,
    ),
  },
  {
    store: 'ios-truststore',
    form: 'TrustStore.sqlite3',
    files: byContent(
      `${VAULT}/TrustStore.sqlite3`,
      ({ der, sha256 }) => sqliteFile('tsettings', TRUST_COLUMNS, [trustRow(der, sha256)]),
      MAC,
    ),
  },
  { store: 'homebrew', form: 'PEM bundle', files: pem('/opt/homebrew/etc/ca-certificates/cert.pem', MAC) },
  { store: 'macports', form: 'PEM bundle', files: pem('/opt/local/share/curl/curl-ca-bundle.crt', MAC) },
  {
    store: 'python-macos',
    form: 'PEM bundle',
    files: pem('/Library/Frameworks/Python.framework/Versions/3.12/etc/openssl/cert.pem', MAC),
  },
];

const TRUST_COLUMNS = ['sha256 BLOB', 'subj BLOB', 'tset BLOB', 'data BLOB', 'uuid BLOB'];

function trustRow(der: Uint8Array, sha256: string): Readonly<Record<string, Uint8Array>> {
  return { sha256: Buffer.from(sha256, 'hex'), tset: Buffer.from(plist(ALWAYS)), data: der };
}
