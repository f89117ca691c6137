/** Records of pax extended headers (POSIX.1-2017, pax(1)): `<length> <keyword>=<value>\n`, length in decimal. */

import { decodePath } from '../core/shell.ts';

/** The records that matter here. */
const KEYS = [
  'path',
  'linkpath',
  'size',
  'mtime',
  'uid',
  'gid',
  'GNU.sparse.name',
  'GNU.sparse.major',
  'GNU.sparse.realsize',
  'GNU.sparse.size',
  'SCHILY.xattr.trusted.overlay.opaque',
  'SCHILY.xattr.user.overlay.opaque',
] as const;

type Key = (typeof KEYS)[number];

const KEY_SET: ReadonlySet<string> = new Set(KEYS);
const LONGEST_KEY = 64;

export interface PaxRecords {
  readonly values: Readonly<Partial<Record<Key, string>>>;
  /** A record does not fit: it and what follows is not read. */
  readonly malformed: boolean;
}

export function readPax(bytes: Buffer): PaxRecords {
  const values: Partial<Record<Key, string>> = {};
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at);
    const digits = space < 0 || space - at > 10 ? '' : bytes.toString('latin1', at, space);
    const length = /^[0-9]+$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    if (length === 0 || end > bytes.length || space + 2 > end || bytes[end - 1] !== 0x0a) {
      // Some writers fill the rest with zeros.
      return { values, malformed: bytes.subarray(at).some((byte) => byte !== 0) };
    }
    const equals = bytes.indexOf(0x3d, space + 1);
    if (equals < 0 || equals >= end) return { values, malformed: true };
    const key = equals - space - 1 > LONGEST_KEY ? '' : bytes.toString('latin1', space + 1, equals);
    // An empty value takes an earlier one back.
    if (isKey(key)) {
      if (equals + 1 === end - 1) delete values[key];
      else values[key] = decodePath(bytes.subarray(equals + 1, end - 1));
    }
    at = end;
  }
  return { values, malformed: false };
}

function isKey(key: string): key is Key {
  return KEY_SET.has(key);
}

/** NaN for anything but a decimal number. */
export function paxNumber(value: string): number {
  return /^[0-9]{1,20}$/.test(value) ? Number(value) : Number.NaN;
}

export function isOpaque(values: PaxRecords['values']): boolean {
  return (
    values['SCHILY.xattr.trusted.overlay.opaque'] === 'y' ||
    values['SCHILY.xattr.user.overlay.opaque'] === 'y'
  );
}
