import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readExt4Directory, type Ext4Limits } from '../../src/formats/ext4.ts';
import { ext4Image } from '../../src/selftest/ext4-image.ts';

const LIMITS: Ext4Limits = { maxFileBytes: 1 << 20, maxFiles: 1000, maxTotalBytes: 4 << 20 };
const BLOCK = 4096;
/** Of the image below: the superblock, and inodes by their numbers. */
const SUPERBLOCK = 1024;
const inodeAt = (number: number): number => 4 * BLOCK + (number - 1) * 256;
const [ROOT, CACERTS, FIRST, SECOND] = [inodeAt(2), inodeAt(12), inodeAt(13), inodeAt(14)];

const content = Buffer.from('a file '.repeat(1000));
const whole = ext4Image({ 'cacerts/first': content, 'cacerts/second': Buffer.from('second') });

function outline(image: Uint8Array, path = 'cacerts', limits = LIMITS): string[] {
  const { entries, diagnostics } = readExt4Directory(image, path, limits);
  return [
    ...entries.map(({ name, bytes }) => `${name}: ${bytes.length}`),
    ...diagnostics.map(({ level, code, message }) => `${level} ${code}: ${message}`),
  ];
}

function changed(change: (image: Buffer) => void): Buffer {
  const image = Buffer.from(whole);
  change(image);
  return image;
}

/** Where the blocks of an inode begin. */
const startOf = (inode: number): number => whole.readUInt32LE(inode + 0x3c) * BLOCK;
const BOTH = ['first: 7000', 'second: 6'];

describe('a directory of an ext4 file system', () => {
  it('gives its files by their names', () => {
    expect(outline(whole)).toEqual(BOTH);
    expect(readExt4Directory(whole, '/cacerts/', LIMITS).entries[0]?.bytes).toEqual(content);
  });

  it.each([
    ['that is not there', 'nothing'],
    ['that is a file', 'cacerts/first'],
    ['below a file', 'cacerts/first/x'],
    ['without files', '/'],
  ])('%s gives nothing', (_what, path) => {
    expect(outline(whole, path)).toEqual([]);
  });

  it('reads what is in the inodes, also behind the extended attributes', () => {
    const name = 'a name of so many letters';
    const image = changed((bytes) => {
      // The directory: four octets for its parent, an entry, and another among the attributes.
      bytes.writeUInt32LE(0x1000_0000, CACERTS + 0x20);
      bytes.writeUInt32LE(60 + 40, CACERTS + 4);
      bytes.fill(0, CACERTS + 0x28, CACERTS + 0x28 + 60);
      writeEntry(bytes, CACERTS + 0x2c, 13, 56, 'first');
      writeAttribute(bytes, CACERTS + 160, 40);
      writeEntry(bytes, CACERTS + 164 + 40, 14, 40, name);
      // The file: ten octets.
      bytes.writeUInt32LE(0x1000_0000, FIRST + 0x20);
      bytes.writeUInt32LE(10, FIRST + 4);
      bytes.write('in its inode', FIRST + 0x28);
    });
    expect(outline(image)).toEqual([`${name}: 6`, 'first: 10']);
    expect(Buffer.from(readExt4Directory(image, 'cacerts', LIMITS).entries[1]?.bytes ?? []).toString()).toBe(
      'in its ino',
    );
  });
});

function writeEntry(bytes: Buffer, at: number, inode: number, length: number, name: string): void {
  bytes.writeUInt32LE(inode, at);
  bytes.writeUInt16LE(length, at + 4);
  bytes.writeUInt8(name.length, at + 6);
  bytes.write(name, at + 8);
}

/** `system.data` of `length` octets, 40 behind the first entry. */
function writeAttribute(bytes: Buffer, at: number, length: number): void {
  bytes.writeUInt32LE(0xea02_0000, at);
  bytes.writeUInt8(4, at + 4);
  bytes.writeUInt8(7, at + 5);
  bytes.writeUInt16LE(40, at + 6);
  bytes.writeUInt32LE(length, at + 12);
  bytes.write('data', at + 20);
}

const damage = (at: number, value: number, length = 4): Buffer =>
  changed((image) => image.writeUIntLE(value, at, length));

describe('a damaged ext4 file system', () => {
  it.each<[string, Uint8Array, string[]]>([
    ['of no bytes', Buffer.alloc(0), ['error malformed: no ext4 file system']],
    ['of another format', Buffer.alloc(8192, 'x'), ['error malformed: no ext4 file system']],
    ['cut off in its superblock', whole.subarray(0, 1500), ['error truncated: superblock cut off']],
    [
      'cut off behind it',
      whole.subarray(0, BLOCK),
      ['error truncated: descriptor of group 0 lies outside of the image'],
    ],
    [
      'with blocks of an impossible size',
      damage(SUPERBLOCK + 0x18, 7),
      ['error malformed: impossible block size in the superblock'],
    ],
    [
      'with no inodes in a group',
      damage(SUPERBLOCK + 0x28, 0),
      ['error malformed: impossible number of inodes in the superblock'],
    ],
    [
      'with inodes of an impossible size',
      damage(SUPERBLOCK + 0x58, 200, 2),
      ['error malformed: impossible inode size in the superblock'],
    ],
    [
      'with descriptors of an impossible size',
      damage(SUPERBLOCK + 0x60, 0xc2),
      ['error malformed: impossible descriptor size in the superblock'],
    ],
    [
      'with compression',
      damage(SUPERBLOCK + 0x60, 0x43),
      ['error unsupported: an ext4 file system with compression, which is not read here'],
    ],
    [
      'with what nobody knows yet',
      damage(SUPERBLOCK + 0x60, 0x8008_0042),
      ['error unsupported: an ext4 file system with features 0x80080000, which is not read here'],
    ],
    ['whose root is a file', damage(ROOT, 0x81a4, 2), ['error malformed: its root is no directory']],
    ['whose root is not in use', damage(ROOT, 0, 2), ['error malformed: inode 2 is not in use']],
    [
      'with a directory that is a link',
      damage(CACERTS, 0xa1ff, 2),
      ['error unsupported: cacerts is a symbolic link, which is not followed here'],
    ],
    ['with an encrypted directory', damage(CACERTS + 0x20, 0x8_0800), ['error unsupported: encrypted']],
    [
      'with a directory that never ends',
      damage(CACERTS + 4, 0x7fff_0000),
      [`error too-large: 2147418112 bytes, more than the limit of ${16 << 20} bytes`],
    ],
    [
      'with an entry of no length',
      damage(startOf(CACERTS) + 4, 0, 2),
      ['error malformed: damaged directory'],
    ],
    [
      'with an entry that is longer than its block',
      damage(startOf(CACERTS) + 4, BLOCK + 4, 2),
      ['error malformed: damaged directory'],
    ],
    [
      'with a name that is longer than its entry',
      damage(startOf(CACERTS) + 24 + 6, 200, 1),
      ['error malformed: damaged directory'],
    ],
    [
      'with an entry of an inode that cannot be',
      damage(startOf(CACERTS) + 24, 0x7fff_ffff),
      ['error malformed: damaged directory'],
    ],
  ])('%s says so', (_what, image, expected) => {
    expect(outline(image)).toEqual(expected);
  });

  const intact = 'second: 6';
  it.each<[string, Buffer, string]>([
    ['another mark of extents', damage(FIRST + 0x28, 0xf30b, 2), 'malformed: first: damaged map of extents'],
    ['too many extents', damage(FIRST + 0x2a, 5, 2), 'malformed: first: map of extents cut off'],
    ['too deep a map', damage(FIRST + 0x2e, 6, 2), 'malformed: first: map of extents of the wrong depth'],
    ['an extent of nothing', damage(FIRST + 0x38, 0, 2), 'malformed: first: extent of no blocks'],
    [
      'an extent outside',
      damage(FIRST + 0x3a, 0xffff, 2),
      `truncated: first: block ${0xffff * 2 ** 32 + startOf(FIRST) / BLOCK} lies outside of the image`,
    ],
    [
      'more bytes than may be read',
      damage(FIRST + 0x6c, 1),
      `too-large: first: ${2 ** 32 + 7000} bytes, more than the limit of ${1 << 20} bytes`,
    ],
    ['encryption', damage(FIRST + 0x20, 0x8_0800), 'unsupported: first: encrypted'],
    ['compression', damage(FIRST + 0x20, 0x8_0004), 'unsupported: first: compressed'],
    ['no inode', damage(FIRST, 0, 2), 'malformed: first: inode 13 is not in use'],
    [
      'more in its inode than fits',
      damage(FIRST + 0x20, 0x1000_0000),
      'truncated: first: content in the inode cut off',
    ],
    [
      'a link for a file',
      damage(FIRST, 0xa1ff, 2),
      'unsupported: first: a symbolic link, which is not followed here',
    ],
    [
      'a map that leads to itself',
      changed((image) => {
        // A node of the map in the place of the content, which names itself.
        image.writeUInt16LE(3, FIRST + 0x2e);
        image.writeUInt32LE(startOf(FIRST) / BLOCK, FIRST + 0x38);
        image.writeUInt16LE(0, FIRST + 0x3c);
        image.copy(image, startOf(FIRST), FIRST + 0x28, FIRST + 0x28 + 60);
      }),
      'malformed: first: map of extents of the wrong depth',
    ],
    [
      'extents that are not in order',
      changed((image) => {
        image.writeUInt16LE(2, FIRST + 0x2a);
        image.copy(image, FIRST + 0x40, FIRST + 0x34, FIRST + 0x40);
      }),
      'malformed: first: map of extents that is not in order',
    ],
    [
      'blocks of numbers outside',
      changed((image) => {
        image.writeUInt32LE(0, FIRST + 0x20);
        image.fill(0xff, FIRST + 0x28, FIRST + 0x28 + 60);
      }),
      'truncated: first: block 4294967295 lies outside of the image',
    ],
  ])('keeps what lies beside a file with %s', (_what, image, expected) => {
    expect(outline(image)).toEqual([intact, `error ${expected}`]);
  });

  it('is read up to the bounds that are given', () => {
    expect(outline(whole, 'cacerts', { ...LIMITS, maxFiles: 1 })).toEqual([
      'first: 7000',
      'error limit: more than 1 files',
    ]);
    expect(outline(whole, 'cacerts', { ...LIMITS, maxTotalBytes: 7003 })).toEqual([
      'first: 7000',
      'error limit: more than 7003 bytes in its files together',
    ]);
  });

  it('whose map of extents has no end is read to a bound', () => {
    // Five levels, each of which names the next one 340 times, and no extent at all.
    const levels = Array.from({ length: 5 }, (_, i) => [`level${i}`, Buffer.alloc(BLOCK)] as const);
    const image = ext4Image({ 'cacerts/first': content, ...Object.fromEntries(levels) });
    const startOfLevel = (i: number): number => image.readUInt32LE(inodeAt(14 + i) + 0x3c);
    const node = (at: number, depth: number, entries: number): void => {
      image.writeUInt16LE(0xf30a, at);
      image.writeUInt16LE(entries, at + 2);
      image.writeUInt16LE(depth, at + 6);
      for (let i = 1; i <= entries; i++) {
        image.writeUInt32LE(0, at + 12 * i);
        image.writeUInt32LE(startOfLevel(depth - 1), at + 12 * i + 4);
        image.writeUInt16LE(0, at + 12 * i + 8);
      }
    };
    for (let depth = 0; depth < 5; depth++) node(startOfLevel(depth) * BLOCK, depth, depth === 0 ? 0 : 340);
    node(FIRST + 0x28, 5, 4);
    expect(outline(image)).toEqual(['error limit: first: its maps and directories never end']);
  });

  it('never throws, hangs or grows, whatever its bytes', () => {
    // Most changes go where the structure is.
    const places = [SUPERBLOCK, BLOCK, ROOT, CACERTS, FIRST, SECOND, startOf(ROOT), startOf(CACERTS)];
    const change = fc.tuple(fc.nat(places.length - 1), fc.nat(255), fc.nat(255));
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 12 }),
        fc.nat(whole.length),
        fc.boolean(),
        (changes, end, cut) => {
          const image = Buffer.from(whole);
          for (const [place, offset, octet] of changes) image[(places[place] ?? 0) + offset] = octet;
          const { entries, diagnostics } = readExt4Directory(
            cut ? image.subarray(0, end) : image,
            'cacerts',
            LIMITS,
          );
          const total = entries.reduce((sum, { bytes }) => sum + bytes.length, 0);
          expect(total).toBeLessThanOrEqual(LIMITS.maxTotalBytes);
          expect(diagnostics.length).toBeLessThanOrEqual(101);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
