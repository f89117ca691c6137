/** What an interrupted run left beside files: a store may read it as a part of itself. */

import { readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { RootauditError } from '../core/errors.ts';
import { decodePath } from '../core/shell.ts';
import { explained } from './failure.ts';
import { listJournals, prefixOf, readJournal } from './journal.ts';
import { stateOf } from './node-state.ts';
import { Place, type Root } from './place.ts';
import type { Saved } from './snapshot.ts';

/** Names that begin with `prefix` are ours: files, links, and directories of these. */
export function removeLeftovers(place: Place, prefix: string): void {
  for (const name of namesOf(place, '').filter((each) => each.startsWith(prefix))) {
    if (place.stat(name)?.isDirectory() !== true) {
      unlinkSync(place.at(name));
      continue;
    }
    for (const inner of namesOf(place, name)) unlinkSync(place.at(`${name}/${inner}`));
    rmdirSync(place.at(name));
  }
}

function namesOf(place: Place, name: string): readonly string[] {
  return readdirSync(place.at(name), { encoding: 'buffer' }).map(decodePath);
}

/** In every directory that one run may have worked in. */
export function cleanUp(root: Root, saved: readonly Saved[], prefix: string): void {
  for (const { path } of saved) {
    if (stateOf(root, path).kind !== 'directory') continue;
    const place = Place.open(root, path);
    try {
      explained(path, () => removeLeftovers(place, prefix));
    } finally {
      place.close();
    }
  }
}

/** Of every interrupted run on the same root. */
export function cleanUpAfterOthers(base: string, root: Root): void {
  for (const { directory, root: host, status } of listJournals(base)) {
    if ((status !== 'unfinished' && status !== 'undoing') || host !== (root.host || '/')) continue;
    const saved = readJournal(directory).flatMap((record) => (record.type === 'saved' ? record.nodes : []));
    try {
      cleanUp(root, saved, prefixOf(directory));
    } catch (error) {
      // A directory that may no longer be written: the undo of that run tells about it.
      if (!(error instanceof RootauditError)) throw error;
    }
  }
}
