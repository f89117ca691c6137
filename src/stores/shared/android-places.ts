/** Where Android's partitions lie on a target: at their places in a whole system, or as the root themselves. */

import { posix } from 'node:path';
import type { Target } from '../../core/target.ts';
import { exists } from './content.ts';
import { expandDirectories } from './directories.ts';
import { oncePerTarget } from './once.ts';

/** An Android user (0 is the owner, from 10 on further ones and work profiles). */
export interface AndroidUser {
  /** Undefined in systems before there were several. */
  readonly id: string | undefined;
  /** Holds `cacerts-added` and `cacerts-removed`. */
  readonly directory: string;
}

/** The first of the places of a partition that has `inside`. */
export function placesOf(target: Target, places: readonly string[], inside: string): string[] {
  return places.map((place) => place + inside).filter((path) => exists(target, path));
}

export const SYSTEM = ['/system', '/system/system', ''];
export const DATA = ['/data', ''];

export const ADDED = 'cacerts-added';
export const REMOVED = 'cacerts-removed';

/** The usual users, for a device that does not let us list them: owner, work profiles, and copies of apps. */
const USUAL_USERS = ['0', '10', '11', '12', '13', '14', '15', '95', '150', '999'];

export interface AndroidUsers {
  readonly users: readonly AndroidUser[];
  /** Directories of users that may not be listed: there may be more users. */
  readonly unlisted: readonly string[];
}

export const androidUsers = oncePerTarget((target): AndroidUsers => {
  const unlisted: string[] = [];
  const users = DATA.flatMap((data) => {
    const parent = `${data}/misc/user`;
    if (!exists(target, parent)) return beforeUsers(target, `${data}/misc/keychain`);
    const names = expandDirectories(target, `${parent}/*`).map((path) => posix.basename(path));
    const refused = names.includes('*');
    if (refused) unlisted.push(parent);
    const ids = refused ? USUAL_USERS : names.filter((name) => /^\d+$/.test(name));
    const found = ids.map((id) => ({ id, directory: `${parent}/${id}` }));
    const there = refused ? found.filter(({ directory }) => exists(target, directory)) : found;
    return there.length > 0 ? there : beforeUsers(target, `${data}/misc/keychain`);
  });
  return { users, unlisted };
});

/** The directory is still there in current systems, but holds other things. */
function beforeUsers(target: Target, directory: string): AndroidUser[] {
  const used = [ADDED, REMOVED].some((name) => exists(target, `${directory}/${name}`));
  return used ? [{ id: undefined, directory }] : [];
}
