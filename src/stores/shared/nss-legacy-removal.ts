/** Taking one certificate out of a cert8.db with a certutil whose NSS still has the old format (`dbm:`). */

import { posix } from 'node:path';
import { equalBytes } from '../../core/bytes.ts';
import { certificateFrom, hasSameSubject, type Certificate } from '../../core/certificate.ts';
import type { Remediation } from '../../core/remediation.ts';
import { canQuoteSh, quoteSh } from '../../core/shell.ts';
import type { StoreLocation } from '../../core/store.ts';
import { FsError, type Target } from '../../core/target.ts';
import { trustStatus } from '../../core/trust.ts';
import type { Cert8Entry } from '../../formats/nss-cert8.ts';
import { copyCommands } from './backup.ts';
import { exists } from './content.ts';
import { manualRemediation } from './cut-bytes.ts';
import { parseLegacy } from './nss-legacy.ts';
import { sha256Command, stillHolds } from './unchanged.ts';

/** certutil opens all three, and writes where it thinks it has to. */
const FILES = ['cert8.db', 'key3.db', 'secmod.db'];
const MAX_BYTES = 64 << 20;

const LEGACY_NOTE =
  'certutil is that of NSS, and must still know the old format (dbm:); where it does not, the commands stop before ' +
  'anything has changed.';

/** `path` is the database; `advice` as for the current format. */
export function planLegacyRemoval(
  target: Target,
  location: StoreLocation,
  path: string,
  certificate: Certificate,
  advice: string,
): Remediation {
  const elevated = location.scope !== 'user';
  const bytes = readOrUndefined(target, path);
  const entries = bytes ? parseLegacy(target, path, bytes).entries : [];
  const held = entries.filter(({ der }) => equalBytes(der, certificate.der));
  if (!bytes || held.length === 0) {
    return manualRemediation(location, 'The database cannot be read, or no longer holds the certificate.');
  }
  if (held.every(({ trust }) => trustStatus(trust) !== 'trusted')) {
    return manualRemediation(
      location,
      'Leave it: it is not trusted here, and this record may be what keeps it from being trusted.',
    );
  }
  const directory = posix.dirname(path);
  const name = posix.basename(path) === 'cert8.db' ? nameOf(entries, held, certificate) : undefined;
  if (name === undefined || target.platform === 'win32' || !canQuoteSh(target.hostPath(directory))) {
    return manualRemediation(
      location,
      `Delete it in the certificate manager of the program that uses ${path}: no command takes exactly this certificate. ` +
        'If no program uses the file any more, move it away.',
    );
  }
  const database = quoteSh(`dbm:${target.hostPath(directory)}`);
  const list = `certutil -L -d ${database} -n ${quoteSh(name)} -r | ${sha256Command(target)}`;
  const { commands, undo } = copies(target, location, directory);
  return {
    disposition: 'safe',
    shell: 'sh',
    commands: [
      stillHolds(target, path),
      ...commands,
      `test "$(${list})" = '${certificate.sha256}  -'`,
      `certutil -D -d ${database} -n ${quoteSh(name)}`,
    ],
    undo,
    elevated,
    note: `${advice} ${LEGACY_NOTE}`,
  };
}

function readOrUndefined(target: Target, path: string): Uint8Array | undefined {
  try {
    return target.fs.read(path, MAX_BYTES);
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}

/** The nickname, where it leads certutil to this certificate only. A nickname belongs to all of one subject. */
function nameOf(
  entries: readonly Cert8Entry[],
  held: readonly Cert8Entry[],
  certificate: Certificate,
): string | undefined {
  const [entry, second] = held;
  if (!entry || second || entry.file !== undefined || !entry.nicknameExact) return undefined;
  if (!/^[^-:\p{C}\p{Z}][^:\p{C}\p{Zl}\p{Zp}]*$/u.test(entry.nickname)) return undefined;
  const others = entries.filter((other) => other !== entry);
  const taken = others.some(
    (other) => other.nickname === entry.nickname || hasSameSubject(certificateFrom(other.der), certificate),
  );
  return taken ? undefined : entry.nickname;
}

function copies(
  target: Target,
  location: StoreLocation,
  directory: string,
): { readonly commands: readonly string[]; readonly undo: readonly string[] } {
  const files = FILES.map((name) => `${directory}/${name}`).filter((path) => exists(target, path, 'file'));
  return copyCommands(target, location, files);
}
