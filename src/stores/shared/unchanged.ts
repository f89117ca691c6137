/** The check that a file is still the one that was scanned, with the tool that the system has for it. */

import { quoteSh } from '../../core/shell.ts';
import type { Target } from '../../core/target.ts';
import { scannedFile } from './scanned-file.ts';

/** Reads standard input; prints the digest, two spaces, and a dash. */
export function sha256Command(target: Target): string {
  return target.platform === 'darwin' ? 'shasum -a 256' : 'sha256sum';
}

/** A command that fails when the file is not the one that was scanned. `path` has no links. Throws FsError. */
export function stillHolds(target: Target, path: string): string {
  const sum = `${sha256Command(target)} < ${quoteSh(target.hostPath(path))}`;
  return `test "$(${sum})" = '${scannedFile(target, path).sha256}  -'`;
}
