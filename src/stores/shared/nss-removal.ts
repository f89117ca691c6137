/**
 * Taking certificates out of an NSS database with NSS's own certutil, which also takes away their trust records and the
 * signatures over those; or changing the trust records so that NSS refuses the certificates.
 */

import { posix } from 'node:path';
import { asBuffer, equalBytes } from '../../core/bytes.ts';
import type { Certificate } from '../../core/certificate.ts';
import type { Remediation } from '../../core/remediation.ts';
import type { StoreLocation, StoreType, TrustAnchor } from '../../core/store.ts';
import { FsError, type ReadFs, type Target } from '../../core/target.ts';
import { trustStatus } from '../../core/trust.ts';
import { parseCert9, type Cert9Entry } from '../../formats/nss-cert9.ts';
import { exists, realPathOr } from './content.ts';
import { manualRemediation } from './cut-bytes.ts';
import { DATABASE_FILES, readDatabases } from './nss.ts';
import { legacyStep } from './nss-legacy-removal.ts';
import { runCertutil } from './nss-certutil.ts';
import { selectorOf, type NssStep, type Selector } from './nss-selector.ts';
import { certificatesOf, planOf, type Step } from './steps.ts';

/** Who uses a database. */
export interface NssUse {
  /** What a person has to know beforehand: "Close Firefox first." */
  readonly advice: string;
  /** Names of its processes. */
  readonly programs: readonly string[];
}

type Change = 'delete' | 'refuse';

/** Both ways in which a store of NSS loses a certificate. */
export function nssPlans(
  useOf: (location: StoreLocation) => NssUse,
  after: (target: Target, anchors: readonly TrustAnchor[], plan: Remediation) => Remediation = (
    _,
    __,
    plan,
  ) => plan,
): Required<Pick<StoreType, 'planRemoval' | 'planDistrust'>> {
  const planFor =
    (change: Change): StoreType['planRemoval'] =>
    (target, location, anchors) =>
      after(target, anchors, planNss(target, location, anchors, useOf(location), change));
  return { planRemoval: planFor('delete'), planDistrust: planFor('refuse') };
}

function planNss(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  { advice, programs }: NssUse,
  change: Change,
): Remediation {
  if (anchors.length === 0) return manualRemediation(location, 'Nothing to remove.');
  const current = certificatesOf(anchors.filter(({ path }) => !isLegacy(path)));
  const replaced = new Set(current.map(({ sha256 }) => sha256));
  const legacy = anchors.filter(
    ({ path, certificate }) => isLegacy(path) && !replaced.has(certificate.sha256),
  );
  const parts = [
    ...(current.length > 0 ? [currentStep(target, location, current, change)] : []),
    ...(legacy.length > 0 ? [legacyStep(target, location, legacy, change === 'refuse')] : []),
  ];
  const obstacle = parts.flatMap((part) => ('obstacle' in part ? [part.obstacle] : []));
  if (obstacle.length > 0) return manualRemediation(location, obstacle.join(' '));
  const done = parts.flatMap((part) => ('obstacle' in part ? [] : [part]));
  return planOf(
    target,
    done.map(({ step }) => step),
    {
      disposition: done.every(({ warning }) => warning === undefined) ? 'safe' : 'unsafe',
      elevated: location.scope !== 'user',
      inUse: programs,
      byHand: BY_HAND,
      notes: [
        advice,
        otherUserNote(target, location),
        ...done.flatMap(({ warning, note }) => [warning, note]),
      ],
    },
  );
}

const BY_HAND = 'Delete or distrust it in the certificate manager of the application.';

function isLegacy(path: string): boolean {
  return /cert[78]\.db$/.test(path);
}

function currentStep(
  target: Target,
  location: StoreLocation,
  certificates: readonly Certificate[],
  change: Change,
): NssStep {
  if (target.platform === 'win32') return { obstacle: BY_HAND };
  const directory = realPathOr(target, location.path);
  const entries = readEntries(target, directory);
  const selectors: Selector[] = [];
  for (const certificate of certificates) {
    const held = entries.filter(({ der }) => equalBytes(der, certificate.der));
    const obstacle = obstacleOf(held);
    if (obstacle !== undefined) return { obstacle };
    const selector = selectorOf(entries, held, certificate);
    if (!selector) return { obstacle: INDISTINCT };
    selectors.push(selector);
  }
  const password =
    change === 'refuse' ? ' It asks for the password of the database, where that has one.' : '';
  return {
    step: certutilStep(target, location, directory, selectors, change),
    warning: foreignModules(target, location, directory),
    note: `certutil is that of NSS (package libnss3-tools, nss-tools or nss).${password}`,
  };
}

const INDISTINCT =
  'certutil cannot tell this certificate from others here that share its nickname and key. ' +
  'Delete it in the certificate manager of the application, where its details show.';

function obstacleOf(held: readonly Cert9Entry[]): string | undefined {
  if (held.length === 0) return 'The database cannot be read, or no longer holds the certificate.';
  return held.every(({ trust }) => trustStatus(trust) !== 'trusted')
    ? 'Leave it: it is not trusted here, and without this record a built-in root may be trusted again.'
    : undefined;
}

function certutilStep(
  target: Target,
  location: StoreLocation,
  directory: string,
  selectors: readonly Selector[],
  change: Change,
): Step {
  return runCertutil(target, location, {
    directory,
    format: 'sql',
    files: DATABASE_FILES,
    guard: 'cert9.db',
    names: selectors.map(({ name }) => name),
    checks: selectors.flatMap(({ checks }) => checks),
    refuse: change === 'refuse',
  });
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
