/**
 * Debian's ca-certificates and its relatives (Ubuntu, Mint, Kali, Raspbian, Alpine, Gentoo, Void): certificates
 * that packages ship and /etc/ca-certificates.conf selects, certificates of the administrator, and what
 * update-ca-certificates(8) makes of both in /etc/ssl/certs.
 */

import { posix } from 'node:path';
import { asBuffer } from '../core/bytes.ts';
import type { Remediation } from '../core/remediation.ts';
import { canQuoteSh, quoteSh } from '../core/shell.ts';
import type { StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { heldOnly, trustedForAll, type Trust } from '../core/trust.ts';
import { backupPath } from './shared/backup.ts';
import {
  EMPTY_CONTENT,
  exists,
  mergeContents,
  readFile,
  readPemFile,
  realPathOr,
  walkFiles,
  withAux,
} from './shared/content.ts';
import { readCertificateDirectory } from './shared/certificate-directory.ts';
import { removeFromPemFiles } from './shared/pem-removal.ts';
import { regenerate } from './shared/regenerate.ts';

const PACKAGED = '/usr/share/ca-certificates';
const CONF = '/etc/ca-certificates.conf';
const LOCAL = '/usr/local/share/ca-certificates';
const CERTS = '/etc/ssl/certs';
const BUNDLE = `${CERTS}/ca-certificates.crt`;
/** --fresh also drops the links in /etc/ssl/certs that lead nowhere any more. */
const UPDATE = 'update-ca-certificates --fresh';
const SOURCES = ['debian-ca-certificates', 'debian-local-anchors'];

const isCertificateFile = (name: string): boolean => name.endsWith('.crt');

const packaged: StoreType = {
  id: 'debian-ca-certificates',
  title: 'Certificates of packages, chosen in /etc/ca-certificates.conf (Debian, Ubuntu, Alpine …)',
  platforms: ['linux'],
  locate: (target) => located(target, PACKAGED, 'ca-certificates'),
  read(target) {
    const { selection, content } = readSelection(target);
    const { files, problems } = walkFiles(target, PACKAGED, isCertificateFile);
    const listed = [...selection.keys()].map((name) => posix.join(PACKAGED, name));
    const all = [...new Set([...files, ...listed.filter((path) => path.startsWith(`${PACKAGED}/`))])];
    const contents = all.map((path) => {
      const name = path.slice(PACKAGED.length + 1);
      const trust = selectionTrust(selection.get(name));
      return readPemFile(target, path, name, (entry) => withAux(entry, trust));
    });
    return mergeContents([content, { ...EMPTY_CONTENT, problems }, ...contents]);
  },
  planRemoval: deselect,
};

const local: StoreType = {
  id: 'debian-local-anchors',
  title: 'Certificates of the administrator in /usr/local/share/ca-certificates (Debian, Ubuntu, Alpine …)',
  platforms: ['linux'],
  locate: (target) => located(target, LOCAL, 'ca-certificates (local)'),
  read(target) {
    const { files, problems } = walkFiles(target, LOCAL, isCertificateFile);
    const trust = trustedForAll('local certificate');
    const contents = files.map((path) =>
      readPemFile(target, path, path.slice(LOCAL.length + 1), (entry) => withAux(entry, trust)),
    );
    return mergeContents([{ ...EMPTY_CONTENT, problems }, ...contents]);
  },
  planRemoval: (target, location, anchors) =>
    removeFromPemFiles(target, location, anchors, { afterwards: regenerate(target, UPDATE) }),
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
  read(target, location) {
    const trust = trustedForAll('listed');
    if (location.path !== CERTS) {
      return readPemFile(target, location.path, posix.basename(location.path), (entry) =>
        withAux(entry, trust),
      );
    }
    return readCertificateDirectory(target, CERTS, [BUNDLE]);
  },
  planRemoval(target, location, anchors) {
    if (!exists(target, '/usr/sbin/update-ca-certificates')) {
      return removeFromPemFiles(target, location, anchors, {
        disposition: 'unsafe',
        note: 'The next update of the package or image that brought this bundle restores it.',
      });
    }
    const update = regenerate(target, UPDATE);
    // A file of its own in /etc/ssl/certs was put there by hand, and stays when everything else is made anew.
    const isStray = ({ path }: TrustAnchor): boolean =>
      location.path === CERTS && realPathOr(target, path) === path;
    if (anchors.some(isStray)) {
      return removeFromPemFiles(target, location, anchors.filter(isStray), { afterwards: update });
    }
    return remake(target, anchors, location, update);
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

/** File below /usr/share/ca-certificates to whether the line selects it; without a line it is off. */
type Selection = ReadonlyMap<string, boolean>;

/** ca-certificates.conf(5): a path selects, `!path` deselects, `#` is a comment. */
function readSelection(target: Target): { readonly selection: Selection; readonly content: StoreContent } {
  const file = readFile(target, CONF);
  if ('failed' in file) return { selection: new Map(), content: file.failed };
  const selection = new Map<string, boolean>();
  for (const line of asBuffer(file.bytes).toString('utf8').split('\n')) {
    const name = line.replace(/\r$/, '');
    if (name === '' || name.startsWith('#')) continue;
    if (name.startsWith('!')) selection.set(name.slice(1), false);
    else selection.set(name, true);
  }
  return { selection, content: EMPTY_CONTENT };
}

function selectionTrust(selected: boolean | undefined): Trust {
  if (selected === true) return trustedForAll('selected in ca-certificates.conf');
  return heldOnly(selected === false ? 'deselected in ca-certificates.conf' : 'not in ca-certificates.conf');
}

/** A basic regular expression that matches exactly `text`, for sed with `|` as its delimiter. */
function sedLiteral(text: string): string {
  return text.replaceAll(/[\\.*[\]^$|]/g, String.raw`\$&`);
}

function deselect(target: Target, _location: StoreLocation, anchors: readonly TrustAnchor[]): Remediation {
  const names = [...new Set(anchors.map(({ path }) => path.slice(PACKAGED.length + 1)))];
  const shared = anchors.some(({ lines }) => (lines?.certificatesInFile ?? 1) > 1);
  const common = { shell: 'sh', elevated: true } as const;
  if (!names.every(canQuoteSh)) {
    const note = `Put "!" before its line in ${CONF}, then run update-ca-certificates.`;
    return { ...common, disposition: 'manual', commands: [], undo: [], note };
  }
  const conf = quoteSh(target.hostPath(realPathOr(target, CONF)));
  const update = regenerate(target, UPDATE);
  const turnOff = names.map((name) => `s|^${sedLiteral(name)}$|!${sedReplacement(name)}|`).join(';');
  const turnOn = names.map((name) => `s|^!${sedLiteral(name)}$|${sedReplacement(name)}|`).join(';');
  return {
    ...common,
    disposition: shared ? 'unsafe' : 'safe',
    commands: [`sed -i -e ${quoteSh(turnOff)} ${conf}`, update],
    undo: [`sed -i -e ${quoteSh(turnOn)} ${conf}`, update],
    ...(shared && { note: 'The file holds other certificates too; they are switched off with it.' }),
  };
}

function sedReplacement(text: string): string {
  return text.replaceAll(/[\\&|]/g, String.raw`\$&`);
}

/** What no source selects any more: making everything anew drops it. */
function remake(
  target: Target,
  anchors: readonly TrustAnchor[],
  location: StoreLocation,
  update: string,
): Remediation {
  const common = { disposition: 'safe', shell: 'sh', elevated: true } as const;
  const note = 'No source has the certificate any more; making the bundle and the links anew drops it.';
  if (location.path !== BUNDLE) {
    const undo = anchors.flatMap(({ path }) =>
      canQuoteSh(path)
        ? [
            `ln -s ${quoteSh(realPathOr(target, path))} ${quoteSh(`${target.hostPath(CERTS)}/${posix.basename(path)}`)}`,
          ]
        : [],
    );
    return { ...common, commands: [update], undo, note };
  }
  const backup = backupPath(target, location, BUNDLE);
  const path = quoteSh(target.hostPath(BUNDLE));
  const copy = quoteSh(backup.file);
  return {
    ...common,
    commands: [backup.prepare, `cp -p ${path} ${copy}`, update],
    undo: [`cp -p ${copy} ${path}`],
    note,
  };
}
