/**
 * PEM files of certificates as trust stores hold them (RFC 7468 and older habits), OpenSSL's TRUSTED CERTIFICATE,
 * PKCS#7 blocks, and the plain DER files that carry the same file extensions.
 */

import { asBuffer } from '../core/bytes.ts';
import { readTlv, Tag, type Tlv } from '../core/der.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import { count } from '../core/text.ts';
import { readCertAux, type CertAux } from './cert-aux.ts';
import { MAX_BLOCKS, PemBlockScanner, type PemBlock } from './pem-blocks.ts';
import { looksLikePkcs7, parsePkcs7 } from './pkcs7.ts';

export interface PemEntry {
  /** The block's label; `DER` and `PKCS7` also for files that are no PEM. All certificates of a block share it. */
  readonly label: string;
  /** All decoded bytes; for a TRUSTED CERTIFICATE without what follows the certificate. */
  readonly der: Uint8Array;
  /** The trust settings of a TRUSTED CERTIFICATE that has any. */
  readonly aux?: CertAux;
  /** Line numbers, from 1. */
  readonly firstLine: number;
  readonly lastLine: number;
  /** Byte range of the block, without the line end after it. */
  readonly start: number;
  readonly end: number;
  /** The nearest text above the block that looks like its name. */
  readonly comment?: string;
}

/** The label of an entry from a file that is one DER certificate. */
export const DER_LABEL = 'DER';

const TRUSTED = 'TRUSTED CERTIFICATE';
const CERTIFICATE_LABELS: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE', TRUSTED]);
const PKCS7_LABELS: ReadonlySet<string> = new Set(['PKCS7', 'CMS', 'PKCS #7 SIGNED DATA']);
/** Remains of a damaged block, and the fingerprints that certifi and OpenBSD write. */
const NO_NAME = /^-----|^\s*[A-Za-z0-9+/=]{40,}\s*$|fingerprint/i;
const MAX_COMMENT_BYTES = 2048;
const MAX_NOTES = 100;

/** Reads every certificate of a file. Blocks that cannot be read become diagnostics; the others still count. */
export function parsePem(bytes: Uint8Array): Parsed<PemEntry> {
  const narrow = narrowUtf16(bytes);
  if (!narrow) return parseText(asBuffer(bytes));
  const { entries, diagnostics } = parseText(narrow);
  const message = 'encoded as UTF-16: programs based on OpenSSL find nothing in it';
  return {
    entries: entries.map((entry) => ({ ...entry, start: 2 + entry.start * 2, end: 2 + entry.end * 2 })),
    diagnostics: [
      note(message),
      ...diagnostics.map((each) =>
        each.offset === undefined ? each : { ...each, offset: 2 + each.offset * 2 },
      ),
    ],
  };
}

function parseText(text: Buffer): Parsed<PemEntry> {
  const entries: PemEntry[] = [];
  const diagnostics: Diagnostic[] = [];
  const ignored = new Map<string, number>();
  const textStart = text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? 3 : 0;
  if (textStart > 0) diagnostics.push(note('starts with a byte order mark'));
  // A DER file may have PEM blocks after it, and programs that look for PEM would find those.
  const isDer = readDerFile(text, entries, diagnostics);
  const isWanted = (label: string): boolean => CERTIFICATE_LABELS.has(label) || PKCS7_LABELS.has(label);
  const scanner = new PemBlockScanner(text, textStart, isWanted, diagnostics);
  for (let block = scanner.next(); block; block = scanner.next()) {
    if (!block.data) ignored.set(block.label, (ignored.get(block.label) ?? 0) + 1);
    else if (PKCS7_LABELS.has(block.label)) addPkcs7(block, block.data, entries, diagnostics);
    else addCertificate(text, block, block.data, entries, diagnostics);
    if (entries.length >= MAX_BLOCKS) {
      diagnostics.push({ level: 'error', code: 'limit', message: `more than ${MAX_BLOCKS} certificates` });
      break;
    }
  }
  addIgnored(ignored, diagnostics);
  const nothing = !isDer && entries.length === 0 && ignored.size === 0;
  if (nothing && !diagnostics.some(({ level }) => level === 'error'))
    diagnostics.push(emptyOrJunk(text, textStart));
  return { entries, diagnostics };
}

function addCertificate(
  text: Buffer,
  block: PemBlock,
  data: Uint8Array,
  entries: PemEntry[],
  diagnostics: Diagnostic[],
): void {
  const { label, firstLine, lastLine, start, end } = block;
  const comment = commentAbove(text, block);
  try {
    const outer = certificateElement(block, data);
    if (block.midLine)
      noteAt(diagnostics, block, 'the block begins inside a line: not every program reads it');
    if (label === TRUSTED) {
      const entry = { label, der: data.subarray(0, outer.end), firstLine, lastLine, start, end };
      const aux = auxOf(block, data, outer.end, diagnostics);
      entries.push({ ...entry, ...aux, ...(comment !== undefined && { comment }) });
      return;
    }
    if (outer.end < data.length) {
      noteAt(diagnostics, block, `${count(data.length - outer.end, 'byte')} after the certificate`);
    }
    const entry = { label, der: data, firstLine, lastLine, start, end };
    entries.push(comment === undefined ? entry : { ...entry, comment });
  } catch (error) {
    const { code, message } = toDiagnostic(error);
    diagnostics.push({
      level: 'error',
      code,
      message: `no certificate: ${message}`,
      offset: start,
      line: firstLine,
    });
  }
}

function certificateElement({ encrypted }: PemBlock, data: Uint8Array): Tlv {
  // Headers are not to be believed: p11-kit takes no notice of them and reads a certificate that is plain.
  if (encrypted && !isSequence(data)) throw new FormatError('unsupported', 'the block is encrypted');
  const outer = readTlv(data, 0);
  if (outer.tag !== Tag.sequence) throw new FormatError('malformed', 'the block does not hold a SEQUENCE', 0);
  return outer;
}

function isSequence(data: Uint8Array): boolean {
  try {
    const outer = readTlv(data, 0);
    return outer.tag === Tag.sequence && outer.end === data.length;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

function auxOf(
  block: PemBlock,
  data: Uint8Array,
  offset: number,
  diagnostics: Diagnostic[],
): { aux?: CertAux } {
  if (offset >= data.length) return {};
  try {
    const aux = readCertAux(data, offset);
    if (aux.end < data.length) noteAt(diagnostics, block, 'bytes after the trust settings');
    return { aux };
  } catch (error) {
    // The certificate itself is whole, so it is kept; its trust is what remains unknown.
    const { code, message } = toDiagnostic(error);
    diagnostics.push({ level: 'error', code, message, offset: block.start, line: block.firstLine });
    return {};
  }
}

function addPkcs7(block: PemBlock, data: Uint8Array, entries: PemEntry[], diagnostics: Diagnostic[]): void {
  const { label, firstLine, lastLine, start, end } = block;
  const inner = parsePkcs7(data);
  for (const der of inner.entries) entries.push({ label, der, firstLine, lastLine, start, end });
  for (const each of inner.diagnostics) diagnostics.push({ ...each, offset: start, line: firstLine });
}

/** True when the file is DER: one certificate, or PKCS#7 with any number. */
function readDerFile(bytes: Buffer, entries: PemEntry[], diagnostics: Diagnostic[]): boolean {
  if (bytes[0] !== Tag.sequence) return false;
  let inner: Tlv;
  let outer: Tlv;
  try {
    outer = readTlv(bytes, 0);
    inner = readTlv(bytes, outer.contentStart, outer.contentEnd);
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
  const common = { firstLine: 1, lastLine: 1, start: 0, end: bytes.length };
  if (looksLikePkcs7(bytes)) {
    const pkcs7 = parsePkcs7(bytes);
    for (const der of pkcs7.entries) entries.push({ label: 'PKCS7', der, ...common });
    diagnostics.push(...pkcs7.diagnostics);
    return true;
  }
  // Text can begin with the octet 0x30 too ("0"), but not with this one after the length.
  if (inner.tag !== Tag.sequence) return false;
  entries.push({ label: DER_LABEL, der: bytes, ...common });
  if (outer.end < bytes.length)
    diagnostics.push(note(`${count(bytes.length - outer.end, 'byte')} after the certificate`));
  return true;
}

/** UTF-16 with a byte order mark as one octet per character; what is no Latin-1 cannot belong to a block. */
function narrowUtf16(bytes: Uint8Array): Buffer | undefined {
  const little = bytes[0] === 0xff && bytes[1] === 0xfe;
  if (!little && !(bytes[0] === 0xfe && bytes[1] === 0xff)) return undefined;
  const out = Buffer.alloc((bytes.length - 2) >> 1);
  for (let index = 0; index < out.length; index++) {
    const first = bytes[2 + index * 2] ?? 0;
    const second = bytes[3 + index * 2] ?? 0;
    const high = little ? second : first;
    out[index] = high === 0 ? (little ? first : second) : 0x3f;
  }
  return out;
}

/** certifi writes `# Label: "Name"`, curl a name and a line of `=`, p11-kit `# Name`. */
function commentAbove(text: Buffer, block: PemBlock): string | undefined {
  if (block.start - block.textStart < 3) return undefined;
  const from = Math.max(block.textStart, block.start - MAX_COMMENT_BYTES);
  const above = text.toString('utf8', from, block.start);
  const label = /^# Label: "(.*)"/m.exec(above)?.[1];
  if (label) return label;
  const named = above.split(/\r\n?|\n/).findLast((line) => /[^\s#=-]/.test(line) && !NO_NAME.test(line));
  return named?.replace(/^[\s#=-]+/, '').trim();
}

function addIgnored(ignored: ReadonlyMap<string, number>, diagnostics: Diagnostic[]): void {
  for (const [label, times] of [...ignored].slice(0, MAX_NOTES)) {
    const what = label.endsWith('PRIVATE KEY') ? 'holds a private key' : 'ignored';
    diagnostics.push(note(`${what}: ${count(times, 'block')} "${label}"`));
  }
}

function emptyOrJunk(text: Buffer, textStart: number): Diagnostic {
  const lines = text.toString('latin1', textStart, textStart + MAX_COMMENT_BYTES * 8).split(/[\r\n]+/);
  const onlyComments = lines.every((line) => /^\s*(?:[#;]|\/\/|$)/.test(line));
  if (onlyComments) return note('holds no certificate');
  return { level: 'error', code: 'malformed', message: 'neither PEM nor a DER certificate' };
}

function noteAt(diagnostics: Diagnostic[], block: PemBlock, message: string): void {
  diagnostics.push({ level: 'note', code: 'note', message, offset: block.start, line: block.firstLine });
}

function note(message: string): Diagnostic {
  return { level: 'note', code: 'note', message };
}
