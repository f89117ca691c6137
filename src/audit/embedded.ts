/**
 * Certificates that only sit in a program (`--deep`): a kind of location of its own. Whether the program trusts them
 * cannot be told from its bytes.
 */

import type { EmbeddedProgram } from '../core/embedded.ts';
import type { StoreLocation, StoreType } from '../core/store.ts';
import { distrustedForAll, heldOnly } from '../core/trust.ts';
import type { StoreSummary } from '../report/report.ts';
import type { FoundStore } from './read-stores.ts';

const EMBEDDED: StoreType = {
  id: 'embedded',
  title: 'Programs and archives that have the certificate built in (--deep)',
  platforms: [],
  locate: () => [],
  read: () => [],
  planRemoval: (_target, { path }) => ({
    disposition: 'manual',
    shell: 'sh',
    commands: [],
    undo: [],
    elevated: false,
    note: `It is part of ${path}, and leaves with that file only: remove the program, or replace it by one that comes without this certificate.`,
  }),
};

/** Databases keep the bytes of what was deleted, in the file or its log: there only the reader of the store can tell. */
const DATABASE = /^(.*)\/(?:(?:cert8|cert9|key3|key4)\.db|[^/]+\.(?:keychain|keychain-db|sqlite|sqlite3))$/;
const LOG = /(?:\.LOG[12]?|-wal|-journal|-shm)$/i;

/** The file that holds a place in a hive of the registry, which is written `/path/of/hive\Key`. */
export function fileOf(path: string): string {
  return path.startsWith('/') ? path.replace(/\\.*$/s, '') : path;
}

/** Tells whether a file is a database, or its log, that one of the stores was read from without a problem. */
export function databaseTest(
  stores: readonly StoreSummary[],
  realPath: (path: string) => string,
): (path: string) => boolean {
  const read = stores
    .filter(({ status }) => status === 'read')
    .flatMap(({ path, aliases }) => [path, ...aliases]);
  const hives = new Set(read.filter((path) => fileOf(path) !== path).map((path) => realPath(fileOf(path))));
  const places = new Set(read.map(realPath));
  return (path) => {
    const file = path.replace(LOG, '');
    const [, directory] = DATABASE.exec(file) ?? [];
    return hives.has(file) || (directory !== undefined && (places.has(file) || places.has(directory)));
  };
}

export function isEmbedded({ type }: FoundStore): boolean {
  return type === EMBEDDED;
}

export function storeOf({ path, format }: EmbeddedProgram): FoundStore {
  const application = path.slice(path.lastIndexOf('/') + 1);
  const location: StoreLocation = { path, application, scope: 'application', format };
  return { id: `${EMBEDDED.id}:${path}`, type: EMBEDDED, location, aliases: [] };
}

export function trustIn({ carriesOnly }: EmbeddedProgram): ReturnType<typeof heldOnly> {
  return carriesOnly === undefined ? heldOnly('built into the program') : distrustedForAll(carriesOnly);
}

export function summaryOf(program: EmbeddedProgram): StoreSummary {
  const { id, type, location, aliases } = storeOf(program);
  const { application, scope, format, path } = location;
  return {
    id,
    type: type.id,
    application,
    scope,
    format,
    path,
    aliases,
    status: 'read',
    anchors: program.certificates,
    trusted: 0,
    notes: [],
  };
}
