/** One file: the certificates in its bytes, and in what is packed in it. */

import type { Certificate } from '../core/certificate.ts';
import type { EmbeddedCertificate } from '../core/embedded.ts';
import type { Problem } from '../core/errors.ts';
import { asBuffer } from '../core/bytes.ts';
import type { OpenFile, PassingFile } from '../core/target.ts';
import type { Archive, Source } from '../formats/archive.ts';
import { openAsar } from '../formats/asar.ts';
import { Carver, type CarvedCertificate } from '../formats/carve.ts';
import { openZip } from '../formats/zip.ts';
import { Findings, MAX_HELD, offsetText } from './findings.ts';
import { hasMarks, MarkSearch } from './known-carriers.ts';
import { memberAt, scanGzip, scanMembers } from './members.ts';

/** Memory that is used for one file after the other. */
interface Windows {
  readonly file: Buffer;
  readonly member: Buffer;
}

export interface ScanContext {
  readonly windows: Windows;
  /** True for a certificate that is asked for; the others are only counted. */
  readonly wanted: (certificate: Certificate) => boolean;
}

export interface ProgramContent {
  readonly format: string;
  readonly held: readonly EmbeddedCertificate[];
  readonly certificates: number;
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
  /** How the file is packed, where that is not unpacked here: "xz". */
  readonly packed?: string;
  /** True when all of these byte strings (as latin1) are somewhere in the file. */
  readonly hasMarks: (marks: readonly string[]) => boolean;
}

export async function scanProgram(file: PassingFile, context: ScanContext): Promise<ProgramContent> {
  const { path, content } = file;
  const findings = new Findings(path, context.wanted);
  const carver = new Carver(context.windows.file);
  return 'read' in content
    ? scanWhole(path, content, carver, findings, context)
    : scanPieces(file, content, carver, findings, context);
}

async function scanWhole(
  path: string,
  file: OpenFile,
  carver: Carver,
  findings: Findings,
  { windows, wanted }: ScanContext,
): Promise<ProgramContent> {
  const { head, found } = carveSource(file, carver, wanted, findings);
  for (const diagnostic of carver.diagnostics) findings.fail(diagnostic);
  const archive = openArchive(path, file, carver);
  for (const { certificate, offset } of found) {
    findings.add(certificate, () => place(offset, archive));
  }
  if (archive) await scanMembers(archive, file, windows.member, findings);
  else if (isGzip(head)) await scanGzip(file, windows.member, findings);
  return contentOf(findings, head, archive, (marks) => hasMarks(file, marks, windows.file));
}

/** What goes by once is searched as it is: an archive's members lie in an order that it tells at its end only. */
async function scanPieces(
  { path, size }: PassingFile,
  pieces: AsyncIterable<Uint8Array>,
  carver: Carver,
  findings: Findings,
  { wanted }: ScanContext,
): Promise<ProgramContent> {
  const marks = new MarkSearch(path);
  let head = Buffer.alloc(0);
  const add = (found: readonly CarvedCertificate[]): void => {
    for (const { certificate, offset } of found) {
      if (wanted(certificate)) findings.add(certificate, () => offsetText(offset));
      else findings.certificates++;
    }
  };
  for await (const piece of pieces) {
    const bytes = asBuffer(piece);
    if (head.length < HEAD_SIZE) head = Buffer.concat([head, bytes.subarray(0, HEAD_SIZE - head.length)]);
    marks.add(bytes);
    add(carver.push(bytes));
  }
  add(carver.end());
  for (const diagnostic of carver.diagnostics) findings.fail(diagnostic);
  if (isGzip(head) || isZip(head)) {
    const message = `archive of ${size} bytes in a compressed layer: what is packed in it was not looked at`;
    findings.fail({ level: 'error', code: 'too-large', message });
  }
  return contentOf(findings, head, undefined, (wantedMarks) => marks.found(wantedMarks));
}

function contentOf(
  { held, certificates, problems, notes }: Findings,
  head: Buffer,
  archive: Archive | undefined,
  marks: ProgramContent['hasMarks'],
): ProgramContent {
  const packed = archive ? undefined : packedAs(head);
  const format = archive?.format ?? packed ?? formatOf(head);
  const content = { format, held, certificates, problems, notes, hasMarks: marks };
  return { ...content, ...(packed !== undefined && { packed }) };
}

/** Reads everything once. Certificates that nobody asks for are counted at once and not kept. */
function carveSource(
  source: Source,
  carver: Carver,
  wanted: ScanContext['wanted'],
  findings: Findings,
): { head: Buffer; found: readonly CarvedCertificate[] } {
  const found: CarvedCertificate[] = [];
  let head = Buffer.alloc(0);
  const keep = (carved: readonly CarvedCertificate[]): void => {
    for (const each of carved) {
      if (found.length <= MAX_HELD && wanted(each.certificate)) found.push(each);
      else findings.certificates++;
    }
  };
  for (;;) {
    const free = carver.free();
    const length = source.read(free, carver.length);
    if (head.length === 0) head = Buffer.from(free.subarray(0, Math.min(length, HEAD_SIZE)));
    keep(carver.advance(length));
    if (length < free.length) break;
  }
  keep(carver.end());
  return { head, found };
}

function openArchive(path: string, source: Source, carver: Carver): Archive | undefined {
  // The size that a file system tells may be wrong; what was read is not.
  const whole: Source = { size: carver.length, read: (into, offset) => source.read(into, offset) };
  if (path.endsWith('.asar')) return openAsar(whole);
  return openZip(whole, carver.tail);
}

function place(offset: number, archive: Archive | undefined): string {
  const member = archive && memberAt(archive, offset);
  return member ? `${member.name}, ${offsetText(member.offset)}` : offsetText(offset);
}

const HEAD_SIZE = 16;

function isGzip(head: Buffer): boolean {
  return head.length > 10 && head.readUIntBE(0, 3) === 0x1f8b08;
}

/** Beginnings of files whose content is packed in a way that is not unpacked here. */
const PACKED: readonly (readonly [RegExp, string])[] = [
  [/^fd377a585a00/, 'xz'],
  [/^425a683[1-9]314159265359/, 'bzip2'],
  [/^28b52ffd/, 'zstd'],
  [/^04224d18/, 'lz4'],
  [/^(?:68737173|73717368)/, 'SquashFS'],
  [/^377abcaf271c/, '7z'],
  [/^526172211a07/, 'RAR'],
  [/^4d53434600000000/, 'cabinet'],
  [/^edabeedb/, 'RPM'],
  [/^213c617263683e0a64656269616e2d62/, 'Debian package'],
  [/^7f454c46.{8}414902/, 'AppImage'],
];

function packedAs(head: Buffer): string | undefined {
  const hex = head.toString('hex');
  return PACKED.find(([magic]) => magic.test(hex))?.[1];
}

function isZip(head: Buffer): boolean {
  return head.length > 4 && head.readUInt32BE(0) === 0x504b0304;
}

const MAGICS: readonly (readonly [string, string])[] = [
  ['7f454c46', 'ELF'],
  ['4d5a', 'PE'],
  ['cffaedfe', 'Mach-O'],
  ['cefaedfe', 'Mach-O'],
  ['cafebabe', 'Mach-O or Java class'],
  ['1f8b08', 'gzip'],
  ['2d2d2d2d2d424547494e', 'PEM'],
];

function formatOf(head: Buffer): string {
  const hex = head.toString('hex');
  return MAGICS.find(([magic]) => hex.startsWith(magic))?.[1] ?? 'file';
}
