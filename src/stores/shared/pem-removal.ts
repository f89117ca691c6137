/** Taking one certificate out of PEM files with the system's own tools, and putting it back. */

import { groupBy } from '../../core/collections.ts';
import { manual, type Remediation } from '../../core/remediation.ts';
import { canQuoteSh, quoteSh } from '../../core/shell.ts';
import type { StoreLocation, TrustAnchor } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { backupPath } from './backup.ts';
import { realPathOr } from './content.ts';
import { scannedFile } from './scanned-file.ts';
import { stillHolds } from './unchanged.ts';

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
  /** The file stays, and lines are cut from it by their numbers. */
  readonly byLine?: true;
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
    ...noteOf([note, steps.some(({ byLine }) => byLine) ? SCAN_AGAIN : undefined]),
  };
}

/** Line numbers, and the hash that guards them, hold for the file that was scanned. */
const SCAN_AGAIN = 'Scan again before you take another certificate out of the same file.';

function noteOf(notes: readonly (string | undefined)[]): { readonly note?: string } {
  const known = notes.filter((note) => note !== undefined);
  return known.length === 0 ? {} : { note: known.join(' ') };
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
  if (!scannedFile(target, file).hasLineFeedsOnly) return undefined;
  const script = quoteSh(ranges.join(';'));
  // The sed of macOS takes -i in another way.
  const step = fileCommands(target, location, file, (path, copy) =>
    target.platform === 'darwin' ? `sed -e ${script} ${copy} > ${path}` : `sed -i -e ${script} ${path}`,
  );
  return step && { ...step, byLine: true };
}

/** A change of one file, after a check that it is still the scanned one and a copy. */
function fileCommands(
  target: Target,
  location: StoreLocation,
  file: string,
  change: (path: string, copy: string) => string,
): Step | undefined {
  const hostFile = target.hostPath(file);
  if (!scannedFile(target, file).exists || !canQuoteSh(hostFile)) return undefined;
  const backup = backupPath(target, location, file);
  const path = quoteSh(hostFile);
  const copy = quoteSh(backup.file);
  return {
    commands: [stillHolds(target, file), backup.prepare, `cp -p ${path} ${copy}`, change(path, copy)],
    undo: [`cp -p ${copy} ${path}`],
  };
}

function byHand(file: string, elevated: boolean): Remediation {
  return manual(
    `Take the certificate out of ${file} by hand: its name or its line ends cannot be handled by a shell command safely.`,
    elevated,
  );
}
