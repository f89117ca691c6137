/**
 * Store types that are certificate files: a bundle that a program brings, or a file or directory that a setting
 * names. What they share is how such files are read and how a certificate leaves them.
 */

import { posix } from 'node:path';
import { groupBy } from '../../core/collections.ts';
import type { Remediation } from '../../core/remediation.ts';
import type { StoreContent, StoreLocation, StoreType, TrustAnchor } from '../../core/store.ts';
import { FsError, type Platform, type Target } from '../../core/target.ts';
import { trustedForAll, type Trust } from '../../core/trust.ts';
import { readCertificateDirectory } from './certificate-directory.ts';
import { EMPTY_CONTENT, exists, readPemFile, realPathOr, walkFiles, withAux } from './content.ts';
import { manualRemediation } from './cut-bytes.ts';
import { oncePerTarget } from './once.ts';
import { lineRemoval, removeFromPemFiles } from './pem-removal.ts';
import { planOf, type Step } from './steps.ts';
import { isOutOfReach } from './refused-places.ts';

/** The place in a file that names a certificate file. */
interface Setting {
  /** Undefined for a variable of the environment at hand. */
  readonly file?: string;
  readonly line?: number;
  /** Nothing else is on that line. */
  readonly alone: boolean;
  /** "NODE_EXTRA_CA_CERTS" */
  readonly name: string;
}

export interface CertificateFile {
  /** A file, or a directory with certificate files. */
  readonly path: string;
  readonly application: string;
  /** Default: trusted for everything, "listed". */
  readonly trust?: Trust;
  readonly setting?: Setting;
  /** What the program falls back to without the setting: for a file that stands in place of its usual roots. */
  readonly replaces?: string;
  /** The files of a directory; default: those that OpenSSL, Go and GnuTLS take. */
  readonly wanted?: (name: string) => boolean;
  /** Only certificates that begin on these lines (from 1) are meant: `<ca>` in an OpenVPN profile. */
  readonly within?: readonly { readonly first: number; readonly last: number }[];
}

export interface CertificateFiles {
  readonly id: string;
  readonly title: string;
  /** Default: all that people work on. */
  readonly platforms?: readonly Platform[];
  /** Of files that lie in nobody's home. Default: application. */
  readonly scope?: 'system' | 'application';
  /** Paths that do not exist are left out afterwards; called once per target. */
  readonly find: (target: Target) => Iterable<CertificateFile>;
  /** Said with a removal that an update undoes; without it a removal is final. */
  readonly comesBack?: string;
}

export const UNIX: readonly Platform[] = ['linux', 'darwin', 'freebsd', 'openbsd', 'netbsd', 'sunos'];
export const DESKTOPS: readonly Platform[] = [...UNIX, 'win32'];

const LISTED = trustedForAll('listed');

/**
 * What settings of all the store types name, with paths without links. One file is often named by several programs, of
 * which one store type owns it; when the file goes out of use, it has to for all of them.
 */
const allNamed = oncePerTarget((): CertificateFile[] => []);

export function certificateFileStore(rules: CertificateFiles): StoreType {
  const { id, title, platforms = DESKTOPS, scope = 'application', find, comesBack } = rules;
  const filesOf = oncePerTarget((target): ReadonlyMap<string, readonly CertificateFile[]> => {
    const files = [...find(target)].filter(
      ({ path, setting }) => exists(target, path) && (setting !== undefined || !isOutOfReach(target, path)),
    );
    const named = files.filter(({ setting }) => setting !== undefined);
    for (const file of named) allNamed(target).push({ ...file, path: realPathOr(target, file.path) });
    return groupBy(files, ({ path }) => path);
  });
  return {
    id,
    title,
    platforms,
    locate: (target) => [...filesOf(target).values()].flatMap((files) => locationOf(target, files, scope)),
    read: (target, { path }) => readFiles(target, path, filesOf(target).get(path) ?? []),
    planRemoval: (target, location, anchors) => planRemoval(target, location, anchors, comesBack),
  };
}

const MAX_NAMED = 5;

function locationOf(
  target: Target,
  files: readonly CertificateFile[],
  scope: 'system' | 'application',
): StoreLocation[] {
  const [first] = files;
  if (!first) return [];
  const applications = [...new Set(files.map(({ application }) => application))];
  const more = applications.length - MAX_NAMED;
  const shown = [...applications.slice(0, MAX_NAMED), ...(more > 0 ? [`${more} more`] : [])];
  return [
    { path: first.path, application: shown.join(', '), format: 'PEM', ...scopeOf(target, first.path, scope) },
  ];
}

/** A file below a home belongs to that person. */
export function scopeOf(
  target: Target,
  path: string,
  scope: 'system' | 'application' = 'application',
): Pick<StoreLocation, 'scope' | 'user'> {
  const owner = target.homes.find((home) => path.startsWith(`${home.path}/`));
  return owner ? { scope: 'user', user: owner.user } : { scope };
}

function* readFiles(
  target: Target,
  path: string,
  files: readonly CertificateFile[],
): Generator<StoreContent> {
  const { trust = LISTED, wanted, within } = files[0] ?? {};
  if (target.fs.kind(path) !== 'directory') {
    const content = readPemFile(target, path, posix.basename(path), (entry) => withAux(entry, trust));
    yield within ? onlyMeant(content, within) : content;
    return;
  }
  if (!wanted) {
    yield* readCertificateDirectory(target, path);
    return;
  }
  const { files: members, problems } = walkFiles(target, path, wanted, 1);
  yield { ...EMPTY_CONTENT, problems };
  for (const member of members) {
    yield readPemFile(target, member, posix.basename(member), (entry) => withAux(entry, trust));
  }
}

/** The file is a profile with other things in it: it never goes as a whole. */
function onlyMeant(
  content: StoreContent,
  within: readonly { readonly first: number; readonly last: number }[],
): StoreContent {
  const anchors = content.anchors.flatMap((anchor) => {
    const { lines } = anchor;
    if (!lines || !within.some(({ first, last }) => first <= lines.first && lines.first <= last)) return [];
    return [{ ...anchor, lines: { ...lines, certificatesInFile: Number.MAX_SAFE_INTEGER } }];
  });
  return { ...content, anchors };
}

function planRemoval(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  comesBack: string | undefined,
): Remediation {
  const real = realPathOr(target, location.path);
  const files = allNamed(target).filter(({ path }) => path === real);
  const settings = files.flatMap(({ setting }) => setting ?? []);
  const isWhole = anchors.every(
    ({ lines, path }) => path === location.path && lines && lines.certificatesInFile <= anchors.length,
  );
  // A program whose setting names a missing file often does not start at all.
  if (settings.length > 0 && isWhole) {
    const replaced = [...new Set(files.flatMap(({ replaces }) => replaces ?? []))];
    return removeSettings(target, location, settings, replaced);
  }
  return comesBack === undefined
    ? removeFromPemFiles(target, location, anchors)
    : removeFromPemFiles(target, location, anchors, { disposition: 'unsafe', note: comesBack });
}

/** The file holds nothing else: then the settings go that name it, and the file stays. */
function removeSettings(
  target: Target,
  location: StoreLocation,
  settings: readonly Setting[],
  replaced: readonly string[],
): Remediation {
  const steps: Step[] = [];
  let elevated = false;
  for (const [file, group] of groupBy(settings, (setting) => setting.file)) {
    const lines = group.flatMap(({ line, alone }) =>
      line !== undefined && alone ? [{ first: line, last: line }] : [],
    );
    const step = file === undefined ? undefined : settingStep(target, location, file, lines, group.length);
    if (!step) return manualRemediation(location, settingByHand(location, settings));
    steps.push(step);
    elevated ||= location.user === undefined || scopeOf(target, file ?? '').user !== location.user;
  }
  const note =
    replaced.length === 0
      ? 'Programs that run keep the certificate until they are started anew.'
      : `Without the setting a program uses ${replaced.join(', or ')}.`;
  const disposition = replaced.length === 0 ? 'safe' : 'unsafe';
  const byHand = settingByHand(location, settings);
  return planOf(target, steps, { disposition, elevated, notes: [note], byHand });
}

function settingStep(
  target: Target,
  location: StoreLocation,
  file: string,
  lines: readonly { readonly first: number; readonly last: number }[],
  wanted: number,
): Step | undefined {
  if (lines.length < wanted) return undefined;
  try {
    return lineRemoval(target, location, realPathOr(target, file), lines);
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}

function settingByHand(location: StoreLocation, settings: readonly Setting[]): string {
  const places = settings.map(({ name, file, line }) =>
    file === undefined ? `${name} in the environment` : `${name} in ${file}${line ? `, line ${line}` : ''}`,
  );
  return `Take out the setting that names ${location.path}: ${[...new Set(places)].join('; ')}. The file holds nothing but this certificate.`;
}
