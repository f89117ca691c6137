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

export const androidUsers = oncePerTarget((target): readonly AndroidUser[] =>
  DATA.flatMap((data) => {
    const parent = `${data}/misc/user`;
    const users = (exists(target, parent) ? expandDirectories(target, `${parent}/*`) : [])
      .filter((directory) => /^\d+$/.test(posix.basename(directory)))
      .map((directory) => ({ id: posix.basename(directory), directory }));
    return users.length > 0 ? users : beforeUsers(target, `${data}/misc/keychain`);
  }),
);

/** The directory is still there in current systems, but holds other things. */
function beforeUsers(target: Target, directory: string): AndroidUser[] {
  const used = [ADDED, REMOVED].some((name) => exists(target, `${directory}/${name}`));
  return used ? [{ id: undefined, directory }] : [];
}
