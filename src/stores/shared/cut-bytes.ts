/**
 * Taking parts out of a file byte for byte: nothing else of it changes, and it stays the same file with its owner and
 * its permissions. As commands with sed where the parts are whole lines that sed counts alike, else with head(1) and
 * tail(1).
 */

import { sha256 } from '../../core/certificate.ts';
import { manual, type Action, type Remediation } from '../../core/remediation.ts';
import { canQuoteSh, quoteSh } from '../../core/shell.ts';
import type { StoreLocation } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { backupPath, saveCommands } from './backup.ts';
import type { ByteRange } from './pem-blocks-in-file.ts';
import { scannedBytes, scannedFile } from './scanned-file.ts';
import { changeStep, type Step } from './steps.ts';
import { sha256Command, stillHolds } from './unchanged.ts';

/** Line numbers, from 1. */
export interface LineRange {
  readonly first: number;
  readonly last: number;
}

/** Bytes that go. With line numbers: these lines, no more and no less, for everyone who counts line feeds. */
export interface Part extends ByteRange {
  readonly lines?: LineRange;
}

/** More parts than this make no command that anyone could read. */
const MAX_RANGES = 100;

/** `parts` of the file, in whatever order. `file` has no links. */
export function cutStep(
  target: Target,
  location: StoreLocation,
  file: string,
  parts: readonly Part[],
): Step | undefined {
  const ranges = merged(parts);
  const { exists, sha256: whole, endsLine } = scannedFile(target, file);
  if (!exists || ranges.length === 0) return undefined;
  const actions: readonly Action[] = [{ kind: 'cut', path: file, sha256: whole, ranges }];
  const lines = [...new Set(parts.map((part) => part.lines && `${part.lines.first},${part.lines.last}d`))];
  const scripts = lines.filter((line) => line !== undefined);
  // The sed of macOS ends the last line, and takes -i in another way.
  const isMac = target.platform === 'darwin' && target.kind !== 'image';
  if (scripts.length < lines.length || (isMac && !endsLine)) {
    return headAndTail(target, location, file, ranges, actions);
  }
  const script = quoteSh(scripts.join(';'));
  const copy = isMac ? quoteSh(backupPath(target, location, file).file) : '';
  return changeStep(target, location, file, actions, (path) =>
    isMac ? `sed -e ${script} ${copy} > ${path}` : `sed -i -e ${script} ${path}`,
  );
}

function headAndTail(
  target: Target,
  location: StoreLocation,
  file: string,
  ranges: readonly ByteRange[],
  actions: readonly Action[],
): Step {
  const hostFile = target.hostPath(file);
  const windows = target.kind === 'live' && target.platform === 'win32';
  if (windows || ranges.length > MAX_RANGES || !canQuoteSh(hostFile)) {
    return { commands: undefined, undo: [], actions };
  }
  const bytes = scannedBytes(target, file);
  const backup = backupPath(target, location, file);
  const isImage = target.kind === 'image';
  const copy = quoteSh(backup.file);
  const [to, kept] = [quoteSh(hostFile), keptRanges(ranges, bytes.length)];
  const parts = kept.map((range) => partCommand(range, copy, bytes.length));
  const result = sha256(Buffer.concat(kept.map(({ start, end }) => bytes.subarray(start, end))));
  return {
    commands: [
      stillHolds(target, file),
      backup.prepare,
      `cp -p ${to} ${copy}`,
      parts.length === 0 ? `: > ${to}` : `{ ${parts.join('; ')}; } > ${to}`,
      `test "$(${sha256Command(target)} < ${to})" = '${result}  -'`,
      ...(isImage ? [`rm ${copy}`] : []),
    ],
    undo: saveCommands(target, location, file).undo,
    actions,
  };
}

/** In their order, and none that touches another. */
function merged(ranges: readonly ByteRange[]): ByteRange[] {
  const found: { start: number; end: number }[] = [];
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = found.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else found.push({ start, end });
  }
  return found;
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

/** Lines by their numbers, as bytes. Undefined where sed would count them in another way. `file` has no links. */
export function linesOf(target: Target, file: string, lines: readonly LineRange[]): Part[] | undefined {
  if (!scannedFile(target, file).hasLineFeedsOnly) return undefined;
  const starts = lineStarts(scannedBytes(target, file), Math.max(0, ...lines.map(({ last }) => last)));
  return lines.map(({ first, last }) => {
    const end = starts[last] ?? scannedFile(target, file).size;
    return { start: starts[first - 1] ?? end, end, lines: { first, last } };
  });
}

/** Offsets of the first `count` lines and of the one after them, as far as there are any. */
function lineStarts(bytes: Uint8Array, count: number): number[] {
  const starts = [0];
  for (let at = bytes.indexOf(0x0a); at >= 0 && starts.length <= count; at = bytes.indexOf(0x0a, at + 1)) {
    starts.push(at + 1);
  }
  return starts;
}

export function manualRemediation(location: StoreLocation, note: string): Remediation {
  return manual(note, location.scope !== 'user');
}
