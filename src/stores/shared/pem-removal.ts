/** Taking one certificate out of PEM files with the system's own tools, and putting it back. */

import { asBuffer } from '../../core/bytes.ts';
import { sha256 } from '../../core/certificate.ts';
import { groupBy } from '../../core/collections.ts';
import type { Remediation } from '../../core/remediation.ts';
import { canQuoteSh, quoteSh } from '../../core/shell.ts';
import type { StoreLocation, TrustAnchor } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { backupPath } from './backup.ts';
import { realPathOr } from './content.ts';

export interface FileRemoval {
  /** Run after the files have changed, and again after the undo: "update-ca-certificates". */
  readonly afterwards?: string;
  readonly note?: string;
  /** Default: safe. */
  readonly disposition?: 'safe' | 'unsafe';
}

/** Commands for one file. */
export interface Step {
  readonly commands: readonly string[];
  readonly undo: readonly string[];
}

/**
 * Removes the certificate held as `anchors` from their PEM files. A file that holds nothing else is moved to the
 * backup directory; from a bundle exactly its lines are cut. Either way the command first checks that the file is
 * still the one that was scanned.
 */
export function removeFromPemFiles(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  { afterwards, note, disposition = 'safe' }: FileRemoval = {},
): Remediation {
  const elevated = location.scope !== 'user';
  const byFile = groupBy(anchors, ({ path }) => realPathOr(target, path));
  const steps: Step[] = [];
  for (const [file, held] of byFile) {
    const step = fileStep(target, location, file, held);
    if (!step) return byHand(file, elevated);
    steps.push(step);
  }
  const after = afterwards === undefined ? [] : [afterwards];
  return {
    disposition,
    shell: 'sh',
    commands: [...steps.flatMap(({ commands }) => commands), ...after],
    undo: [...steps.flatMap(({ undo }) => undo), ...after],
    elevated,
    ...(note !== undefined && { note }),
  };
}

function fileStep(
  target: Target,
  location: StoreLocation,
  file: string,
  anchors: readonly TrustAnchor[],
): Step | undefined {
  const whole = anchors.every(
    ({ lines }) => lines === undefined || lines.certificatesInFile <= anchors.length,
  );
  return whole
    ? fileCommands(target, location, file, (path) => `rm ${path}`)
    : lineRemoval(
        target,
        location,
        file,
        anchors.flatMap(({ lines }) => lines ?? []),
      );
}

/** Takes lines (from 1) out of a text file; undefined where sed would count them in another way. */
export function lineRemoval(
  target: Target,
  location: StoreLocation,
  file: string,
  lines: readonly { readonly first: number; readonly last: number }[],
): Step | undefined {
  const ranges = lines.map(({ first, last }) => `${first},${last}d`);
  return fileCommands(target, location, file, (path, bytes) =>
    // sed counts lines by line feeds only.
    hasOtherLineEnds(bytes) ? undefined : `sed -i -e ${quoteSh(ranges.join(';'))} ${path}`,
  );
}

/** A change of one file, after a check that it is still the scanned one and a copy. */
function fileCommands(
  target: Target,
  location: StoreLocation,
  file: string,
  change: (path: string, bytes: Uint8Array) => string | undefined,
): Step | undefined {
  const bytes = target.fs.read(file);
  const hostFile = target.hostPath(file);
  if (!bytes || !canQuoteSh(hostFile)) return undefined;
  const backup = backupPath(target, location, file);
  const path = quoteSh(hostFile);
  const copy = quoteSh(backup.file);
  const command = change(path, bytes);
  if (command === undefined) return undefined;
  const unchanged = `test "$(sha256sum < ${path})" = '${sha256(bytes)}  -'`;
  return {
    commands: [unchanged, backup.prepare, `cp -p ${path} ${copy}`, command],
    undo: [`cp -p ${copy} ${path}`],
  };
}

function hasOtherLineEnds(bytes: Uint8Array): boolean {
  return /\r(?!\n)|\0/.test(asBuffer(bytes).toString('latin1'));
}

function byHand(file: string, elevated: boolean): Remediation {
  return {
    disposition: 'manual',
    shell: 'sh',
    commands: [],
    undo: [],
    elevated,
    note: `Take the certificate out of ${file} by hand: its name or its line ends cannot be handled by a shell command safely.`,
  };
}
