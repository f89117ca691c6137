/**
 * Taking a part out of a text file byte for byte, with head(1) and tail(1): nothing else of the file changes, and it
 * stays the same file with its owner and its permissions.
 */

import { sha256 } from '../../core/certificate.ts';
import { manual, type Remediation } from '../../core/remediation.ts';
import { canQuoteSh, quoteSh } from '../../core/shell.ts';
import type { StoreLocation } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { backupPath } from './backup.ts';
import { realPathOr } from './content.ts';
import type { Step } from './pem-removal.ts';
import { sha256Command, stillHolds } from './unchanged.ts';

/** Byte offsets, `end` exclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** More parts than this make no command that anyone could read. */
const MAX_RANGES = 100;

/** `ranges` of `bytes`, which the file at `path` holds, in their order; undefined where no command can do it. */
export function cutRanges(
  target: Target,
  location: StoreLocation,
  path: string,
  bytes: Uint8Array,
  ranges: readonly ByteRange[],
): Step | undefined {
  const file = realPathOr(target, path);
  const hostFile = target.hostPath(file);
  const windows = target.kind === 'live' && target.platform === 'win32';
  if (windows || ranges.length === 0 || ranges.length > MAX_RANGES || !canQuoteSh(hostFile)) return undefined;
  const backup = backupPath(target, location, file);
  const copy = quoteSh(backup.file);
  const [to, kept] = [quoteSh(hostFile), keptRanges(ranges, bytes.length)];
  const parts = kept.map((range) => partCommand(range, copy, bytes.length));
  const result = sha256(Buffer.concat(kept.map(({ start, end }) => bytes.subarray(start, end))));
  return {
    commands: [
      stillHolds(target, file),
      backup.prepare,
      `cp -p ${to} ${copy}`,
      `{ ${parts.join('; ')}; } > ${to}`,
      `test "$(${sha256Command(target)} < ${to})" = '${result}  -'`,
    ],
    undo: [`cp -p ${copy} ${to}`],
  };
}

function keptRanges(ranges: readonly ByteRange[], length: number): ByteRange[] {
  const kept: ByteRange[] = [];
  let start = 0;
  for (const range of [...ranges, { start: length, end: length }]) {
    if (range.start > start) kept.push({ start, end: range.start });
    start = range.end;
  }
  return kept;
}

function partCommand({ start, end }: ByteRange, copy: string, length: number): string {
  if (start === 0) return `head -c ${end} ${copy}`;
  const rest = `tail -c +${start + 1} ${copy}`;
  return end === length ? rest : `${rest} | head -c ${end - start}`;
}

export function manualRemediation(location: StoreLocation, note: string): Remediation {
  return manual(note, location.scope !== 'user');
}
