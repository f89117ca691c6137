import { assert, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FILE_SYSTEM_HEAD, fileSystemOf } from '../../src/images/file-systems.ts';

function head(...marks: readonly (readonly [number, string])[]): Buffer {
  const bytes = Buffer.alloc(FILE_SYSTEM_HEAD);
  for (const [at, text] of marks) bytes.write(text, at, 'latin1');
  return bytes;
}

const EXT: readonly [number, string] = [0x438, '\x53\xef'];

describe('a partition', () => {
  it.each<[string, Buffer]>([
    ['ext2 read', head(EXT)],
    ['ext3 read', head(EXT, [0x45c, '\x04'])],
    ['ext4 read', head(EXT, [0x45c, '\x04'], [0x460, '\x40'])],
    ['NTFS read', head([3, 'NTFS    '], [510, '\x55\xaa'])],
    ['FAT read', head([0x36, 'FAT16   '])],
    ['FAT read', head([0x52, 'FAT32   '])],
    ['HFS+ read', head([0x400, 'H+\0\x04'])],
    ['APFS read', head([0x20, 'NXSB'])],
    ['exFAT unread', head([3, 'EXFAT   '])],
    ['XFS unread', head([0, 'XFSB'])],
    ['Btrfs unread', head([0x1_0040, '_BHRfS_M'])],
    ['LVM unread', head([0x200, 'LABELONE'])],
    ['LUKS locked', head([0, 'LUKS\xba\xbe'])],
    ['BitLocker locked', head([3, '-FVE-FS-'])],
    ['swap nothing', head([0xff6, 'SWAPSPACE2'])],
    ['empty nothing', head()],
  ])('is recognised: %s', (expected, bytes) => {
    const found = fileSystemOf(bytes);
    expect(`${found?.name} ${found?.how}`).toBe(expected);
  });

  it('may be unknown, and is never read beyond its end', () => {
    expect(fileSystemOf(Buffer.from('something else'))).toBeUndefined();
    assert(
      property(uint8Array({ maxLength: 2000 }), (bytes) => {
        fileSystemOf(Buffer.from(bytes));
        fileSystemOf(head(EXT).subarray(0, bytes.length));
      }),
    );
  });
});
