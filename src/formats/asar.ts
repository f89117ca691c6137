/** asar, the archive of Electron applications: a JSON tree of files, and their bytes one after the other. */

import type { Diagnostic } from '../core/errors.ts';
import { readExact, type Archive, type Member, type Source } from './archive.ts';

/** Two pickles of Chromium: the size of the header, then the header as a string. */
const PREFIX_SIZE = 16;
const MAX_HEADER_BYTES = 32 << 20;
const MAX_MEMBERS = 500_000;
const MAX_DEPTH = 64;

/** Undefined when it is no archive. */
export function openAsar(source: Source): Archive | undefined {
  const prefix = readExact(source, 0, PREFIX_SIZE);
  if (prefix?.readUInt32LE(0) !== 4) return undefined;
  const [headerSize, pickleSize, length] = [4, 8, 12].map((at) => prefix.readUInt32LE(at));
  if (headerSize === undefined || pickleSize === undefined || length === undefined) return undefined;
  if (headerSize !== pickleSize + 4 || length + 4 > pickleSize || pickleSize - length > 8) return undefined;
  const base = 8 + headerSize;
  const diagnostics: Diagnostic[] = [];
  const members: Member[] = [];
  const archive: Archive = { format: 'asar', members, diagnostics, dataStart: ({ start }) => start };
  if (length > MAX_HEADER_BYTES) {
    diagnostics.push({ level: 'error', code: 'limit', message: `list of members of ${length} bytes` });
    return archive;
  }
  const header = parseHeader(readExact(source, PREFIX_SIZE, length));
  if (!header) return undefined;
  addMembers(header, '', base, members, 0);
  if (members.length >= MAX_MEMBERS) {
    diagnostics.push({ level: 'error', code: 'limit', message: `more than ${MAX_MEMBERS} members` });
  }
  return archive;
}

function parseHeader(bytes: Buffer | undefined): unknown {
  try {
    return bytes && JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function addMembers(node: unknown, path: string, base: number, members: Member[], depth: number): void {
  if (!isObject(node) || !isObject(node['files']) || depth > MAX_DEPTH) return;
  for (const [name, child] of Object.entries(node['files'])) {
    if (members.length >= MAX_MEMBERS) return;
    const childPath = path === '' ? name : `${path}/${name}`;
    addMembers(child, childPath, base, members, depth + 1);
    if (!isObject(child)) continue;
    // Without an offset it lies beside the archive.
    const { size, offset } = child;
    const start = base + (typeof offset === 'string' ? Number(offset) : Number.NaN);
    if (typeof size !== 'number' || !(size > 0) || !Number.isSafeInteger(start)) continue;
    members.push({ name: childPath, packing: 'stored', packedSize: size, size, start });
  }
}
