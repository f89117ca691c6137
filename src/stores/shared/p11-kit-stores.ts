/**
 * Distributions whose trust store is p11-kit's, as tables: directories that are the source, and the files that the
 * update command makes of them.
 */

import { posix } from 'node:path';
import { groupBy } from '../../core/collections.ts';
import { manual, type Remediation } from '../../core/remediation.ts';
import type { StoreContent, StoreLocation, StoreType, TrustAnchor } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { trustedForAll, trustFor, type Purpose, type Trust } from '../../core/trust.ts';
import { certificateFrom } from '../../core/certificate.ts';
import { auxTrust } from '../../formats/cert-aux.ts';
import { parseEfiSignatureLists } from '../../formats/efi-signature-list.ts';
import type { PemEntry } from '../../formats/pem.ts';
import { keepCommands } from './backup.ts';
import {
  diagnosticsContent,
  EMPTY_CONTENT,
  exists,
  mergeContents,
  readFile,
  readPemFile,
  realPathOr,
  walkFiles,
} from './content.ts';
import { removeOrBlock, trustedOnes } from './p11-kit-removal.ts';
import { readP11KitSource } from './p11-kit-source.ts';
import { pemSteps, removeFromPemFiles, scanAgain } from './pem-removal.ts';
import { regenerate } from './regenerate.ts';
import { planOf, type Step } from './steps.ts';

export interface P11KitLayout {
  /** The administrator's directory, then the packages'. */
  readonly paths: readonly [string, string];
  /** Makes the bundles from the source. */
  readonly update: string;
  /** What it writes. */
  readonly changes: readonly string[];
  /** Where the update command may lie. */
  readonly updateTools: readonly string[];
}

/** Where the distributions' p11-kit looks unless its configuration says otherwise. */
export const P11_KIT_LAYOUTS = {
  rhel: {
    paths: ['/etc/pki/ca-trust/source', '/usr/share/pki/ca-trust-source'],
    update: 'update-ca-trust extract',
    // Newer versions put links named by hash into the latter.
    changes: ['/etc/pki/ca-trust/extracted', '/etc/pki/tls/certs'],
    updateTools: ['/usr/bin/update-ca-trust', '/usr/sbin/update-ca-trust'],
  },
  suse: {
    paths: ['/etc/pki/trust', '/usr/share/pki/trust'],
    update: 'update-ca-certificates',
    changes: ['/var/lib/ca-certificates', '/etc/ssl/certs', '/etc/ssl/ca-bundle.pem'],
    updateTools: ['/usr/sbin/update-ca-certificates', '/usr/bin/update-ca-certificates'],
  },
  arch: {
    paths: ['/etc/ca-certificates/trust-source', '/usr/share/ca-certificates/trust-source'],
    update: 'update-ca-trust',
    changes: ['/etc/ca-certificates/extracted', '/etc/ssl/certs'],
    updateTools: ['/usr/bin/update-ca-trust', '/usr/sbin/update-ca-trust'],
  },
} as const satisfies Readonly<Record<string, P11KitLayout>>;

export function sourceStore(id: string, title: string, layout: P11KitLayout): StoreType {
  return {
    id,
    title,
    platforms: ['linux'],
    locate(target) {
      const path = layout.paths.find((each) => exists(target, each, 'directory'));
      if (path === undefined) return [];
      return [{ path, application: 'p11-kit (system trust)', scope: 'system', format: 'p11-kit, PEM' }];
    },
    read: (target) => [readP11KitSource(target, layout.paths)],
    planRemoval: (target, location, anchors) => fromSource(target, location, anchors, layout, false),
    planDistrust: (target, location, anchors) => fromSource(target, location, anchors, layout, true),
  };
}

function fromSource(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  layout: P11KitLayout,
  refuse: boolean,
): Remediation {
  const [ownDirectory] = layout.paths;
  // A link in the administrator's directory may lead to a package's file.
  const ownPlace = `${realPathOr(target, ownDirectory)}/`;
  return removeOrBlock(target, location, trustedOnes(anchors), {
    ownDirectory,
    isOwn: ({ path }) => realPathOr(target, path).startsWith(ownPlace),
    afterwards: updateStep(target, layout),
    refuse,
  });
}

function updateStep(target: Target, { update, changes }: P11KitLayout): Step {
  return regenerate(target, update, changes);
}

interface BundleFile {
  readonly path: string;
  readonly application: string;
  /**
   * pem: one purpose; trusted: OpenSSL's TRUSTED CERTIFICATE with its own; directory: hashed, one per file;
   * efi: EFI_SIGNATURE_LIST.
   */
  readonly format: 'pem' | 'trusted' | 'directory' | 'efi';
  readonly purpose: Purpose;
}

export interface BundleTable {
  readonly id: string;
  readonly title: string;
  readonly source: string;
  readonly layout: P11KitLayout;
  readonly files: readonly BundleFile[];
}

const FORMAT_NAMES = {
  pem: 'PEM',
  trusted: 'PEM (TRUSTED CERTIFICATE)',
  directory: 'PEM',
  efi: 'EFI_SIGNATURE_LIST',
} as const satisfies Readonly<Record<BundleFile['format'], string>>;

export function bundleStore({ id, title, source, layout, files }: BundleTable): StoreType {
  const fileAt = (path: string): BundleFile | undefined => files.find((file) => file.path === path);
  return {
    id,
    title,
    platforms: ['linux'],
    locate: (target) =>
      files
        .filter(({ path, format }) => exists(target, path, format === 'directory' ? 'directory' : 'file'))
        .map(({ path, application, format }) => ({
          path,
          application,
          scope: 'system',
          format: FORMAT_NAMES[format],
          generatedFrom: [source],
        })),
    read(target, location) {
      const file = fileAt(location.path);
      return file ? [readBundleFile(target, file)] : [];
    },
    planRemoval(target, location, anchors) {
      if (layout.updateTools.some((tool) => exists(target, tool))) {
        return remake(target, location, anchors, layout);
      }
      if (fileAt(location.path)?.format === 'efi') return byHand(layout.update);
      const note =
        'The command that makes this file is not installed; the next update of its package restores it.';
      return removeFromPemFiles(target, location, anchors, { disposition: 'unsafe', note });
    },
  };
}

/**
 * What the source does not have any more, a new file does not have either. A certificate among the anchors and on the
 * block list too is another matter: p11-kit refuses it, but writes it into OpenSSL's bundle without saying so, so the
 * anchor has to go.
 */
function remake(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  layout: P11KitLayout,
): Remediation {
  const wanted = new Set(anchors.map(({ certificate }) => certificate.sha256));
  const [ownDirectory] = layout.paths;
  const placed = readP11KitSource(target, layout.paths).anchors.filter(
    ({ certificate, path }) => wanted.has(certificate.sha256) && path.startsWith(`${ownDirectory}/anchors/`),
  );
  const both = new Set(placed.map(({ certificate }) => certificate.sha256));
  const stale = anchors.filter(({ certificate }) => !both.has(certificate.sha256));
  const removal = pemSteps(target, location, placed);
  if ('obstacle' in removal) return manual(removal.obstacle, true);
  const update = updateStep(target, layout);
  const copies = keepStep(target, location, stale);
  const steps = [
    ...removal.steps,
    { ...copies, undo: [] },
    placed.length > 0 ? update : { ...update, undo: [] },
    { ...NO_STEP, undo: copies.undo },
  ];
  return planOf(target, steps, {
    elevated: true,
    notes: [
      ...(placed.length > 0 ? [CONTRADICTION, scanAgain(removal, anchors)] : []),
      ...(stale.length > 0 ? [STALE] : []),
    ],
    byHand: removal.byHand,
  });
}

const CONTRADICTION =
  'It lies among the anchors and on the block list; the bundle for OpenSSL trusts it until the anchor goes.';
const STALE = 'The source of this file does not trust the certificate; making the file anew drops it.';

const NO_STEP: Step = { commands: [], undo: [], actions: [] };

/** Copies of files that are made anew. */
function keepStep(target: Target, location: StoreLocation, anchors: readonly TrustAnchor[]): Step {
  const files = [...new Set(anchors.map(({ path }) => realPathOr(target, path)))];
  return { ...keepCommands(target, location, files), actions: [] };
}

function readBundleFile(target: Target, { path, format, purpose }: BundleFile): StoreContent {
  const name = posix.basename(path);
  const listed = trustFor({ [purpose]: 'trusted' }, `listed for ${purpose}`);
  switch (format) {
    case 'pem':
      return readPemFile(target, path, name, () => listed);
    case 'trusted':
      return readPemFile(target, path, name, opensslTrust);
    case 'directory':
      return readHashedDirectory(target, path, (entry) => (entry.aux ? opensslTrust(entry) : listed));
    case 'efi':
      return readEfiFile(target, path, name, listed);
  }
}

/** OpenSSL's reading: without explicit settings, a root in the file is trusted. */
function opensslTrust({ aux }: PemEntry): Trust {
  const hasSettings = aux?.trust !== undefined || (aux?.reject?.length ?? 0) > 0;
  return aux && hasSettings ? auxTrust(aux) : trustedForAll('listed, no trust settings');
}

/** The hashed names are links to, or copies of, the named files; each file counts once. */
function readHashedDirectory(
  target: Target,
  path: string,
  trustOf: (entry: PemEntry) => Trust,
): StoreContent {
  const { files, problems } = walkFiles(target, path, () => true, 1);
  const contents: StoreContent[] = [{ ...EMPTY_CONTENT, problems }];
  for (const names of groupBy(files, (file) => realPathOr(target, file)).values()) {
    const named = names.find((file) => !/^[0-9a-f]{8}\.r?\d+$/.test(posix.basename(file))) ?? names[0];
    if (named !== undefined) contents.push(readPemFile(target, named, posix.basename(named), trustOf));
  }
  return mergeContents(contents);
}

function readEfiFile(target: Target, path: string, name: string, trust: Trust): StoreContent {
  const file = readFile(target, path);
  if ('failed' in file) return file.failed;
  const { entries, diagnostics } = parseEfiSignatureLists(file.bytes);
  const anchors = entries.map(({ der }, index) => ({
    certificate: certificateFrom(der),
    entry: `${name}, certificate ${index + 1} of ${entries.length}`,
    path,
    trust,
  }));
  return mergeContents([{ ...EMPTY_CONTENT, anchors }, diagnosticsContent(path, diagnostics)]);
}

function byHand(update: string): Remediation {
  const note = `The file is made by ${update}, which is not installed here; run it where it is, or replace the file.`;
  return manual(note, true);
}
