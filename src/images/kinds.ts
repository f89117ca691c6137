/** What a file is, told by its first bytes, and for one kind of disk by its last: names lie. */

import { readExact, type Source } from '../formats/archive.ts';

export type Compression = 'gzip' | 'zstd' | 'xz' | 'bzip2';

export type FileKind =
  | { readonly kind: 'packed'; readonly compression: Compression }
  | { readonly kind: 'tar' }
  | { readonly kind: 'disk'; readonly format: string }
  /** A file system of its own, or another container format, which we do not read. */
  | { readonly kind: 'other'; readonly format: string }
  | { readonly kind: 'empty' }
  | { readonly kind: 'unknown' };

/** Bytes that are enough for {@link compressionOf} and {@link looksLikeTar}. */
export const HEAD_SIZE = 512;

/** Undefined for bytes without compression. Empty and short heads are allowed. */
export function compressionOf(head: Uint8Array): Compression | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (startsWith(head, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])) return 'xz';
  if (startsWith(head, [0x42, 0x5a, 0x68]) && isBetween(head[3], 0x31, 0x39)) return 'bzip2';
  return isZstd(head) ? 'zstd' : undefined;
}

/** A frame, or one of those that are to be skipped. */
function isZstd(head: Uint8Array): boolean {
  if (startsWith(head, [0x28, 0xb5, 0x2f, 0xfd])) return true;
  return isBetween(head[0], 0x50, 0x5f) && startsWith(head.subarray(1), [0x2a, 0x4d, 0x18]);
}

function startsWith(bytes: Uint8Array, mark: readonly number[]): boolean {
  return mark.every((byte, index) => bytes[index] === byte);
}

function isBetween(byte: number | undefined, low: number, high: number): boolean {
  return byte !== undefined && byte >= low && byte <= high;
}

/** A header whose checksum is right, or the end mark of an archive that is empty. */
export function looksLikeTar(head: Uint8Array): boolean {
  if (head.length < HEAD_SIZE) return false;
  let sum = 0;
  let signed = 0;
  for (let i = 0; i < HEAD_SIZE; i++) {
    const byte = i >= 148 && i < 156 ? 0x20 : (head[i] ?? 0);
    sum += byte;
    signed += byte < 0x80 ? byte : byte - 256;
  }
  // Nothing but the spaces that were put in place of the checksum: all zero.
  const told = Buffer.from(head.buffer, head.byteOffset + 148, 8).toString('latin1');
  if (sum === 8 * 0x20) return true;
  const [, digits] = /^[ \0]*([0-7]+)[ \0]*$/.exec(told) ?? [];
  if (digits === undefined) return false;
  const checksum = Number.parseInt(digits, 8);
  return checksum === sum || checksum === signed;
}

interface Mark {
  readonly at: number;
  readonly text: string;
  readonly kind: FileKind;
}

const disk = (format: string): FileKind => ({ kind: 'disk', format });
const other = (format: string): FileKind => ({ kind: 'other', format });

const MARKS: readonly Mark[] = [
  { at: 0, text: 'QFI\xfb', kind: disk('qcow2') },
  { at: 0, text: 'KDMV', kind: disk('VMDK') },
  { at: 0, text: 'COWD', kind: disk('VMDK') },
  { at: 0, text: '# Disk DescriptorFile', kind: disk('VMDK') },
  { at: 0, text: 'vhdxfile', kind: disk('VHDX') },
  { at: 0, text: 'conectix', kind: disk('VHD') },
  { at: 0x40, text: '\x7f\x10\xda\xbe', kind: disk('VDI') },
  { at: 0x8001, text: 'CD001', kind: disk('ISO 9660') },
  { at: 0x8801, text: 'CD001', kind: disk('ISO 9660') },
  { at: 0x200, text: 'EFI PART', kind: disk('raw') },
  { at: 0x1000, text: 'EFI PART', kind: disk('raw') },
  // File systems without a partition table: the same tools read them.
  { at: 0x438, text: '\x53\xef', kind: disk('raw') },
  { at: 0, text: 'XFSB', kind: disk('raw') },
  { at: 0x1_0040, text: '_BHRfS_M', kind: disk('raw') },
  { at: 3, text: 'NTFS    ', kind: disk('raw') },
  { at: 0x20, text: 'NXSB', kind: disk('raw') },
  { at: 0, text: 'hsqs', kind: disk('raw') },
  { at: 0, text: 'LUKS\xba\xbe', kind: disk('raw') },
  { at: 0x200, text: 'LABELONE', kind: disk('raw') },
  { at: 0x400, text: '\xe2\xe1\xf5\xe0', kind: other('an EROFS file system') },
  { at: 0x20, text: 'SIF_MAGIC', kind: other('an Apptainer image') },
  { at: 0, text: 'PK\x03\x04', kind: other('a ZIP archive') },
  { at: 0, text: '7z\xbc\xaf\x27\x1c', kind: other('a 7-Zip archive') },
  { at: 0, text: '070701', kind: other('a cpio archive') },
  { at: 0, text: '\x7fELF', kind: other('a program') },
  { at: 0, text: '-----BEGIN ', kind: other('a PEM file') },
];

const UNKNOWN: FileKind = { kind: 'unknown' };

/** Reads a few pieces of the file. */
export function fileKind(source: Source): FileKind {
  if (source.size === 0) return { kind: 'empty' };
  const head = readExact(source, 0, Math.min(source.size, HEAD_SIZE)) ?? Buffer.alloc(0);
  const compression = compressionOf(head);
  if (compression) return { kind: 'packed', compression };
  const found = MARKS.find(({ at, text }) => textAt(source, head, at, text.length) === text);
  if (found && found.at < HEAD_SIZE) return found.kind;
  // A disk may begin with zeros, as an archive that is empty does.
  const isZero = head.every((byte) => byte === 0);
  if (looksLikeTar(head) && !(isZero && found)) return { kind: 'tar' };
  if (found) return found.kind;
  if (textAt(source, head, source.size - 512, 8) === 'conectix') return disk('VHD');
  return head[510] === 0x55 && head[511] === 0xaa && source.size > HEAD_SIZE ? disk('raw') : UNKNOWN;
}

function textAt(source: Source, head: Buffer, at: number, length: number): string | undefined {
  if (at + length <= head.length) return head.toString('latin1', at, at + length);
  return readExact(source, at, length)?.toString('latin1');
}
