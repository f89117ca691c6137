/** The recipes for stores of macOS and iOS, in files written by hand after their formats. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  ALWAYS,
  binaryPlist,
  certsTable,
  keychain,
  makeTrustStore,
  payload,
  plist,
  profile,
  trustSettings,
} from '../support/apple.ts';
import type { Certificates, Recipe } from './recipe.ts';

type Content = string | Uint8Array;

/** What makes a root that of a Mac. */
const MAC = '/System/Library/CoreServices/SystemVersion.plist';
const VAULT = '/private/var/protected/trustd/private';
const BUNDLE = '/System/Library/Security/Certificates.bundle/Contents/Resources';

function apple(
  store: string,
  how: string,
  files: (certificates: Certificates) => Readonly<Record<string, Content>>,
  more: Pick<Recipe, 'needs' | 'stores'> = {},
): Recipe {
  return {
    store,
    how,
    ...more,
    plant: (root, certificates) => {
      for (const [path, content] of Object.entries({ ...files(certificates), [MAC]: plist({}) })) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), content);
      }
      return certificates.map(({ sha256 }) => sha256);
    },
  };
}

const trusted = (certificates: Certificates): string =>
  trustSettings(certificates.map(({ der }) => [der, ALWAYS]));

const USERS = Array.from({ length: 10 }, (_, i) => ({
  name: `user${i}`,
  uuid: `AAAAAAAA-0000-4000-8000-00000000000${i}`,
}));

export const APPLE_RECIPES: readonly Recipe[] = [
  apple('macos-system-roots', 'keychain', (certificates) => ({
    '/System/Library/Keychains/SystemRootCertificates.keychain': keychain(certificates),
  })),
  apple('macos-system-roots', 'certsTable.data', (certificates) => ({
    [`${BUNDLE}/certsTable.data`]: certsTable(certificates.map(({ der }) => der)),
  })),
  apple('macos-system-roots', 'Anchors.plist', (certificates) => ({
    [`${BUNDLE}/Anchors.plist`]: plist({
      all: certificates.map(({ sha256 }) => ({ sha2: sha256, type: 'system' })),
    }),
    ...Object.fromEntries(
      certificates.map(({ sha256, der }) => [`${BUNDLE}/Anchors/${sha256.toUpperCase()}.cer`, der]),
    ),
  })),
  apple('macos-admin', 'keychain and settings', (certificates) => ({
    '/Library/Keychains/System.keychain': keychain(certificates),
    [`${VAULT}/Admin.plist`]: trusted(certificates),
  })),
  apple(
    'macos-user',
    'ten users with settings',
    (certificates) => {
      const file = keychain(certificates);
      const settings = binaryPlist(trusted(certificates));
      return Object.fromEntries(
        USERS.flatMap(({ name, uuid }) => [
          [`/Users/${name}/Library/Keychains/login.keychain-db`, file],
          [`/private/var/db/dslocal/nodes/Default/users/${name}.plist`, plist({ generateduid: [uuid] })],
          [`${VAULT}/${uuid}/TrustSettings.plist`, settings],
        ]),
      );
    },
    { stores: USERS.length, needs: ['python3'] },
  ),
  apple('apple-profiles', 'one profile', (certificates) => ({
    '/private/var/db/ConfigurationProfiles/Store/all.plist': profile(
      certificates.map(({ der }) => payload('root', der)),
    ),
  })),
  apple(
    'ios-truststore',
    'TrustStore.sqlite3',
    (certificates) => ({
      [`${VAULT}/TrustStore.sqlite3`]: makeTrustStore(certificates.map(({ der }) => [der, plist([])])),
    }),
    { needs: ['python3'] },
  ),
  apple('macports', 'one bundle', (certificates) => ({
    '/opt/local/share/curl/curl-ca-bundle.crt': certificates.map(({ pem }) => pem).join(''),
  })),
];
