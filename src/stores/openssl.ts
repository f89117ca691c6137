/** Where OpenSSL itself looks: its own directory, and what SSL_CERT_FILE and SSL_CERT_DIR name instead. */

import { posix } from 'node:path';
import { asBuffer } from '../core/bytes.ts';
import type { StoreContent, StoreLocation, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { trustedForAll } from '../core/trust.ts';
import { readCertificateDirectory } from './shared/certificate-directory.ts';
import { exists, readFile, readPemFile, walkFiles, withAux } from './shared/content.ts';
import { removeFromPemFiles } from './shared/pem-removal.ts';

/** OPENSSLDIR as distributions and Homebrew build it: `openssl version -d`. */
const OPENSSL_DIRECTORIES = [
  '/usr/lib/ssl',
  '/etc/ssl',
  '/etc/pki/tls',
  '/usr/local/ssl',
  '/etc/openssl',
  '/usr/local/etc/openssl@3',
  '/opt/homebrew/etc/openssl@3',
];

function* readFileOrDirectory(target: Target, { path }: StoreLocation): Generator<StoreContent> {
  const trust = trustedForAll('listed');
  if (target.fs.stat(path)?.kind === 'directory') yield* readCertificateDirectory(target, path);
  else yield readPemFile(target, path, posix.basename(path), (entry) => withAux(entry, trust));
}

const directory: StoreType = {
  id: 'openssl-dir',
  title: "OpenSSL's own cert.pem and certs directory",
  platforms: ['linux', 'darwin', 'freebsd', 'openbsd', 'netbsd', 'sunos'],
  locate: (target) =>
    OPENSSL_DIRECTORIES.flatMap((path) => [
      ...whenThere(target, `${path}/cert.pem`, 'OpenSSL (cert.pem)', 'file'),
      ...whenThere(target, `${path}/certs`, 'OpenSSL (certs)', 'directory'),
    ]),
  read: readFileOrDirectory,
  planRemoval: (target, location, anchors) =>
    removeFromPemFiles(target, location, anchors, {
      disposition: 'unsafe',
      note: 'If a package or a tool made this file, its next update may bring the certificate back.',
    }),
};

const fromEnvironment: StoreType = {
  id: 'openssl-env',
  title: 'SSL_CERT_FILE and SSL_CERT_DIR, from the environment and the files that set it',
  platforms: ['linux', 'darwin', 'freebsd', 'openbsd', 'netbsd', 'sunos', 'win32'],
  locate(target) {
    const own = Object.entries(target.environment).flatMap(([name, value]) =>
      isCertificateVariable(name) && value !== undefined
        ? locationsOf(target, { name, value }, 'environment')
        : [],
    );
    return [...own, ...fileSettings(target)];
  },
  read: readFileOrDirectory,
  planRemoval: (target, location, anchors) => removeFromPemFiles(target, location, anchors),
};

export const stores: readonly StoreType[] = [directory, fromEnvironment];

function whenThere(
  target: Target,
  path: string,
  application: string,
  kind: 'file' | 'directory',
): readonly StoreLocation[] {
  return exists(target, path, kind) ? [{ path, application, scope: 'system', format: 'PEM' }] : [];
}

interface Setting {
  readonly name: string;
  readonly value: string;
  readonly user?: string;
}

function isCertificateVariable(name: string): boolean {
  return name === 'SSL_CERT_FILE' || name === 'SSL_CERT_DIR';
}

/** SSL_CERT_DIR is a list. A relative path depends on where a program starts: it cannot be followed. */
function locationsOf(
  target: Target,
  { name, value, user }: Setting,
  origin: string,
): readonly StoreLocation[] {
  const paths = name === 'SSL_CERT_DIR' ? value.split(':') : [value];
  return paths
    .filter((path) => path.startsWith('/') && exists(target, path))
    .map((path) => ({
      path,
      application: `${name} (${origin})`,
      scope: user === undefined ? 'system' : 'user',
      format: 'PEM',
      ...(user !== undefined && { user }),
    }));
}

/** Files that give every process, or every shell of a user, its environment. */
const SYSTEM_FILES = [
  '/etc/environment',
  '/etc/profile',
  '/etc/bash.bashrc',
  '/etc/zsh/zshenv',
  '/etc/zshenv',
];
const USER_FILES = [
  '.profile',
  '.bash_profile',
  '.bashrc',
  '.zshenv',
  '.zprofile',
  '.zshrc',
  '.pam_environment',
];

function fileSettings(target: Target): readonly StoreLocation[] {
  const { files: profiles } = walkFiles(target, '/etc/profile.d', (name) => name.endsWith('.sh'), 1);
  const system = [...SYSTEM_FILES, ...profiles].flatMap((path) => settingsIn(target, path));
  const users = target.homes.flatMap(({ user, path: home }) => {
    const { files } = walkFiles(target, `${home}/.config/environment.d`, (name) => name.endsWith('.conf'), 1);
    const own = [...USER_FILES.map((name) => `${home}/${name}`), ...files];
    return own.flatMap((path) => settingsIn(target, path, { user, home }));
  });
  return [...system, ...users];
}

/** A start-up file is text of a few kilobytes. */
const MAX_SETTINGS_BYTES = 1 << 20;
/** `NAME=value`, `export NAME="value"`, pam_env's `NAME DEFAULT=value`. */
const ASSIGNMENT =
  /^\s*(?:export\s+)?(SSL_CERT_FILE|SSL_CERT_DIR)(?:\s+DEFAULT)?=(?:"([^"]*)"|'([^']*)'|([^\s;#]*))/gm;

function settingsIn(
  target: Target,
  path: string,
  owner?: { readonly user: string; readonly home: string },
): readonly StoreLocation[] {
  const file = readFile(target, path, MAX_SETTINGS_BYTES);
  if ('failed' in file) return [];
  const text = asBuffer(file.bytes).toString('utf8');
  return [...text.matchAll(ASSIGNMENT)].flatMap(([, name = '', quoted, single, plain]) => {
    const raw = quoted ?? single ?? plain ?? '';
    const value = owner ? raw.replace(/^(?:~(?=\/)|\$HOME\b|\$\{HOME\})/, owner.home) : raw;
    return locationsOf(target, { name, value, ...(owner && { user: owner.user }) }, path);
  });
}
