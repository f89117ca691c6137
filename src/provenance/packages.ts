/**
 * Which package a file belongs to, as the package manager's own database says: dpkg, RPM (SQLite), apk, pacman. Asked for a
 * few files only; nothing of it is executed.
 */

import type { ReadFs } from '../core/target.ts';
import { parseRpmHeader } from '../formats/rpm-header.ts';
import { openSqlite } from '../formats/sqlite.ts';
import { listNames, readBytes, readText, realPathOr } from './text.ts';

export interface PackageOwner {
  readonly manager: 'dpkg' | 'rpm' | 'apk' | 'pacman';
  readonly name: string;
  /** Empty where the database does not tell it at hand. */
  readonly version: string;
}

type Owners = Map<string, PackageOwner>;

const MAX_DATABASE = 256 << 20;
const MAX_PACKAGES = 50_000;

/** By path as asked for. A file that no package owns is missing. */
export function packageOwners(fs: ReadFs, paths: Iterable<string>): ReadonlyMap<string, PackageOwner> {
  const owners: Owners = new Map();
  const wanted = new Map<string, string>();
  for (const path of paths) {
    for (const name of namesOf(fs, path)) wanted.set(name, path);
  }
  if (wanted.size === 0) return owners;
  for (const ask of [askDpkg, askRpm, askApk, askPacman]) ask(fs, wanted, owners);
  return owners;
}

/** A merged /usr is listed in either spelling. */
function namesOf(fs: ReadFs, path: string): readonly string[] {
  const real = realPathOr(fs, path);
  const names = new Set([path, real]);
  for (const name of [path, real]) {
    if (name.startsWith('/usr/')) names.add(name.slice('/usr'.length));
    else if (/^\/(?:bin|sbin|lib|lib64|lib32)\//.test(name)) names.add(`/usr${name}`);
  }
  return [...names];
}

const DPKG = '/var/lib/dpkg/info';

function askDpkg(fs: ReadFs, wanted: ReadonlyMap<string, string>, owners: Owners): void {
  const lists = listNames(fs, DPKG).filter(({ name }) => name.endsWith('.list'));
  const needles = Array.from(wanted, ([name, path]) => ({ bytes: Buffer.from(`\n${name}\n`), path }));
  for (const { name: file } of lists.slice(0, MAX_PACKAGES)) {
    const list = readBytes(fs, `${DPKG}/${file}`, MAX_DATABASE);
    for (const { bytes, path } of needles) {
      if (owners.has(path) || !list.includes(bytes)) continue;
      const name = file.slice(0, -'.list'.length).replace(/:[^:]*$/, '');
      owners.set(path, { manager: 'dpkg', name, version: dpkgVersion(fs, name) });
    }
  }
}

function dpkgVersion(fs: ReadFs, name: string): string {
  const status = readText(fs, '/var/lib/dpkg/status', MAX_DATABASE);
  const start = `\n${status}`.indexOf(`\nPackage: ${name}\n`);
  if (start === -1) return '';
  return (
    /\nVersion: ([^\n]*)/.exec(`\n${status}`.slice(start, start + 10_000).split('\n\n')[0] ?? '')?.[1] ?? ''
  );
}

const RPM = ['/usr/lib/sysimage/rpm/rpmdb.sqlite', '/var/lib/rpm/rpmdb.sqlite'];

function askRpm(fs: ReadFs, wanted: ReadonlyMap<string, string>, owners: Owners): void {
  const main = RPM.map((path) => ({ path, bytes: readBytes(fs, path, MAX_DATABASE) })).find(
    ({ bytes }) => bytes.length > 0,
  );
  if (!main) return;
  const wal = readBytes(fs, `${main.path}-wal`, MAX_DATABASE);
  const database = openSqlite({ main: main.bytes, ...(wal.length > 0 && { wal }) });
  for (const { blob } of database.rows('Packages', ['blob']).entries) {
    const header = blob instanceof Uint8Array ? parseRpmHeader(blob) : undefined;
    if (!header || !('files' in header)) continue;
    const { name, version } = header;
    for (const file of header.files()) {
      const path = wanted.get(file);
      if (path !== undefined) owners.set(path, { manager: 'rpm', name, version });
    }
  }
}

/** Lines `P:package`, `V:version`, `F:directory` and `R:file`; an empty line ends a package. */
function askApk(fs: ReadFs, wanted: ReadonlyMap<string, string>, owners: Owners): void {
  let [name, version, directory] = ['', '', ''];
  for (const line of readText(fs, '/lib/apk/db/installed', MAX_DATABASE).split('\n')) {
    const value = line.slice(2);
    if (line.startsWith('P:')) name = value;
    else if (line.startsWith('V:')) version = value;
    else if (line.startsWith('F:')) directory = value;
    else if (line.startsWith('R:')) {
      const path = wanted.get(`/${directory}/${value}`);
      if (path !== undefined) owners.set(path, { manager: 'apk', name, version });
    }
  }
}

const PACMAN = '/var/lib/pacman/local';

function askPacman(fs: ReadFs, wanted: ReadonlyMap<string, string>, owners: Owners): void {
  for (const { name: directory } of listNames(fs, PACMAN).slice(0, MAX_PACKAGES)) {
    const [, name, version] = /^(.+)-([^-]+-[^-]+)$/.exec(directory) ?? [];
    if (name === undefined || version === undefined) continue;
    const list = readBytes(fs, `${PACMAN}/${directory}/files`, MAX_DATABASE);
    for (const [file, path] of wanted) {
      if (list.includes(`\n${file.slice(1)}\n`)) owners.set(path, { manager: 'pacman', name, version });
    }
  }
}
