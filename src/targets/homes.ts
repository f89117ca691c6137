/** The home directories of a target: from its passwd file, and what lies where homes usually are. */

import { asBuffer } from '../core/bytes.ts';
import { FsError, type Home, type ReadFs } from '../core/target.ts';

/** Where each system keeps people's homes. */
const HOME_PARENTS = ['/home', '/Users', '/var/home', '/export/home'];
/** Homes of service accounts that are no homes, but directories that every system has. */
const NOT_HOMES = new Set(['/', '/bin', '/dev', '/usr/sbin', '/usr/bin', '/sbin', '/proc', '/run', '/var']);
const MAX_HOMES = 100_000;

export interface Homes {
  readonly homes: readonly Home[];
  /** Homes that are there and may not be entered. */
  readonly refused: readonly string[];
}

/** Every home that exists and can be entered; `first` goes before the others. */
export function findHomes(fs: ReadFs, first?: Home, parents: readonly string[] = HOME_PARENTS): Homes {
  const homes = new Map<string, Home>();
  const refused: string[] = [];
  for (const home of candidates(fs, first, parents)) {
    if (NOT_HOMES.has(home.path) || homes.size >= MAX_HOMES) continue;
    try {
      const real = fs.realPath(home.path);
      if (real === undefined || NOT_HOMES.has(real) || homes.has(real)) continue;
      if (fs.kind(real) !== 'directory') continue;
      fs.list(real);
      homes.set(real, { user: home.user, path: real });
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      refused.push(home.path);
    }
  }
  return { homes: [...homes.values()], refused: [...new Set(refused)] };
}

function* candidates(fs: ReadFs, first: Home | undefined, parents: readonly string[]): Generator<Home> {
  if (first) yield first;
  yield* passwdHomes(fs);
  yield { user: 'root', path: '/root' };
  yield { user: 'root', path: '/var/root' };
  for (const parent of parents) {
    for (const entry of safely(() => fs.list(parent)) ?? []) {
      if (entry.kind === 'directory' || entry.kind === 'link') {
        yield { user: entry.name, path: `${parent}/${entry.name}` };
      }
    }
  }
}

/** passwd(5): name:password:uid:gid:gecos:home:shell */
function passwdHomes(fs: ReadFs): Home[] {
  const bytes = safely(() => fs.read('/etc/passwd', 16 << 20));
  if (!bytes) return [];
  const homes: Home[] = [];
  for (const line of asBuffer(bytes).toString('utf8').split('\n')) {
    const [user = '', , , , , path = ''] = line.split(':');
    if (user !== '' && path.startsWith('/')) homes.push({ user, path });
  }
  return homes;
}

/** A passwd file or a directory of homes that cannot be read only means fewer homes are known. */
function safely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}
