/** Taking certificates out of a cert8.db with a certutil whose NSS still has the old format (`dbm:`). */

import { posix } from 'node:path';
import { equalBytes } from '../../core/bytes.ts';
import { certificateFrom, hasSameSubject, type Certificate } from '../../core/certificate.ts';
import type { StoreLocation, TrustAnchor } from '../../core/store.ts';
import { unlessRefused, type Target } from '../../core/target.ts';
import { trustStatus } from '../../core/trust.ts';
import type { Cert8Entry } from '../../formats/nss-cert8.ts';
import { realPathOr } from './content.ts';
import { parseLegacy } from './nss-legacy.ts';
import { runCertutil } from './nss-certutil.ts';
import { isPlainNickname, type NssStep, type SelectorCheck } from './nss-selector.ts';
import { certificatesOf, type Step } from './steps.ts';

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
  const bytes = unlessRefused(() => target.fs.read(path, MAX_BYTES));
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
  checks: readonly SelectorCheck[],
  refuse: boolean,
): Step {
  const directory = realPathOr(target, posix.dirname(path));
  return runCertutil(target, location, {
    directory,
    format: 'dbm',
    files: FILES,
    guard: posix.basename(path),
    names: checks.map(({ name }) => name),
    checks,
    refuse,
  });
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
