/**
 * The header of an installed package as the database of RPM keeps it: an index of tags over one block of data. After
 * https://rpm-software-management.github.io/rpm/manual/hregions.html and lib/header.c of RPM 4.
 */

import { ByteReader } from '../core/bytes.ts';
import { FormatError, toDiagnostic, type Diagnostic } from '../core/errors.ts';

export interface RpmPackage {
  readonly name: string;
  /** Version and release: "2023.2.60-1.el9". */
  readonly version: string;
  /** Full paths of the files it installed. */
  readonly files: () => Iterable<string>;
}

const TAG = {
  name: 1000,
  version: 1001,
  release: 1002,
  dirIndexes: 1116,
  baseNames: 1117,
  dirNames: 1118,
} as const;
const ENTRY_SIZE = 16;
const MAX_ENTRIES = 65_536;
const MAX_STRINGS = 2_000_000;

interface Entry {
  readonly offset: number;
  readonly count: number;
}

/** Never throws; a header that cannot be read is a diagnostic. */
export function parseRpmHeader(bytes: Uint8Array): RpmPackage | Diagnostic {
  try {
    return read(bytes);
  } catch (error) {
    return toDiagnostic(error);
  }
}

function read(bytes: Uint8Array): RpmPackage {
  const reader = new ByteReader(bytes);
  const [entries, dataSize] = [reader.u32(), reader.u32()];
  const dataStart = 8 + entries * ENTRY_SIZE;
  if (entries > MAX_ENTRIES || dataStart + dataSize > bytes.length) {
    throw new FormatError('malformed', `RPM header of ${entries} tags and ${dataSize} bytes`, 0);
  }
  const index = new Map<number, Entry>();
  for (let i = 0; i < entries; i++) {
    const [tag, , offset, count] = [reader.u32(), reader.u32(), reader.u32(), reader.u32()];
    index.set(tag, { offset, count });
  }
  const data = bytes.subarray(dataStart, dataStart + dataSize);
  const text = (tag: number): string => strings(data, index.get(tag))[0] ?? '';
  const release = text(TAG.release);
  return {
    name: text(TAG.name),
    version: release === '' ? text(TAG.version) : `${text(TAG.version)}-${release}`,
    files: () => filesOf(data, index),
  };
}

function* filesOf(data: Uint8Array, index: ReadonlyMap<number, Entry>): Generator<string> {
  const directories = strings(data, index.get(TAG.dirNames));
  const indexes = index.get(TAG.dirIndexes);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (const [i, name] of strings(data, index.get(TAG.baseNames)).entries()) {
    const at = (indexes?.offset ?? 0) + i * 4;
    if (!indexes || i >= indexes.count || at + 4 > data.length) return;
    yield `${directories[view.getUint32(at)] ?? ''}${name}`;
  }
}

/** Strings that end with NUL, one after the other; those that the data has. */
function strings(data: Uint8Array, entry: Entry | undefined): readonly string[] {
  const found: string[] = [];
  let start = entry?.offset ?? data.length;
  while (found.length < Math.min(entry?.count ?? 0, MAX_STRINGS)) {
    const end = data.indexOf(0, start);
    if (end === -1) break;
    found.push(Buffer.from(data.subarray(start, end)).toString('utf8'));
    start = end + 1;
  }
  return found;
}
