/** Further input paths that an administrator gave p11-kit's trust module (pkcs11.conf(5), `x-init-reserved`). */

import { posix } from 'node:path';
import { asBuffer } from '../core/bytes.ts';
import type { Remediation } from '../core/remediation.ts';
import type { StoreContent, StoreLocation, StoreType, TrustAnchor } from '../core/store.ts';
import { FsError, type Target } from '../core/target.ts';
import {
  EMPTY_CONTENT,
  exists,
  mergeContents,
  problemContent,
  fsProblem,
  readFile,
} from './shared/content.ts';
import { readP11KitSource } from './shared/p11-kit-source.ts';
import { removeOrBlock, trustedOnes } from './shared/p11-kit-removal.ts';
import { P11_KIT_LAYOUTS } from './shared/p11-kit-stores.ts';
import { removeFromPemFiles } from './shared/pem-removal.ts';

/** A file in the first directory replaces the one of the same name in the second. */
const MODULE_DIRECTORIES = ['/etc/pkcs11/modules', '/usr/share/p11-kit/modules'];
const MAX_MODULE_BYTES = 1 << 20;
const MAX_PATHS = 100;

/** Read by the distributions' own store types. */
const COVERED: ReadonlySet<string> = new Set([
  ...Object.values(P11_KIT_LAYOUTS).flatMap(({ paths }) => [...paths]),
  '/etc/ssl/certs/ca-certificates.crt',
]);

const configured: StoreType = {
  id: 'p11-kit',
  title: "Paths configured for p11-kit's trust module",
  platforms: ['linux', 'freebsd', 'openbsd', 'netbsd', 'sunos'],
  locate(target) {
    return ownPaths(target)
      .filter((path) => exists(target, path))
      .map((path): StoreLocation => ({
        path,
        application: 'p11-kit (configured path)',
        scope: 'system',
        format: 'p11-kit, PEM',
      }));
  },
  read(target, location) {
    const { paths, content } = configuredPaths(target);
    // A distrust in one path holds for all of them, so all are read; each location then tells its own part.
    const all = readP11KitSource(target, paths.includes(location.path) ? paths : [location.path]);
    const isOwn = (path: string): boolean => path === location.path || path.startsWith(`${location.path}/`);
    return [
      content,
      {
        anchors: all.anchors.filter(({ path }) => isOwn(path)),
        problems: all.problems.filter(({ path }) => isOwn(path)),
        notes: all.notes,
      },
    ];
  },
  planRemoval: (target, location, anchors) => planFor(target, location, anchors, false),
  planDistrust: (target, location, anchors) => planFor(target, location, anchors, true),
};

/** Which command makes files of these paths, if any, is not known. */
function planFor(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  refuse: boolean,
): Remediation {
  const held = trustedOnes(anchors);
  const isOwn = ({ path }: TrustAnchor): boolean =>
    !path.startsWith('/usr/') || path.startsWith('/usr/local/');
  const ownDirectory = configuredPaths(target).paths.find(
    (path) => path.startsWith('/etc/') && exists(target, path, 'directory'),
  );
  const isPackaged = !held.every(isOwn);
  if (ownDirectory !== undefined && (isPackaged || refuse)) {
    return removeOrBlock(target, location, held, { ownDirectory, isOwn, afterwards: undefined, refuse });
  }
  return removeFromPemFiles(target, location, held, {
    ...(isPackaged && {
      disposition: 'unsafe',
      note: 'The file may belong to a package, whose next update would restore it.',
    }),
  });
}

export const stores: readonly StoreType[] = [configured];

function ownPaths(target: Target): string[] {
  return configuredPaths(target).paths.filter((path) => !COVERED.has(path));
}

/** The paths of all modules, in order. */
function configuredPaths(target: Target): {
  readonly paths: readonly string[];
  readonly content: StoreContent;
} {
  const paths = new Set<string>();
  const contents: StoreContent[] = [];
  const seen = new Set<string>();
  for (const directory of MODULE_DIRECTORIES) {
    for (const name of moduleNames(target, directory, contents)) {
      if (seen.has(name)) continue;
      seen.add(name);
      const file = readFile(target, `${directory}/${name}`, MAX_MODULE_BYTES);
      if ('failed' in file) contents.push(file.failed);
      else for (const path of modulePaths(asBuffer(file.bytes).toString('utf8'))) paths.add(path);
    }
  }
  return { paths: [...paths].slice(0, MAX_PATHS), content: mergeContents(contents) };
}

function moduleNames(target: Target, directory: string, contents: StoreContent[]): readonly string[] {
  try {
    return target.fs
      .list(directory)
      .map(({ name }) => name)
      .filter((name) => name.endsWith('.module'));
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    contents.push(problemContent(fsProblem(error)));
    return EMPTY_CONTENT.notes;
  }
}

/** `x-init-reserved: paths='/one:/two'` */
function modulePaths(text: string): string[] {
  const value = /^[ \t]*x-init-reserved[ \t]*:(.*)$/m.exec(text)?.[1] ?? '';
  const match = /(?:^|\s)paths\s*=\s*(?:'([^']*)'|"([^"]*)"|(\S+))/.exec(value);
  const list = match?.[1] ?? match?.[2] ?? match?.[3] ?? '';
  return list
    .split(':')
    .map((path) => path.trim())
    .filter((path) => path.startsWith('/'))
    .map((path) => posix.normalize(path).replace(/(?<=.)\/$/, ''));
}
