/**
 * ZIP archives (.jar, .apk, .xpi, .whl …): where the members lie, from the central directory. APPNOTE.TXT 6.3.10 by
 * PKWARE. Also archives that begin after something else, such as a self-extracting program.
 */

import type { Diagnostic } from '../core/errors.ts';
import { readExact, type Archive, type Member, type Source } from './archive.ts';

const END = 0x06054b50;
const END_SIZE = 22;
const END64_LOCATOR = 0x07064b50;
const END64_LOCATOR_SIZE = 20;
const END64 = 0x06064b50;
const END64_SIZE = 56;
const CENTRAL = 0x02014b50;
const CENTRAL_SIZE = 46;
const LOCAL = 0x04034b50;
const LOCAL_SIZE = 30;
const ZIP64_EXTRA = 1;
const UNKNOWN = 0xffffffff;

const MAX_DIRECTORY_BYTES = 64 << 20;
const MAX_MEMBERS = 500_000;
/** What the end of the central directory takes up at most, with its comment. */
const ZIP_TAIL = END_SIZE + 0xffff;

interface Directory {
  readonly offset: number;
  readonly size: number;
  /** What has to be added to each offset, when the archive does not begin where the file does. */
  readonly shift: number;
}

/** `tail` is the end of the source. Undefined when it is no archive. */
export function openZip(source: Source, tail: Buffer): Archive | undefined {
  const directory = findDirectory(source, tail);
  if (!directory) return undefined;
  const diagnostics: Diagnostic[] = [];
  const members = [...readMembers(source, directory, diagnostics)];
  return { format: 'ZIP', members, diagnostics, dataStart: (member) => dataStart(source, member) };
}

function findDirectory(source: Source, tail: Buffer): Directory | undefined {
  const last = tail.subarray(Math.max(0, tail.length - ZIP_TAIL));
  for (let at = last.lastIndexOf('PK\x05\x06', last.length - END_SIZE, 'latin1'); at >= 0;) {
    // The comment has to reach the end of the file exactly: these octets stand in programs that read archives, too.
    if (last.readUInt16LE(at + 20) === last.length - at - END_SIZE) {
      return directoryAt(source, source.size - last.length + at, last.subarray(at));
    }
    if (at === 0) return undefined;
    at = last.lastIndexOf('PK\x05\x06', at - 1, 'latin1');
  }
  return undefined;
}

function directoryAt(source: Source, at: number, end: Buffer): Directory | undefined {
  if (end.readUInt32LE(0) !== END) return undefined;
  const told = end.readUInt32LE(16);
  const asTold: Directory = { offset: told, size: at - told, shift: 0 };
  const moved = directoryBefore(at, end.readUInt32LE(12), told);
  return [directory64(source, at), asTold, moved].find((each) => each && begins(source, each));
}

function directory64(source: Source, at: number): Directory | undefined {
  const locator = readExact(source, at - END64_LOCATOR_SIZE, END64_LOCATOR_SIZE);
  if (locator?.readUInt32LE(0) !== END64_LOCATOR) return undefined;
  const position = at - END64_LOCATOR_SIZE - END64_SIZE;
  const end = readExact(source, position, END64_SIZE);
  if (end?.readUInt32LE(0) !== END64) return undefined;
  return directoryBefore(position, Number(end.readBigUInt64LE(40)), Number(end.readBigUInt64LE(48)));
}

/** The directory ends where its end record begins, wherever the archive was moved to. */
function directoryBefore(end: number, size: number, toldOffset: number): Directory {
  const offset = end - size;
  return { offset, size, shift: offset - toldOffset };
}

function begins(source: Source, { offset, size, shift }: Directory): boolean {
  if (size <= 0 || shift < 0) return false;
  return readExact(source, offset, 4)?.readUInt32LE(0) === CENTRAL;
}

function* readMembers(source: Source, directory: Directory, diagnostics: Diagnostic[]): Generator<Member> {
  const fail = (code: 'limit' | 'malformed', message: string, offset: number): void => {
    diagnostics.push({ level: 'error', code, message, offset });
  };
  const size = Math.min(directory.size, MAX_DIRECTORY_BYTES);
  if (size < directory.size) fail('limit', `list of members of ${directory.size} bytes`, directory.offset);
  const bytes = readExact(source, directory.offset, size);
  if (!bytes) return fail('malformed', 'list of members cut off', directory.offset);
  let position = 0;
  for (let count = 0; position + CENTRAL_SIZE <= bytes.length; count++) {
    if (bytes.readUInt32LE(position) !== CENTRAL) {
      return fail('malformed', 'damaged list of members', directory.offset + position);
    }
    if (count >= MAX_MEMBERS)
      return fail('limit', `more than ${MAX_MEMBERS} members`, directory.offset + position);
    const nameLength = bytes.readUInt16LE(position + 28);
    const extraLength = bytes.readUInt16LE(position + 30);
    const next = position + CENTRAL_SIZE + nameLength + extraLength + bytes.readUInt16LE(position + 32);
    if (next > bytes.length) return fail('malformed', 'list of members cut off', directory.offset + position);
    yield readMember(bytes.subarray(position, next), nameLength, extraLength, directory.shift);
    position = next;
  }
}

function readMember(header: Buffer, nameLength: number, extraLength: number, shift: number): Member {
  const flags = header.readUInt16LE(8);
  const nameEnd = CENTRAL_SIZE + nameLength;
  const name = header.subarray(CENTRAL_SIZE, nameEnd);
  const [size, packedSize, start] = sizes(header, header.subarray(nameEnd, nameEnd + extraLength));
  return {
    name: name.toString('utf8'),
    packing: packingOf(flags, header.readUInt16LE(10)),
    packedSize,
    size,
    start: start + shift,
  };
}

function packingOf(flags: number, method: number): Member['packing'] {
  if ((flags & 1) !== 0) return 'encrypted';
  if (method === 0) return 'stored';
  return method === 8 ? 'deflate' : 'unsupported';
}

/** Size, packed size and offset; those that need more than 32 bits are in an extra field, in this order. */
function sizes(header: Buffer, extra: Buffer): [number, number, number] {
  const long = extraField(extra, ZIP64_EXTRA);
  let position = 0;
  const value = (short: number): number => {
    if (short !== UNKNOWN || !long || position + 8 > long.length) return short;
    position += 8;
    return Number(long.readBigUInt64LE(position - 8));
  };
  const size = value(header.readUInt32LE(24));
  const packedSize = value(header.readUInt32LE(20));
  return [size, packedSize, value(header.readUInt32LE(42))];
}

function extraField(extra: Buffer, id: number): Buffer | undefined {
  for (let position = 0; position + 4 <= extra.length;) {
    const end = position + 4 + extra.readUInt16LE(position + 2);
    if (extra.readUInt16LE(position) === id) return extra.subarray(position + 4, end);
    position = end;
  }
  return undefined;
}

function dataStart(source: Source, { start }: Member): number | undefined {
  const header = readExact(source, start, LOCAL_SIZE);
  if (header?.readUInt32LE(0) !== LOCAL) return undefined;
  return start + LOCAL_SIZE + header.readUInt16LE(26) + header.readUInt16LE(28);
}
