/** What lies below paths of a root, in a form that two moments can be compared in. */

import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../../src/core/certificate.ts';

export interface SnapshotOptions {
  /** Leave out when files were changed: right for what a tool makes anew. */
  readonly withTimes: boolean;
}

/** Path to kind, mode, owner, content and, if wanted, time of every file below `paths`. */
export function snapshot(
  root: string,
  paths: readonly string[],
  options: SnapshotOptions,
): ReadonlyMap<string, string> {
  return new Map(paths.flatMap((path) => entriesOf(root, path, options)));
}

function entriesOf(root: string, path: string, options: SnapshotOptions): [string, string][] {
  const full = join(root, path);
  const stat = lstatSync(full, { throwIfNoEntry: false });
  if (!stat) return [];
  if (stat.isSymbolicLink()) return [[path, `link to ${readlinkSync(full)}`]];
  const owned = `${stat.mode.toString(8)} ${stat.uid}:${stat.gid}`;
  if (stat.isDirectory()) {
    const children = readdirSync(full).flatMap((name) => entriesOf(root, `${path}/${name}`, options));
    return [[path, `directory ${owned}`], ...children];
  }
  const time = options.withTimes ? ` ${stat.mtime.toISOString()}` : '';
  return [[path, `file ${owned}${time} ${sha256(readFileSync(full))}`]];
}
