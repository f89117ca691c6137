import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { sourceOf } from '../../src/formats/archive.ts';
import { fileKind, looksLikeTar } from '../../src/images/kinds.ts';
import { makeFilesTar } from '../support/tar.ts';

/** A file of `size` bytes with marks in it. */
function file(size: number, ...marks: readonly [number, string][]): Buffer {
  const bytes = Buffer.alloc(size);
  for (const [at, text] of marks) bytes.write(text, at < 0 ? size + at : at, 'latin1');
  return bytes;
}

const TAR = makeFilesTar({ 'etc/x': 'y' });

describe('a file', () => {
  it.each<[string, Uint8Array, string]>([
    ['gzip', gzipSync('x'), 'packed gzip'],
    ['zstd', Buffer.from('28b52ffd0058', 'hex'), 'packed zstd'],
    ['zstd with a frame to be skipped', Buffer.from('5d2a4d1804000000', 'hex'), 'packed zstd'],
    ['xz', file(9, [0, '\xfd7zXZ\0']), 'packed xz'],
    ['bzip2', file(9, [0, 'BZh9']), 'packed bzip2'],
    ['a tar archive', TAR, 'tar'],
    ['a tar archive that is empty', file(10_240), 'tar'],
    ['a tar archive of the old form', oldForm(), 'tar'],
    [
      'a tar archive with marks of others in it',
      file(70_000).fill(TAR, 0, TAR.length).fill('CD001', 0x8001, 0x8006),
      'tar',
    ],
    ['qcow2', file(600, [0, 'QFI\xfb']), 'disk qcow2'],
    ['VMDK', file(600, [0, 'KDMV']), 'disk VMDK'],
    ['the description of a VMDK', file(40, [0, '# Disk DescriptorFile\n']), 'disk VMDK'],
    ['VHDX', file(600, [0, 'vhdxfile']), 'disk VHDX'],
    ['VHD of a growing size', file(2000, [0, 'conectix'], [-512, 'conectix']), 'disk VHD'],
    ['VHD of a fixed size', file(4096, [0, '\x33\xc0'], [-512, 'conectix']), 'disk VHD'],
    ['VDI', file(600, [0x40, '\x7f\x10\xda\xbe']), 'disk VDI'],
    ['ISO 9660, which begins with zeros', file(40_000, [0x8001, 'CD001']), 'disk ISO 9660'],
    ['a disk with an MBR', file(4096, [0, '\xeb\x63'], [510, '\x55\xaa']), 'disk raw'],
    ['a disk with a GPT', file(4096, [0x200, 'EFI PART']), 'disk raw'],
    ['an ext4 file system', file(4096, [0x438, '\x53\xef']), 'disk raw'],
    ['SquashFS', file(600, [0, 'hsqs']), 'disk raw'],
    ['an encrypted disk', file(600, [0, 'LUKS\xba\xbe']), 'disk raw'],
    ['EROFS', file(2000, [0x400, '\xe2\xe1\xf5\xe0']), 'other an EROFS file system'],
    ['a program', file(600, [0, '\x7fELF']), 'other a program'],
    ['nothing', Buffer.alloc(0), 'empty'],
    ['one byte', Buffer.alloc(1), 'unknown'],
    ['text', Buffer.from('hello\n'.repeat(200)), 'unknown'],
  ])('is recognised as %s', (_, bytes, expected) => {
    const kind = fileKind(sourceOf(bytes));
    const detail = 'compression' in kind ? kind.compression : 'format' in kind ? kind.format : '';
    expect(`${kind.kind} ${detail}`.trim()).toBe(expected);
  });

  it('is a tar archive by its checksum only', () => {
    expect(looksLikeTar(TAR.subarray(0, 512))).toBe(true);
    expect(looksLikeTar(TAR.subarray(0, 511))).toBe(false);
    expect(looksLikeTar(file(512).fill(TAR, 0, 512).fill('z', 0, 1))).toBe(false);
  });
});

/** Without "ustar". */
function oldForm(): Buffer {
  const bytes = Buffer.from(TAR);
  bytes.fill(0, 257, 512);
  bytes.fill(' ', 148, 156);
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}
