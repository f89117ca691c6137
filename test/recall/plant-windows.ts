/** The recipes for Windows: hives, with ten users where each has one, and programs that bring their own roots. */

import { certificateBlob, makeHive, sha1, tree, trustList } from '../support/windows.ts';
import type { HiveKey } from '../support/windows.ts';
import { bundle, files, filesOf, USERS, type Certificates, type Recipe } from './recipe.ts';

const SYSTEM32 = '/Windows/System32';
const WINDOWS = { [`${SYSTEM32}/`]: '' };
const SOFTWARE = `${SYSTEM32}/config/SOFTWARE`;
const STORES = 'Microsoft\\SystemCertificates';
const ROOT_SHA256 = 98;

/** Every certificate in each of `stores`, which are keys of one hive. */
function hive(certificates: Certificates, ...stores: readonly string[]): Buffer {
  const entries = certificates.map(({ der }) => [sha1(der), { Blob: certificateBlob(der) }] as const);
  const keys = stores.flatMap((store) =>
    entries.map(([name, values]): [string, HiveKey['values']] => [`${store}\\Certificates\\${name}`, values]),
  );
  return makeHive(tree(Object.fromEntries(keys)));
}

const machine = (store: string, how: string, ...keys: readonly string[]): Recipe => ({
  store,
  how,
  plant: filesOf((certificates) => ({ ...WINDOWS, [SOFTWARE]: hive(certificates, ...keys) })),
});

export const WINDOWS_RECIPES: readonly Recipe[] = [
  machine('windows-machine', 'Root', `${STORES}\\ROOT`),
  machine('windows-machine', 'AuthRoot and CA', `${STORES}\\AuthRoot`, `${STORES}\\CA`),
  {
    store: 'windows-machine',
    how: 'old hive, with lists in lists',
    plant: filesOf((certificates) => {
      const keys = certificates.map(({ der }): [string, HiveKey['values']] => [
        `${STORES}\\ROOT\\Certificates\\${sha1(der)}`,
        { Blob: certificateBlob(der) },
      ]);
      return { ...WINDOWS, [SOFTWARE]: makeHive(tree(Object.fromEntries(keys)), { minor: 3, list: 'ri' }) };
    }),
  },
  {
    store: 'windows-on-demand',
    how: 'trust list',
    plant: filesOf((certificates) => {
      const list = trustList(
        certificates.map(({ der, sha256 }) => [sha1(der), { [ROOT_SHA256]: Buffer.from(sha256, 'hex') }]),
      );
      return {
        ...WINDOWS,
        [SOFTWARE]: makeHive(tree({ [`${STORES}\\AuthRoot\\AutoUpdate`]: { EncodedCtl: list } })),
      };
    }),
  },
  machine('windows-policy', 'of the machine', `Policies\\${STORES}\\ROOT`),
  machine('windows-enterprise', 'Root', 'Microsoft\\EnterpriseCertificates\\Root'),
  machine(
    'windows-service',
    'one service',
    'Microsoft\\Cryptography\\Services\\NTDS\\SystemCertificates\\ROOT',
  ),
  {
    store: 'windows-user',
    how: 'ten users',
    stores: USERS.length,
    plant: filesOf((certificates) => {
      const file = hive(certificates, `Software\\${STORES}\\ROOT`);
      const hives = USERS.map((user): [string, Buffer] => [`/Users/${user}/NTUSER.DAT`, file]);
      return { ...WINDOWS, ...Object.fromEntries(hives) };
    }),
  },
  {
    store: 'git-for-windows',
    how: 'one bundle',
    plant: bundle('/Program Files/Git/mingw64/etc/ssl/certs/ca-bundle.crt', WINDOWS),
  },
  {
    store: 'msys2-cygwin',
    how: 'a file each',
    plant: files('/msys64/etc/pki/ca-trust/source/anchors', 'pem', () => [`${SYSTEM32}/`, '']),
  },
];
