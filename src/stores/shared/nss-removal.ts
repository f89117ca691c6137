/**
 * Taking one certificate out of an NSS database with NSS's own certutil, which also takes away its trust record and
 * the signatures over that.
 */

import { posix } from 'node:path';
import { asBuffer, equalBytes } from '../../core/bytes.ts';
import { certificateFrom, hasSameSubject, type Certificate } from '../../core/certificate.ts';
import type { Remediation } from '../../core/remediation.ts';
import { canQuoteSh, quoteSh } from '../../core/shell.ts';
import type { StoreLocation, TrustAnchor } from '../../core/store.ts';
import { FsError, type ReadFs, type Target } from '../../core/target.ts';
import { trustStatus } from '../../core/trust.ts';
import { parseCert9, type Cert9Entry } from '../../formats/nss-cert9.ts';
import { copyCommands } from './backup.ts';
import { exists, realPathOr } from './content.ts';
import { manualRemediation } from './cut-bytes.ts';
import { DATABASE_FILES, readDatabases } from './nss.ts';
import { planLegacyRemoval } from './nss-legacy-removal.ts';
import { sha256Command, stillHolds } from './unchanged.ts';

const TOKEN = 'pkcs11:token=NSS%20Certificate%20DB';

/** How certutil finds one certificate and no other, and the commands that prove it before anything is deleted. */
interface Selector {
  readonly name: string;
  readonly checks: readonly string[];
}

/** `advice` is what a person has to know beforehand: "Close Firefox first." */
export function planNssRemoval(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  advice: string,
): Remediation {
  const directory = realPathOr(target, location.path);
  const hostDirectory = target.hostPath(directory);
  const [certificate] = anchors.map((anchor) => anchor.certificate);
  const manual = (note: string): Remediation => manualRemediation(location, note);
  if (!certificate) return manual('Nothing to remove.');
  const legacy = anchors.find(({ path }) => /cert[78]\.db$/.test(path));
  if (legacy && !anchors.some(({ path }) => path.endsWith('cert9.db'))) {
    return planLegacyRemoval(target, location, legacy.path, certificate, advice);
  }
  if (target.platform === 'win32' || !canQuoteSh(hostDirectory)) {
    return manual('Delete or distrust it in the certificate manager of the application.');
  }
  const entries = readEntries(target, directory);
  const held = entries.filter(({ der }) => equalBytes(der, certificate.der));
  if (held.length === 0) return manual('The database cannot be read, or no longer holds the certificate.');
  if (held.every(({ trust }) => trustStatus(trust) !== 'trusted')) {
    return manual(
      'Leave it: it is not trusted here, and without this record a built-in root may be trusted again.',
    );
  }
  const selector = selectorOf(target, hostDirectory, entries, held, certificate);
  if (!selector) {
    return manual(
      'certutil cannot tell this certificate from others here that share its nickname and key. ' +
        'Delete it in the certificate manager of the application, where its details show.',
    );
  }
  const modules = foreignModules(target, location, directory);
  const notes = [advice, otherUserNote(target, location), modules].filter((note) => note !== undefined);
  const { commands, undo } = copies(target, location, directory);
  return {
    disposition: modules === undefined ? 'safe' : 'unsafe',
    shell: 'sh',
    commands: [
      ...commands,
      ...selector.checks,
      `certutil -D -d ${databaseWord(hostDirectory)} -n ${quoteSh(selector.name)}`,
    ],
    undo,
    elevated: location.scope !== 'user',
    note: [...notes, 'certutil is that of NSS (package libnss3-tools, nss-tools or nss).'].join(' '),
  };
}

function databaseWord(hostDirectory: string): string {
  return quoteSh(`sql:${hostDirectory}`);
}

/** A database with many listed certificates is parsed once, not once for each of them. */
const MAX_KEPT_DATABASES = 32;
const keptEntries = new WeakMap<ReadFs, Map<string, readonly Cert9Entry[]>>();

function readEntries(target: Target, directory: string): readonly Cert9Entry[] {
  const kept = keptEntries.get(target.fs) ?? new Map<string, readonly Cert9Entry[]>();
  keptEntries.set(target.fs, kept);
  const entries = kept.get(directory) ?? parseEntries(target, directory);
  // A certificate that is in many databases is planned for one after the other.
  if (kept.size >= MAX_KEPT_DATABASES) kept.clear();
  kept.set(directory, entries);
  return entries;
}

function parseEntries(target: Target, directory: string): readonly Cert9Entry[] {
  try {
    const files = readDatabases(target, directory);
    return files ? parseCert9(files).entries : [];
  } catch (error) {
    if (error instanceof FsError) return [];
    throw error;
  }
}

/**
 * By nickname where that is exact: certutil reads a colon as the end of a token's name, and of several certificates
 * with one nickname it deletes the one it thinks best. Else by CKA_ID, which NSS derives from the key.
 */
function selectorOf(
  target: Target,
  hostDirectory: string,
  entries: readonly Cert9Entry[],
  held: readonly Cert9Entry[],
  certificate: Certificate,
): Selector | undefined {
  const others = entries.filter(({ der }) => !equalBytes(der, certificate.der));
  const [entry] = held;
  // NSS takes rows with the same issuer and serial number for one certificate.
  if (!entry || others.some(({ identity }) => held.some((one) => one.identity === identity)))
    return undefined;
  const list = `certutil -L -d ${databaseWord(hostDirectory)}`;
  const exact = (name: string): string[] => {
    // -r prints every certificate of the same subject: it proves the name only where there is one.
    if (others.some((other) => hasSameSubject(certificateFrom(other.der), certificate))) return [];
    const sum = `${list} -n ${quoteSh(name)} -r | ${sha256Command(target)}`;
    return [`test "$(${sum})" = '${certificate.sha256}  -'`];
  };
  const { nickname, keyId } = entry;
  if (isPlainNickname(entry) && others.every((other) => other.nickname !== nickname)) {
    return { name: nickname, checks: exact(nickname) };
  }
  if (keyId.length === 0 || others.some((other) => equalBytes(other.keyId, keyId))) return undefined;
  const name = uriOf(keyId);
  // Old versions of NSS do not look at the id: there this name would find a certificate.
  const heedsId = `! ${list} -n ${quoteSh(uriOf(Buffer.from('00', 'hex')))} > /dev/null 2>&1`;
  return { name, checks: [heedsId, ...exact(name)] };
}

function uriOf(keyId: Uint8Array): string {
  const id = asBuffer(keyId).toString('hex').replaceAll(/../g, '%$&');
  return `${TOKEN};id=${id};type=cert`;
}

function isPlainNickname({ nickname, nicknameExact }: Cert9Entry): boolean {
  return nicknameExact && /^[^-:\p{C}\p{Z}][^:\p{C}\p{Zl}\p{Zp}]*$/u.test(nickname);
}

/** Byte for byte copies of both databases, with what SQLite keeps beside them. */
function copies(
  target: Target,
  location: StoreLocation,
  directory: string,
): { readonly commands: readonly string[]; readonly undo: readonly string[] } {
  const files = DATABASE_FILES.map((name) => `${directory}/${name}`).filter((path) =>
    exists(target, path, 'file'),
  );
  const { commands, undo } = copyCommands(target, location, files);
  return { commands: files.length === 0 ? [] : [unchanged(target, directory), ...commands], undo };
}

/** The database has to be the one that was scanned, else the choice of the name may be wrong by now. */
function unchanged(target: Target, directory: string): string {
  const path = `${directory}/cert9.db`;
  return stillHolds(target, path);
}

function otherUserNote(target: Target, { scope, user }: StoreLocation): string | undefined {
  const [own] = target.homes;
  const foreign = target.kind === 'live' && scope === 'user' && own !== undefined && own.user !== user;
  return foreign ? `Run it as the user ${user ?? ''}, who owns the database.` : undefined;
}

/** certutil loads the libraries that pkcs11.txt names: those of another user or another system are not to be run. */
function foreignModules(target: Target, location: StoreLocation, directory: string): string | undefined {
  const ours = target.kind === 'live' && otherUserNote(target, location) === undefined;
  const list = posix.join(directory, 'pkcs11.txt');
  if (ours || !exists(target, list)) return undefined;
  let text = '';
  try {
    text = asBuffer(target.fs.read(list, 1 << 20) ?? new Uint8Array()).toString('latin1');
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    return `${list} cannot be read: see that it names no library before certutil loads it.`;
  }
  if (!/^library=[^\S\n]*\S/m.test(text)) return undefined;
  return `certutil loads the libraries named in ${list}: check them first.`;
}
