/** Where a remediation keeps what it takes away, so that its undo can put it back byte for byte. */

import { posix } from 'node:path';
import { sha256 } from '../../core/certificate.ts';
import { quoteSh } from '../../core/shell.ts';
import type { StoreLocation } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { scannedFile } from './scanned-file.ts';

export interface Backup {
  /** Host path of the directory; it may have to be made. */
  readonly directory: string;
  /** Host path of the copy. */
  readonly file: string;
  /** The command that makes the directory, ready to run. */
  readonly prepare: string;
  /**
   * The command that makes the copy of a file that several removals of one scan may change one after the other:
   * the first copy stands, so that the undo of each of them, in any order, leads back to what was scanned.
   */
  readonly keep: string;
}

/**
 * A place outside every trust store: p11-kit and Go read each file of their directories whatever its name, so a
 * copy beside the original could stay trusted. The name carries the hash of path and content: a second removal
 * from the same file never overwrites the first copy.
 */
export function backupPath(target: Target, location: StoreLocation, path: string): Backup {
  const mark = sha256(Buffer.from(`${path}\0${scannedFile(target, path).sha256}`)).slice(0, 12);
  const name = posix
    .basename(path)
    .replaceAll(/[^A-Za-z0-9._-]/g, '_')
    .slice(0, 100);
  const directory = backupDirectory(target, location);
  const file = `${directory}/${mark}-${name}`;
  const copy = quoteSh(file);
  return {
    directory,
    file,
    prepare: `mkdir -p ${quoteSh(directory)}`,
    keep: `test -e ${copy} || cp -p ${quoteSh(target.hostPath(path))} ${copy}`,
  };
}

/** Commands that copy one file byte for byte, and the one that brings it back. An image needs no copies. */
export function saveCommands(
  target: Target,
  location: StoreLocation,
  file: string,
): { readonly commands: readonly string[]; readonly undo: readonly string[] } {
  return copyCommands(target, location, [file]);
}

/** The same for several files; none for no files. */
export function copyCommands(
  target: Target,
  location: StoreLocation,
  files: readonly string[],
): { readonly commands: readonly string[]; readonly undo: readonly string[] } {
  const commands: string[] = [];
  const undo: string[] = [];
  if (target.kind === 'image') return { commands, undo };
  for (const file of files) {
    const backup = backupPath(target, location, file);
    const path = quoteSh(target.hostPath(file));
    const copy = quoteSh(backup.file);
    if (commands.length === 0) commands.push(backup.prepare);
    commands.push(`cp -p ${path} ${copy}`);
    undo.push(`cp -p ${copy} ${path}`);
  }
  return { commands, undo };
}

/** The same for what several removals change one after the other, see {@link Backup.keep}. */
export function keepCommands(
  target: Target,
  location: StoreLocation,
  files: readonly string[],
): { readonly commands: readonly string[]; readonly undo: readonly string[] } {
  if (target.kind === 'image') return { commands: [], undo: [] };
  const backups = files.map((file) => ({ file, backup: backupPath(target, location, file) }));
  return {
    commands: [
      ...backups.slice(0, 1).map(({ backup }) => backup.prepare),
      ...backups.map(({ backup }) => backup.keep),
    ],
    undo: backups.map(
      ({ file, backup }) => `cp -p ${quoteSh(backup.file)} ${quoteSh(target.hostPath(file))}`,
    ),
  };
}

/** Host path of the directory that {@link backupPath} uses. */
export function backupDirectory(target: Target, location: StoreLocation): string {
  const home = target.homes.find(({ user }) => location.scope === 'user' && user === location.user);
  return target.hostPath(home ? `${home.path}/.local/state/rootaudit/backup` : '/var/backups/rootaudit');
}
