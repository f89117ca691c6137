/** Members of archives, one archive inside of another included, and gzip files: unpacked in bounded memory. */

import { FormatError, toDiagnostic } from '../core/errors.ts';
import { count } from '../core/text.ts';
import { readExact, sourceOf, type Archive, type Member, type Source } from '../formats/archive.ts';
import { Carver, type CarvedCertificate } from '../formats/carve.ts';
import { inflate, inflateSmall, SMALL } from '../formats/inflate.ts';
import { openZip } from '../formats/zip.ts';
import { offsetText, type Findings } from './findings.ts';

/** What one file may unpack to: real archives come nowhere near, and what is made to fill memory or time stops here. */
const FREE_OUTPUT = 256 << 20;
const OUTPUT_PER_BYTE = 100;
/** An archive inside of another is unpacked into memory. */
const MAX_NESTED_BYTES = 64 << 20;
const ZIP_HEAD = 0x504b0304;
/** Enough for the end of a ZIP archive. */
const TAIL_SIZE = 0x1_0100;

interface Work {
  readonly source: Source;
  readonly window: Buffer;
  readonly findings: Findings;
  /** Bytes that may still be unpacked. */
  left: number;
}

export async function scanMembers(
  archive: Archive,
  source: Source,
  window: Buffer,
  findings: Findings,
): Promise<void> {
  const work = { source, window, findings, left: FREE_OUTPUT + source.size * OUTPUT_PER_BYTE };
  await scanArchive(archive, work, '');
}

export async function scanGzip(source: Source, window: Buffer, findings: Findings): Promise<void> {
  const left = FREE_OUTPUT + source.size * OUTPUT_PER_BYTE;
  const carver = new Carver(window);
  const add = (found: readonly CarvedCertificate[]): void => {
    for (const each of found) findings.add(each.certificate, () => `unpacked, ${offsetText(each.offset)}`);
  };
  try {
    for await (const piece of inflate(source, 0, source.size, 'gzip', left)) add(carver.push(piece));
  } catch (error) {
    findings.fail(toDiagnostic(error));
  }
  add(carver.end());
  for (const diagnostic of carver.diagnostics) findings.fail(diagnostic, 'unpacked');
}

/** `parent` names the member that the archive is, when it lies in another. */
async function scanArchive(archive: Archive, work: Work, parent: string): Promise<void> {
  const { findings } = work;
  for (const diagnostic of archive.diagnostics) findings.fail(diagnostic, parent);
  let closed = 0;
  for (const member of archive.members) {
    const name = parent === '' ? member.name : `${parent}!${member.name}`;
    if (member.packing === 'encrypted' || member.packing === 'unsupported') closed++;
    if (member.packedSize === 0) continue;
    try {
      if (member.packing === 'stored' && parent === '') await scanStored(archive, member, work);
      if (member.packing === 'deflate') await scanDeflated(archive, member, name, work, parent === '');
    } catch (error) {
      findings.fail(toDiagnostic(error), name);
      if (work.left <= 0) return;
    }
  }
  if (closed > 0) {
    const what = `${count(closed, 'member')} encrypted or packed in a way that is not read here`;
    findings.note(parent === '' ? what : `${parent}: ${what}`);
  }
}

/** Its bytes were seen when the file was read. Only an archive has more to tell. */
async function scanStored(archive: Archive, member: Member, work: Work): Promise<void> {
  const start = archive.dataStart(member);
  if (start === undefined) throw new FormatError('malformed', 'damaged header', member.start);
  const { source } = work;
  if (readExact(source, start, 4)?.readUInt32BE(0) !== ZIP_HEAD) return;
  const size = Math.min(member.packedSize, source.size - start);
  const inner: Source = {
    size,
    read: (into, offset) =>
      offset >= size
        ? 0
        : source.read(into.subarray(0, Math.min(into.length, size - offset)), start + offset),
  };
  await scanNested(inner, member.name, work);
}

async function scanNested(inner: Source, name: string, work: Work): Promise<Archive | undefined> {
  const tailSize = Math.min(inner.size, TAIL_SIZE);
  const tail = readExact(inner, inner.size - tailSize, tailSize);
  const archive = tail && openZip(inner, tail);
  if (!archive) return undefined;
  const nested = { ...work, source: inner };
  await scanArchive(archive, nested, name);
  work.left = nested.left;
  return archive;
}

async function scanDeflated(
  archive: Archive,
  member: Member,
  name: string,
  work: Work,
  mayNest: boolean,
): Promise<void> {
  const start = archive.dataStart(member);
  if (start === undefined) throw new FormatError('malformed', 'damaged header', member.start);
  const carver = new Carver(work.window);
  const found: CarvedCertificate[] = [];
  const pieces = new Pieces(mayNest);
  let failure: unknown;
  try {
    for await (const piece of unpack(member, start, work)) {
      pieces.add(piece);
      for (const each of carver.push(piece)) found.push(each);
    }
  } catch (error) {
    failure = error;
  }
  for (const each of carver.end()) found.push(each);
  for (const diagnostic of carver.diagnostics) work.findings.fail(diagnostic, name);
  const nested = pieces.whole();
  const inner = nested && failure === undefined ? await scanNested(sourceOf(nested), name, work) : undefined;
  for (const { certificate, offset } of found) {
    work.findings.add(certificate, () => {
      const at = inner && memberAt(inner, offset);
      return at ? `${name}!${at.name}, ${offsetText(at.offset)}` : `${name}, ${offsetText(offset)}`;
    });
  }
  if (failure !== undefined) throw failure;
  if (pieces.isTooLarge) {
    throw new FormatError('too-large', `archive of more than ${MAX_NESTED_BYTES} bytes in an archive`);
  }
}

async function* unpack(member: Member, start: number, work: Work): AsyncGenerator<Buffer> {
  const { source } = work;
  if (member.packedSize <= SMALL && member.size <= SMALL) {
    const bytes = inflateSmall(source, start, member.packedSize, member.size, Math.min(2 * SMALL, work.left));
    work.left -= bytes.length;
    yield bytes;
    return;
  }
  for await (const piece of inflate(source, start, member.packedSize, 'deflate', work.left)) {
    work.left -= piece.length;
    yield piece;
  }
}

/** The bytes of a member that is an archive itself, as they come; of any other member nothing is kept. */
class Pieces {
  #pieces: Buffer[] = [];
  #length = 0;
  #isArchive: boolean | undefined;
  isTooLarge = false;

  constructor(mayBeArchive: boolean) {
    this.#isArchive = mayBeArchive ? undefined : false;
  }

  add(piece: Buffer): void {
    this.#isArchive ??= piece.length >= 4 && piece.readUInt32BE(0) === ZIP_HEAD;
    if (!this.#isArchive) return;
    this.#length += piece.length;
    if (this.#length > MAX_NESTED_BYTES) {
      this.isTooLarge = true;
      this.#isArchive = false;
      this.#pieces = [];
    } else this.#pieces.push(piece);
  }

  whole(): Buffer | undefined {
    return this.#isArchive && this.#length > 0 ? Buffer.concat(this.#pieces) : undefined;
  }
}

/** The stored member that `offset` of the archive lies in, and where in it. */
export function memberAt(archive: Archive, offset: number): { name: string; offset: number } | undefined {
  let best: { name: string; offset: number } | undefined;
  for (const member of archive.members) {
    if (member.packing !== 'stored' || member.start > offset) continue;
    // A header of a ZIP member is shorter than this; reading it is for the few that may matter.
    if (offset - member.start > member.packedSize + 0x2_0000 + 30) continue;
    const start = archive.dataStart(member);
    if (start === undefined || offset < start || offset >= start + member.packedSize) continue;
    if (!best || offset - start < best.offset) best = { name: member.name, offset: offset - start };
  }
  return best;
}
