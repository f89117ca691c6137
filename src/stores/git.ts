/**
 * git: http.sslCAInfo, http.sslCAPath and their proxy forms, for all servers or for one (git-config(1)), and
 * GIT_SSL_CAINFO, GIT_SSL_CAPATH. With http.sslBackend=schannel git on Windows takes Windows' roots instead.
 */

import { posix } from 'node:path';
import type { Home, Target } from '../core/target.ts';
import { trustFor, trustedForAll, type Trust } from '../core/trust.ts';
import { certificateFileStore, type CertificateFile } from './shared/certificate-files.ts';
import { expandPaths } from './shared/directories.ts';
import { systemDrive } from './shared/drive.ts';
import {
  expandFilesInHome,
  filesNamedIn,
  filesOfVariables,
  namedValues,
  resolvePath,
  type NamedValue,
  type SettingsRule,
} from './shared/named-files.ts';

const SYSTEM = [
  '/etc/gitconfig',
  '/usr/local/etc/gitconfig',
  '/opt/homebrew/etc/gitconfig',
  '/usr/pkg/etc/gitconfig',
  '/Library/Developer/CommandLineTools/usr/share/git-core/gitconfig',
  '/Applications/Xcode.app/Contents/Developer/usr/share/git-core/gitconfig',
  '/Program Files/Git/etc/gitconfig',
  '/Program Files/Git/mingw64/etc/gitconfig',
  '/ProgramData/Git/config',
];
/** The last are repositories: those in the home itself and in the directories that people keep them in. */
const USER = [
  '.gitconfig',
  '.config/git/config',
  '.git/config',
  '*/.git/config',
  ...['src', 'projects', 'code', 'git', 'repos', 'work', 'workspace'].map((name) => `${name}/*/.git/config`),
  'AppData/Local/Programs/Git/etc/gitconfig',
];

const USUAL = 'the roots of the system';
const KEYS = ['sslCAInfo', 'sslCAPath', 'proxySSLCAInfo'];
/** Includes lead to includes. */
const MAX_DEPTH = 10;

function trustOf({ section }: NamedValue): Trust {
  const url = /^http\s+"(.*)"$/i.exec(section)?.[1];
  return url === undefined
    ? trustedForAll('http.sslCAInfo')
    : trustFor({ serverAuth: 'trusted' }, `http.sslCAInfo, for ${url} only`);
}

const RULE: SettingsRule = { program: 'git', keys: KEYS, replaces: USUAL, trust: trustOf };

function* find(target: Target): Generator<CertificateFile> {
  yield* filesOfVariables(target, [
    { program: 'git', names: ['GIT_SSL_CAINFO', 'GIT_SSL_CAPATH', 'GIT_PROXY_SSL_CAINFO'], replaces: USUAL },
  ]);
  const drive = systemDrive(target);
  const seen = new Set<string>();
  for (const path of SYSTEM.flatMap((pattern) => expandPaths(target, drive + pattern))) {
    yield* inFile(target, path, undefined, seen);
  }
  for (const home of target.homes) {
    for (const path of expandFilesInHome(target, home, USER)) yield* inFile(target, path, home, seen);
  }
}

function* inFile(
  target: Target,
  path: string,
  home: Home | undefined,
  seen: Set<string>,
  depth = 0,
): Generator<CertificateFile> {
  if (seen.has(path) || depth > MAX_DEPTH) return;
  seen.add(path);
  yield* filesNamedIn(target, path, RULE, home);
  for (const { value, section } of namedValues(target, path, ['path'])) {
    if (!/^include(?:if\b.*)?$/i.test(section)) continue;
    const included = resolvePath(value, home?.path, posix.dirname(path));
    if (included !== undefined) yield* inFile(target, included, home, seen, depth + 1);
  }
}

export const store = certificateFileStore({
  id: 'git',
  title: 'git: http.sslCAInfo and http.sslCAPath of every configuration file, GIT_SSL_CAINFO',
  find,
});
