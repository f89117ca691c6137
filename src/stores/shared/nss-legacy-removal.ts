/** Taking certificates out of a cert8.db with a certutil whose NSS still has the old format (`dbm:`). */

import { posix } from 'node:path';
import { equalBytes } from '../../core/bytes.ts';
import { certificateFrom, hasSameSubject, type Certificate } from '../../core/certificate.ts';
import { canQuoteSh, quoteSh } from '../../core/shell.ts';
import type { StoreLocation, TrustAnchor } from '../../core/store.ts';
import { FsError, type Target } from '../../core/target.ts';
import { trustStatus } from '../../core/trust.ts';
import type { Cert8Entry } from '../../formats/nss-cert8.ts';
import { copyCommands } from './backup.ts';
import { exists, realPathOr } from './content.ts';
import { parseLegacy } from './nss-legacy.ts';
import { checkArguments, checkCommands, isPlainNickname, type NssStep } from './nss-selector.ts';
import { certificatesOf, editAction, placeholderFor, type Step } from './steps.ts';
import { stillHolds } from './unchanged.ts';

/** certutil opens all three, and writes where it thinks it has to. */
const FILES = ['cert8.db', 'key3.db', 'secmod.db'];
const MAX_BYTES = 64 << 20;

const LEGACY_NOTE =
  'certutil is that of NSS, and must still know the old format (dbm:); where it does not, the commands stop before ' +
  'anything has changed.';

/** The anchors of one directory. */
export function legacyStep(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  refuse: boolean,
): NssStep {
  const path = anchors[0]?.path ?? '';
  const bytes = readOrUndefined(target, path);
  const entries = bytes ? parseLegacy(target, path, bytes).entries : [];
  const names: string[] = [];
  const certificates = certificatesOf(anchors);
  for (const certificate of certificates) {
    const held = entries.filter(({ der }) => equalBytes(der, certificate.der));
    if (held.length === 0)
      return { obstacle: 'The database cannot be read, or no longer holds the certificate.' };
    if (held.every(({ trust }) => trustStatus(trust) !== 'trusted')) {
      return {
        obstacle:
          'Leave it: it is not trusted here, and this record may be what keeps it from being trusted.',
      };
    }
    const name = posix.basename(path) === 'cert8.db' ? nameOf(entries, held, certificate) : undefined;
    if (name !== undefined) names.push(name);
  }
  if (names.length < certificates.length || target.platform === 'win32') return { obstacle: byHand(path) };
  const checks = certificates.map(({ sha256 }, index) => ({ name: names[index] ?? '', sha256 }));
  return { step: certutilStep(target, location, path, checks, refuse), note: LEGACY_NOTE };
}

function byHand(path: string): string {
  return (
    `Delete it in the certificate manager of the program that uses ${path}: no command takes exactly this certificate. ` +
    'If no program uses the file any more, move it away.'
  );
}

function certutilStep(
  target: Target,
  location: StoreLocation,
  path: string,
  checks: readonly { readonly name: string; readonly sha256: string }[],
  refuse: boolean,
): Step {
  const directory = realPathOr(target, posix.dirname(path));
  const files = FILES.map((name) => `${directory}/${name}`).filter((file) => exists(target, file, 'file'));
  const names = checks.map(({ name }) => name);
  const placeholder = placeholderFor(names);
  const copy = `dbm:${placeholder.placeholder ?? '{}'}`;
  const [verb, trust] = refuse ? ['-M', ['-t', 'p,p,p']] : ['-D', []];
  const runs = [
    ...checkArguments(target, copy, checks),
    ...names.map((name) => ['certutil', verb, '-d', copy, '-n', name, ...trust]),
  ];
  const actions = [editAction(target, { path: directory, directory: true, files }, runs, placeholder)];
  const host = target.hostPath(directory);
  if (!canQuoteSh(host)) return { commands: undefined, undo: [], actions };
  const { commands, undo } = copyCommands(target, location, files);
  const database = `dbm:${host}`;
  return {
    commands: [
      stillHolds(target, `${directory}/${posix.basename(path)}`),
      ...commands,
      ...checkCommands(target, database, checks),
      ...names.map((name) =>
        [`certutil ${verb} -d ${quoteSh(database)} -n ${quoteSh(name)}`, ...trust].join(' '),
      ),
    ],
    undo,
    actions,
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
  if (!entry || second || entry.file !== undefined || !isPlainNickname(entry)) return undefined;
  const others = entries.filter((other) => other !== entry);
  const taken = others.some(
    (other) => other.nickname === entry.nickname || hasSameSubject(certificateFrom(other.der), certificate),
  );
  return taken ? undefined : entry.nickname;
}
