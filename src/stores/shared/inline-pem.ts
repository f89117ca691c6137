/** Certificates written into a line of a settings file: npm's `ca="-----BEGIN …\n…"`, base64 in a kubeconfig. */

import { asBuffer } from '../../core/bytes.ts';
import { certificateFrom } from '../../core/certificate.ts';
import { manual, type Remediation } from '../../core/remediation.ts';
import type { StoreContent, StoreLocation, TrustAnchor } from '../../core/store.ts';
import type { Target } from '../../core/target.ts';
import type { Trust } from '../../core/trust.ts';
import { parsePem } from '../../formats/pem.ts';
import { diagnosticsContent, EMPTY_CONTENT, mergeContents, readFile, realPathOr } from './content.ts';
import { lineRemoval } from './pem-removal.ts';
import { planOf } from './steps.ts';

/** Settings with certificates in them have a few hundred kilobytes at most. */
const MAX_FILE_BYTES = 16 << 20;
const MAX_VALUES = 10_000;

export interface InlineRule {
  /** `exec` gives the value of a line as its first group. */
  readonly line: RegExp;
  /** The value as PEM or DER; undefined for a value that is no certificate. */
  readonly decode: (value: string) => Uint8Array | undefined;
  readonly trust: Trust;
  /** "certificate-authority-data" */
  readonly entry: string;
}

/** Every certificate of every such line. */
export function readInline(target: Target, path: string, rule: InlineRule): StoreContent {
  const file = readFile(target, path, MAX_FILE_BYTES);
  if ('failed' in file) return file.failed;
  const contents: StoreContent[] = [];
  for (const [index, text] of asBuffer(file.bytes).toString('utf8').split('\n').entries()) {
    const value = rule.line.exec(text)?.[1];
    const bytes = value === undefined ? undefined : rule.decode(value);
    if (bytes) contents.push(contentOf(path, index + 1, bytes, rule));
    if (contents.length >= MAX_VALUES) {
      const message = `more than ${MAX_VALUES} lines with certificates`;
      contents.push({ ...EMPTY_CONTENT, problems: [{ code: 'limit', path, message }] });
      break;
    }
  }
  return mergeContents(contents);
}

function contentOf(
  path: string,
  line: number,
  bytes: Uint8Array,
  { trust, entry }: InlineRule,
): StoreContent {
  const { entries, diagnostics } = parsePem(bytes);
  const anchors = entries.map(({ der }, index): TrustAnchor => ({
    certificate: certificateFrom(der),
    entry: entries.length === 1 ? `${entry} in line ${line}` : `${entry} in line ${line}, ${index + 1}`,
    path,
    trust,
    lines: { first: line, last: line, certificatesInFile: Number.MAX_SAFE_INTEGER },
  }));
  const placed = diagnostics.map(({ level, code, message }) => ({ level, code, message, line }));
  return mergeContents([{ ...EMPTY_CONTENT, anchors }, diagnosticsContent(path, placed)]);
}

/** Takes the lines out, where nothing else is on them. */
export function removeInline(
  target: Target,
  location: StoreLocation,
  anchors: readonly TrustAnchor[],
  rule: InlineRule,
  note: string,
): Remediation {
  const elevated = location.scope !== 'user';
  const lines = anchors.flatMap((anchor) => anchor.lines ?? []);
  const all = readInline(target, location.path, rule).anchors;
  const others = all.filter(
    (anchor) =>
      lines.some(({ first }) => first === anchor.lines?.first) &&
      !anchors.some(({ entry }) => entry === anchor.entry),
  );
  const text = asBuffer(target.fs.read(location.path, MAX_FILE_BYTES) ?? new Uint8Array()).toString('utf8');
  const isListItem = lines.some(({ first }) => /^\s*-\s/.test(text.split('\n')[first - 1] ?? ''));
  const step =
    others.length > 0 || isListItem
      ? undefined
      : lineRemoval(target, location, realPathOr(target, location.path), lines);
  const numbers = [...new Set(lines.map(({ first }) => first))].join(', ');
  const byHand = `Take the certificate out of ${location.path}, line ${numbers}, by hand`;
  if (!step) return manual(`${byHand}: other things are on that line too.`, elevated);
  const notes = [note];
  return planOf(target, [step], { disposition: 'unsafe', elevated, notes, byHand: `${byHand}.` });
}
