/** Stores of Windows, and of programs on it. */

import { byContent, pem, WINDOWS, type Plant } from './plant.ts';
import { hive } from './registry.ts';
import { sha1, trustList } from './windows-forms.ts';
import { makeHive, tree } from './windows-hive.ts';

const ROOT_STORE = 'Microsoft\\SystemCertificates\\ROOT';
const SOFTWARE = '/Windows/System32/config/SOFTWARE';
const ROOT_SHA256 = 98;

export const WINDOWS_PLANTS: readonly Plant[] = [
  {
    store: 'windows-machine',
    form: 'registry hive',
    files: byContent(SOFTWARE, ({ der }) => hive(ROOT_STORE, der), WINDOWS),
  },
  {
    store: 'windows-on-demand',
    form: 'trust list (.stl) in a hive',
    files: byContent(SOFTWARE, ({ der, sha256 }) => autoUpdate(der, sha256), WINDOWS),
  },
  {
    store: 'windows-policy',
    form: 'registry hive',
    files: byContent(SOFTWARE, ({ der }) => hive(`Policies\\${ROOT_STORE}`, der), WINDOWS),
  },
  {
    store: 'windows-enterprise',
    form: 'registry hive',
    files: byContent(SOFTWARE, ({ der }) => hive(ROOT_STORE.replace('System', 'Enterprise'), der), WINDOWS),
  },
  {
    store: 'windows-service',
    form: 'registry hive',
    files: byContent(
      SOFTWARE,
      ({ der }) => hive('Microsoft\\Cryptography\\Services\\NTDS\\SystemCertificates\\ROOT', der),
      WINDOWS,
    ),
  },
  {
    store: 'windows-user',
    form: 'registry hive',
    files: byContent('/Users/u/NTUSER.DAT', ({ der }) => hive(`Software\\${ROOT_STORE}`, der), WINDOWS),
  },
  {
    store: 'git-for-windows',
    form: 'PEM bundle',
    files: pem('/Program Files/Git/mingw64/etc/ssl/certs/ca-bundle.crt', WINDOWS),
  },
  {
    store: 'msys2-cygwin',
    form: 'PEM',
    files: pem('/msys64/etc/pki/ca-trust/source/anchors/a.pem', WINDOWS),
  },
  {
    store: 'wsl',
    form: 'disk, not read',
    files: () => ({
      ...WINDOWS,
      '/Users/u/AppData/Local/Packages/Debian_1/LocalState/ext4.vhdx': 'vhdxfile',
    }),
    says: 'run rootaudit inside it',
  },
];

/** Microsoft's list names its roots by hashes. */
function autoUpdate(der: Uint8Array, sha256: string): Buffer {
  const list = trustList([[sha1(der), { [ROOT_SHA256]: Buffer.from(sha256, 'hex') }]]);
  const key = 'Microsoft\\SystemCertificates\\AuthRoot\\AutoUpdate';
  return makeHive(tree({ [key]: { EncodedCtl: list } }));
}
