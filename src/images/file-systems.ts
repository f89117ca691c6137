/** What is in a partition, told by its first bytes. */

export interface FileSystem {
  /** For people: "ext4", "LVM". */
  readonly name: string;
  /**
   * `read`: 7-Zip reads it. `unread`: it has files, but other tools are needed. `locked`: nobody reads it without its
   * key. `nothing`: it has no files.
   */
  readonly how: 'read' | 'unread' | 'locked' | 'nothing';
}

/** Bytes that {@link fileSystemOf} looks at. */
export const FILE_SYSTEM_HEAD = 68 << 10;

const read = (name: string): FileSystem => ({ name, how: 'read' });
const unread = (name: string): FileSystem => ({ name, how: 'unread' });
const locked = (name: string): FileSystem => ({ name, how: 'locked' });

const MARKS: readonly (readonly [at: number, mark: string, found: FileSystem])[] = [
  [0, 'LUKS\xba\xbe', locked('LUKS')],
  [3, '-FVE-FS-', locked('BitLocker')],
  // A physical volume has its label in one of the first four sectors.
  [0x200, 'LABELONE', unread('LVM')],
  [0, 'LABELONE', unread('LVM')],
  [0x400, 'LABELONE', unread('LVM')],
  [0x600, 'LABELONE', unread('LVM')],
  [0x1000, '\xfc\x4e\x2b\xa9', unread('Linux RAID')],
  [0, '\xfc\x4e\x2b\xa9', unread('Linux RAID')],
  [0, 'XFSB', unread('XFS')],
  [0x1_0040, '_BHRfS_M', unread('Btrfs')],
  [0x400, '\x10\x20\xf5\xf2', unread('F2FS')],
  [0x400, '\xe2\xe1\xf5\xe0', unread('EROFS')],
  [0x1_055c, '\x19\x01\x54\x19', unread('UFS')],
  [0x255c, '\x19\x01\x54\x19', unread('UFS')],
  [0x55c, '\x19\x01\x54\x19', unread('UFS')],
  [3, 'EXFAT   ', unread('exFAT')],
  [3, 'ReFS', unread('ReFS')],
  [3, 'NTFS    ', read('NTFS')],
  [0x36, 'FAT1', read('FAT')],
  [0x52, 'FAT32', read('FAT')],
  [0x400, 'H+', read('HFS+')],
  [0x400, 'HX', read('HFS+')],
  [0x20, 'NXSB', read('APFS')],
  [0, 'hsqs', read('SquashFS')],
  [0x8001, 'CD001', read('ISO 9660')],
  [0x8001, 'BEA01', read('UDF')],
  [0xff6, 'SWAPSPACE2', { name: 'swap', how: 'nothing' }],
  [0xff6, 'SWAP-SPACE', { name: 'swap', how: 'nothing' }],
];

/** Undefined for what is not known. `head`: {@link FILE_SYSTEM_HEAD} bytes, or all where there are fewer. */
export function fileSystemOf(head: Buffer): FileSystem | undefined {
  const found = MARKS.find(([at, mark]) => head.toString('latin1', at, at + mark.length) === mark);
  if (found) return found[2];
  if (head.toString('latin1', 0x438, 0x43a) === '\x53\xef') return read(extended(head));
  return head.every((byte) => byte === 0) ? { name: 'empty', how: 'nothing' } : undefined;
}

const JOURNAL = 0x4;
/** 64-bit, extents, flexible groups. */
const EXT4 = 0x2c0;

function extended(head: Buffer): string {
  if (head.length < 0x464) return 'ext2';
  if ((head.readUInt32LE(0x460) & EXT4) !== 0) return 'ext4';
  return (head.readUInt32LE(0x45c) & JOURNAL) === 0 ? 'ext2' : 'ext3';
}
