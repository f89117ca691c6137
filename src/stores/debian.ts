/**
 * Debian's ca-certificates and its relatives (Ubuntu, Mint, Kali, Raspbian, Alpine, Gentoo, Void): certificates
 * that packages ship and /etc/ca-certificates.conf selects, certificates of the administrator, and what
 * update-ca-certificates(8) makes of both in /etc/ssl/certs.
 */

import { isUtf8 } from 'node:buffer';
import { posix } from 'node:path';
import { asBuffer } from '../core/bytes.ts';
import { groupBy } from '../core/collections.ts';
import { manual, type Remediation, type ReplacedLine } from '../core/remediation.ts';
import { canQuoteSh, decodePath, encodePath, quoteSh, sedScript } from '../core/shell.ts';
import type { StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { heldOnly, trustedForAll, type Trust } from '../core/trust.ts';
import { keepCommands } from './shared/backup.ts';
import {
  EMPTY_CONTENT,
  exists,
  readFile,
  readPemFile,
  realPathOr,
  walkFiles,
  withAux,
} from './shared/content.ts';
import { readCertificateDirectory } from './shared/certificate-directory.ts';
import { oncePerTarget } from './shared/once.ts';
import { pemSteps, removeFromPemFiles, scanAgain } from './shared/pem-removal.ts';
import { regenerate } from './shared/regenerate.ts';
import { scannedBytes } from './shared/scanned-file.ts';
import { planOf, writeAction, type Step } from './shared/steps.ts';

const PACKAGED = '/usr/share/ca-certificates';
const CONF = '/etc/ca-certificates.conf';
const LOCAL = '/usr/local/share/ca-certificates';
const CERTS = '/etc/ssl/certs';
const BUNDLE = `${CERTS}/ca-certificates.crt`;
/** --fresh also drops the links in /etc/ssl/certs that lead nowhere any more. */
const UPDATE = 'update-ca-certificates --fresh';
/** Where it and the hooks of packages write: ca-certificates-java, ca-certificates-mono. */
const CHANGED = [CERTS];
const CHANGED_BY_HOOKS = [
  '/var/lib/ca-certificates-java',
  '/usr/share/.mono/certs',
  '/usr/share/.mono/new-certs',
];
const SOURCES = ['debian-ca-certificates', 'debian-local-anchors'];

const isCertificateFile = (name: string): boolean => name.endsWith('.crt');

const packaged: StoreType = {
  id: 'debian-ca-certificates',
  title: 'Certificates of packages, chosen in /etc/ca-certificates.conf (Debian, Ubuntu, Alpine …)',
  platforms: ['linux'],
  locate: (target) => located(target, PACKAGED, 'ca-certificates'),
  *read(target) {
    const { selection, content } = readSelection(target);
    yield content;
    const { files, problems } = walkFiles(target, PACKAGED, isCertificateFile);
    yield { ...EMPTY_CONTENT, problems };
    for (const path of new Set([...files, ...selection.keys()])) {
      const trust = selectionTrust(selection.get(path));
      const name = path.startsWith(`${PACKAGED}/`) ? path.slice(PACKAGED.length + 1) : path;
      yield readPemFile(target, path, name, (entry) => withAux(entry, trust));
    }
  },
  planRemoval: deselect,
  planDistrust: deselect,
};

const local: StoreType = {
  id: 'debian-local-anchors',
  title: 'Certificates of the administrator in /usr/local/share/ca-certificates (Debian, Ubuntu, Alpine …)',
  platforms: ['linux'],
  locate: (target) => located(target, LOCAL, 'ca-certificates (local)'),
  *read(target) {
    const { files, problems } = walkFiles(target, LOCAL, isCertificateFile);
    yield { ...EMPTY_CONTENT, problems };
    const trust = trustedForAll('local certificate');
    for (const path of files) {
      yield readPemFile(target, path, path.slice(LOCAL.length + 1), (entry) => withAux(entry, trust));
    }
  },
  planRemoval: (target, location, anchors) =>
    removeFromPemFiles(target, location, anchors, { afterwards: updateStep(target) }),
};

const generated: StoreType = {
  id: 'debian-bundle',
  title: 'What OpenSSL, GnuTLS, curl, Go … read: /etc/ssl/certs, made by update-ca-certificates',
  platforms: ['linux'],
  locate(target) {
    const common = { scope: 'system', format: 'PEM', generatedFrom: SOURCES } as const;
    const locations: StoreLocation[] = [];
    // On other distributions this path leads to a bundle of their own store.
    if (isDebianLike(target) && exists(target, BUNDLE, 'file')) {
      locations.push({ ...common, path: BUNDLE, application: 'CA bundle (curl, Python, Go, GnuTLS …)' });
    }
    if (isDebianLike(target) && exists(target, CERTS, 'directory')) {
      locations.push({ ...common, path: CERTS, application: 'OpenSSL certificate directory' });
    }
    return locations;
  },
  *read(target, { path }) {
    if (path === CERTS) yield* readCertificateDirectory(target, CERTS, [BUNDLE]);
    else
      yield readPemFile(target, path, posix.basename(path), (entry) =>
        withAux(entry, trustedForAll('listed')),
      );
  },
  planRemoval(target, location, anchors) {
    if (!exists(target, '/usr/sbin/update-ca-certificates')) {
      return removeFromPemFiles(target, location, anchors, {
        disposition: 'unsafe',
        note: 'The next update of the package or image that brought this bundle restores it.',
      });
    }
    return remake(target, location, anchors);
  },
};

export const stores: readonly StoreType[] = [packaged, local, generated];

function located(target: Target, path: string, application: string): readonly StoreLocation[] {
  if (!exists(target, path, 'directory')) return [];
  return [{ path, application, scope: 'system', format: 'PEM' }];
}

function isDebianLike(target: Target): boolean {
  return exists(target, PACKAGED) || exists(target, LOCAL) || realPathOr(target, BUNDLE) === BUNDLE;
}

interface Choice {
  /** The lines that select the file, exactly as they are: one of them is enough, wherever it stands. */
  readonly selecting: string[];
  /** A line deselects it. */
  deselected: boolean;
}

/** Path of a file to what ca-certificates.conf says about it; without a line it is off. */
type Selection = ReadonlyMap<string, Choice>;

interface ReadSelection {
  readonly selection: Selection;
  readonly content: StoreContent;
}

/** ca-certificates.conf(5) as update-ca-certificates(8) reads it: `!path` deselects, `#` is a comment. */
const readSelection = oncePerTarget((target: Target): ReadSelection => {
  const file = readFile(target, CONF);
  if ('failed' in file) return { selection: new Map(), content: file.failed };
  const selection = new Map<string, Choice>();
  for (const line of linesOf(asBuffer(file.bytes))) {
    if (line === '' || line.startsWith('#')) continue;
    const off = line.startsWith('!');
    const path = choicePath(off ? line.slice(1) : line);
    const choice = selection.get(path) ?? { selecting: [], deselected: false };
    selection.set(path, choice);
    if (off) choice.deselected = true;
    else choice.selecting.push(line);
  }
  return { selection, content: EMPTY_CONTENT };
});

/** Each line is a file name: where one is not UTF-8, the others still are. */
function linesOf(bytes: Buffer): readonly string[] {
  if (isUtf8(bytes)) return bytes.toString('utf8').split('\n');
  return bytes
    .toString('latin1')
    .split('\n')
    .map((line) => decodePath(Buffer.from(line, 'latin1')));
}

/** The shell's `read` drops blanks around the name and one level of backslashes. */
function choicePath(name: string): string {
  const read = name.replaceAll(/^[ \t]+|[ \t]+$/g, '').replaceAll(/\\(.?)/gs, '$1');
  return posix.join(PACKAGED, read);
}

function selectionTrust(choice: Choice | undefined): Trust {
  if (choice === undefined) return heldOnly('not in ca-certificates.conf');
  if (choice.selecting.length === 0) return heldOnly('deselected in ca-certificates.conf');
  return trustedForAll('selected in ca-certificates.conf');
}

/**
 * "!" before a line keeps the choice when the package is updated. Where such a line is there already, the selecting
 * one becomes a comment, so that the undo can tell the two apart.
 */
function deselect(target: Target, location: StoreLocation, anchors: readonly TrustAnchor[]): Remediation {
  const { selection } = readSelection(target);
  const byPath = groupBy(anchors, ({ path }) => path);
  const changes = [...byPath.keys()].flatMap((path) => {
    const { selecting = [], deselected = false } = selection.get(path) ?? {};
    const mark = deselected ? '# switched off by rootaudit: ' : '!';
    return Array.from(new Set(selecting), (line) => ({ from: line, to: `${mark}${line}` }));
  });
  const byHand = `Put "!" before its line in ${CONF}, then run update-ca-certificates.`;
  if (changes.length === 0) return manual(byHand, location.scope !== 'user');
  const shared = [...byPath.values()].some((held) =>
    held.some(({ lines }) => (lines?.certificatesInFile ?? 1) > held.length),
  );
  return planOf(target, [editStep(target, changes), updateStep(target)], {
    disposition: shared ? 'unsafe' : 'safe',
    elevated: true,
    notes: [shared ? 'The file holds other certificates too; they are switched off with it.' : undefined],
    byHand,
  });
}

function editStep(target: Target, changes: readonly ReplacedLine[]): Step {
  const file = realPathOr(target, CONF);
  const off = new Map(changes.map(({ from, to }) => [encodePath(from).toString('latin1'), to]));
  const lines = asBuffer(scannedBytes(target, file)).toString('latin1').split('\n');
  const edited = lines.map((line) => encodePath(off.get(line) ?? '').toString('latin1') || line);
  const content = Buffer.from(edited.join('\n'), 'latin1');
  const actions = [{ ...writeAction(target, file, content, 0o644), lines: changes }];
  const host = target.hostPath(file);
  if (!canQuoteSh(host) || !changes.every(({ from }) => canQuoteSh(from))) {
    return { commands: undefined, undo: [], actions };
  }
  const sed = (replaced: readonly ReplacedLine[]): string =>
    `sed -i -e ${quoteSh(sedScript(replaced))} ${quoteSh(host)}`;
  return {
    commands: [sed(changes)],
    undo: [sed(changes.map(({ from, to }) => ({ from: to, to: from })))],
    actions,
  };
}

function updateStep(target: Target): Step {
  const ofHooks = CHANGED_BY_HOOKS.filter((path) => exists(target, path));
  return regenerate(target, UPDATE, [...CHANGED, ...ofHooks]);
}

const STALE = 'No source has the certificate any more; making the bundle and the links anew drops it.';

/**
 * What no source selects any more goes when everything is made anew. A file of its own in /etc/ssl/certs was put there by
 * hand, and would stay.
 */
function remake(target: Target, location: StoreLocation, anchors: readonly TrustAnchor[]): Remediation {
  const isStray = ({ path }: TrustAnchor): boolean =>
    location.path === CERTS && realPathOr(target, path) === path;
  const strays = anchors.filter(isStray);
  const stale = anchors.filter((anchor) => !isStray(anchor));
  const removal = pemSteps(target, location, strays);
  if ('obstacle' in removal) return manual(removal.obstacle, true);
  const kept: Step = { ...keptBefore(target, location, stale), actions: [] };
  const update = updateStep(target);
  const steps: readonly Step[] = [
    ...removal.steps,
    { ...kept, undo: [] },
    // Making everything anew brings back what came from a stray file, and nothing else.
    strays.length > 0 ? update : { ...update, undo: [] },
    { commands: [], undo: kept.undo, actions: [] },
  ];
  return planOf(target, steps, {
    elevated: true,
    notes: [stale.length > 0 ? STALE : undefined, scanAgain(removal, anchors)],
    byHand: removal.byHand,
  });
}

/** A copy of the bundle; links are made again. */
function keptBefore(
  target: Target,
  location: StoreLocation,
  stale: readonly TrustAnchor[],
): Pick<Step, 'undo'> & { readonly commands: readonly string[] } {
  if (stale.length === 0) return { commands: [], undo: [] };
  if (location.path === BUNDLE) return keepCommands(target, location, [BUNDLE]);
  const links = stale.filter(({ path }) => canQuoteSh(path));
  const undo = links.map(({ path }) => {
    const link = `${target.hostPath(CERTS)}/${posix.basename(path)}`;
    return `ln -s ${quoteSh(realPathOr(target, path))} ${quoteSh(link)}`;
  });
  return { commands: [], undo };
}
