/** Files of Apple's systems for tests: written the way `rootaudit selftest` does, or by python3. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { python } from './nss.ts';
import { makeTemporaryDirectory } from './tree.ts';

export {
  type Plain,
  plist,
  keychain,
  sha1,
  SSL,
  SMIME,
  EAP,
  ALWAYS,
  NEVER,
  UNSPECIFIED,
  trustSettings,
  certsTable,
  profile,
  payload,
} from '../../src/selftest/apple.ts';

/** The binary form of an XML property list, made by python3's plistlib. */
export function binaryPlist(xml: string): Buffer {
  const script =
    'import plistlib,sys; sys.stdout.buffer.write(plistlib.dumps(plistlib.loads(sys.stdin.buffer.read()), fmt=plistlib.FMT_BINARY))';
  return execFileSync('python3', ['-c', script], { input: xml, maxBuffer: 64 << 20 });
}

/** TrustStore.sqlite3 with trustd's table, made by python3's sqlite3: certificate and settings, or NULL. */
export function makeTrustStore(
  rows: readonly (readonly [Uint8Array | undefined, string | undefined])[],
): Buffer {
  const directory = makeTemporaryDirectory();
  const hex = (bytes: Uint8Array | undefined): string =>
    bytes ? `bytes.fromhex('${Buffer.from(bytes).toString('hex')}')` : 'None';
  const inserts = rows.map(([der, settings], index) => {
    const tset = hex(settings === undefined ? undefined : Buffer.from(settings));
    return `c.execute('insert into tsettings values(?,?,?,?,?)', (b'${index}', b'', ${tset}, ${hex(der)}, b''))`;
  });
  python(
    directory,
    [
      "c = sqlite3.connect('TrustStore.sqlite3')",
      'c.execute(\'CREATE TABLE tsettings(sha256 BLOB NOT NULL DEFAULT "", subj BLOB NOT NULL DEFAULT "", tset BLOB, data BLOB, uuid BLOB NOT NULL DEFAULT "", UNIQUE(sha256,uuid))\')',
      ...inserts,
      'c.commit()',
    ].join('\n'),
  );
  return readFileSync(join(directory, 'TrustStore.sqlite3'));
}
