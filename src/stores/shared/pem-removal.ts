/** Taking certificates out of PEM files, and putting them back: with the system's own tools, and as data. */

import { groupBy } from '../../core/collections.ts';
import { manual, type Remediation } from '../../core/remediation.ts';
import type { StoreLocation, TrustAnchor } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import { realPathOr } from './content.ts';
import { cutStep, linesOf, type LineRange, type Part } from './cut-bytes.ts';
import type { PemBlock } from './pem-blocks-in-file.ts';
import { pemBlocksOf, scannedFile } from './scanned-file.ts';
import { certificatesOf, deleteStep, planOf, type Step } from './steps.ts';

export interface FileRemoval {
  /** Done after the files have changed; its commands again after the undo: "update-ca-certificates". */
  readonly afterwards?: Step;
  readonly note?: string;
  /** Default: safe. */
  readonly disposition?: 'safe' | 'unsafe';
  /** What a person does where no command can; default: to take it out of its files. */
  readonly byHand?: string;
}

/**
 * Removes what is held as `anchors` from their PEM files. A file that holds nothing else goes as a whole; of a bundle
 * exactly these certificates go, each with its lines. Either way the file has to be the one that was scanned.
 */
export function removeFromPemFiles(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  { afterwards, note, disposition = 'safe', byHand }: FileRemoval = {},
): Remediation {
  const elevated = location.scope !== 'user';
  const removal = pemSteps(target, location, anchors);
  if ('obstacle' in removal) return manual(removal.obstacle, elevated);
  return planOf(target, [...removal.steps, ...(afterwards ? [afterwards] : [])], {
    disposition,
    elevated,
    notes: [note, scanAgain(removal, anchors)],
    byHand: byHand ?? removal.byHand,
  });
}

/** Places in a file, and the hash that guards them, hold for the file that was scanned. */
export function scanAgain(
  { cutsLines }: { readonly cutsLines: boolean },
  anchors: readonly TrustAnchor[],
): string | undefined {
  const isOne = certificatesOf(anchors).length <= 1;
  return cutsLines && isOne
    ? 'Scan again before you take another certificate out of the same file.'
    : undefined;
}

interface PemSteps {
  readonly steps: readonly Step[];
  /** A file stays, without some of its lines. */
  readonly cutsLines: boolean;
  /** What a person does where a step has no commands. */
  readonly byHand: string;
}

/** One step for each file; the reason, in words, where a file cannot lose exactly these certificates. */
export function pemSteps(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
): PemSteps | { readonly obstacle: string } {
  const steps: Step[] = [];
  const files: string[] = [];
  let cutsLines = false;
  for (const [file, held] of groupBy(anchors, ({ path }) => realPathOr(target, path))) {
    const parts = scannedFile(target, file).exists ? partsOf(target, file, held) : undefined;
    const step =
      parts === 'all' ? deleteStep(target, location, file) : parts && cutStep(target, location, file, parts);
    if (!step) return { obstacle: byHandFor([file], 'it cannot be told apart from what else is there') };
    steps.push(step);
    if (step.commands === undefined) files.push(file);
    cutsLines ||= parts !== 'all';
  }
  return { steps, cutsLines, byHand: byHandFor(files, 'no shell command can do it safely') };
}

function byHandFor(files: readonly string[], why: string): string {
  return `Take the certificate out of ${files.join(', ')} by hand: ${why}.`;
}

/** What goes with these certificates of one file. Undefined where something else would go too. */
function partsOf(target: Target, file: string, anchors: readonly TrustAnchor[]): 'all' | Part[] | undefined {
  const held = anchors.length;
  const isAll = anchors.every(({ lines }) => lines === undefined || lines.certificatesInFile <= held);
  const { blocks, hasOthers } = pemBlocksOf(target, file);
  const placed = anchors.map((anchor) => ({ anchor, block: blockOf(blocks, anchor) }));
  const going = new Set(placed.flatMap(({ block }) => block ?? []));
  // A private key is not for us to delete.
  if (isAll && (!hasOthers || going.size === 0)) return 'all';
  if (!canGo(going, blocks, anchors)) return undefined;
  const others = placed.flatMap(({ anchor, block }) => (block ? [] : [anchor.lines]));
  const known = others.filter((lines) => lines !== undefined);
  const byLine = linesOf(target, file, known);
  if (known.length < others.length || (known.length > 0 && !byLine)) return undefined;
  const isCounted = scannedFile(target, file).hasLineFeedsOnly;
  return [...Array.from(going, (block) => partOf(block, isCounted)), ...(byLine ?? [])];
}

function blockOf(blocks: readonly PemBlock[], { lines, certificate }: TrustAnchor): PemBlock | undefined {
  return blocks.find(
    ({ firstLine, lastLine, certificates }) =>
      firstLine === lines?.first && lastLine === lines.last && certificates.includes(certificate.sha256),
  );
}

/** False when another certificate is in one of the blocks, or would lose some of its bytes. */
function canGo(
  going: ReadonlySet<PemBlock>,
  blocks: readonly PemBlock[],
  anchors: readonly TrustAnchor[],
): boolean {
  const wanted = new Set<string>(anchors.map(({ certificate }) => certificate.sha256));
  const staying = blocks.filter((block) => !going.has(block));
  return [...going].every(
    ({ certificates, start, end }) =>
      certificates.every((each) => wanted.has(each)) &&
      staying.every((other) => other.end <= start || end <= other.start),
  );
}

function partOf({ start, end, firstLine, lastLine, hasWholeLines }: PemBlock, isCounted: boolean): Part {
  const lines = isCounted && hasWholeLines ? { lines: { first: firstLine, last: lastLine } } : {};
  return { start, end, ...lines };
}

/** Takes lines (from 1) out of a settings file; undefined where sed would count them in another way. */
export function lineRemoval(
  target: Target,
  location: StoreLocation,
  file: string,
  lines: readonly LineRange[],
): Step | undefined {
  const parts = linesOf(target, file, lines);
  return parts && cutStep(target, location, file, parts);
}
