/**
 * .NET's own stores on Unix: `~/.dotnet/corefx/cryptography/x509stores/<store>/<SHA-1>.pfx`, PKCS#12 files without a
 * password (dotnet/runtime, DirectoryBasedStoreProvider). The directory says what a certificate is for. The roots of
 * the machine are OpenSSL's.
 */

import { posix } from 'node:path';
import { certificateFrom } from '../core/certificate.ts';
import { groupBy } from '../core/collections.ts';
import { manual } from '../core/remediation.ts';
import type { ReadOptions, StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { count } from '../core/text.ts';
import { distrustedForAll, heldOnly, trustedForAll, type Trust } from '../core/trust.ts';
import { parseKeystore } from '../formats/keystore.ts';
import {
  diagnosticsContent,
  EMPTY_CONTENT,
  exists,
  mergeContents,
  readFile,
  walkFiles,
} from './shared/content.ts';
import { removeFromPemFiles } from './shared/pem-removal.ts';

const STORES = '.dotnet/corefx/cryptography/x509stores';

const TRUST: ReadonlyMap<string, Trust> = new Map([
  ['root', trustedForAll('Root')],
  ['ca', heldOnly('CertificateAuthority: helps to build chains')],
  ['disallowed', distrustedForAll('Disallowed')],
]);
const OTHER = heldOnly('no store of roots');

function read(target: Target, location: StoreLocation, { storePasswords }: ReadOptions): StoreContent[] {
  const { files, problems } = walkFiles(target, location.path, (name) => name.endsWith('.pfx'), 1);
  const trust = TRUST.get(posix.basename(location.path)) ?? OTHER;
  return [
    { ...EMPTY_CONTENT, problems },
    ...files.map((path) => readPfx(target, path, trust, storePasswords)),
  ];
}

function readPfx(target: Target, path: string, trust: Trust, passwords: readonly string[]): StoreContent {
  const file = readFile(target, path);
  if ('failed' in file) return file.failed;
  const { entries, diagnostics, keys } = parseKeystore(file.bytes, { passwords });
  const anchors = entries.map(({ der }): TrustAnchor => ({
    certificate: certificateFrom(der),
    entry: posix.basename(path),
    path,
    trust,
    // A private key is not for us to delete.
    lines: { first: 1, last: 1, certificatesInFile: keys > 0 ? Number.MAX_SAFE_INTEGER : entries.length },
  }));
  const notes = keys > 0 ? [`${path}: also holds ${count(keys, 'private key')}`] : [];
  return mergeContents([{ anchors, problems: [], notes }, diagnosticsContent(path, diagnostics)]);
}

export const store: StoreType = {
  id: 'dotnet',
  title: ".NET's stores of people on Unix: root, ca, disallowed",
  platforms: ['linux', 'darwin', 'freebsd', 'openbsd', 'netbsd', 'sunos'],
  locate: (target) =>
    target.homes.flatMap(({ path: home, user }) =>
      Array.from(TRUST.keys(), (name) => ({ path: `${home}/${STORES}/${name}`, name }))
        .filter(({ path }) => exists(target, path, 'directory'))
        .map(({ path, name }): StoreLocation => ({
          path,
          application: `.NET (${name}, ${user})`,
          scope: 'user',
          format: 'PKCS#12',
          user,
        })),
    ),
  read,
  planRemoval(target, location, anchors) {
    const shared = [...groupBy(anchors, ({ path }) => path)].filter(([, held]) =>
      held.some(({ lines }) => (lines?.certificatesInFile ?? 1) > held.length),
    );
    if (shared.length === 0) return removeFromPemFiles(target, location, anchors);
    const files = shared.map(([path]) => path).join(', ');
    return manual(
      `${files} holds other certificates or keys too, which .NET does not write: move it away by hand if they may go.`,
      false,
    );
  },
};
