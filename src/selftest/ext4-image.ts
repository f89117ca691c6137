/** A small ext4 file system of one group (Documentation/filesystems/ext4 of Linux), always the same for the same files. */

const BLOCK = 4096;
const INODE = 256;
const ROOT = 2;
/** Those below are reserved. */
const FIRST_INODE = 11;
const INODE_TABLE = 4;
const MAX_BLOCKS = 8 * BLOCK;
const DIRECTORY = 0x41ed;
const FILE = 0x81a4;
const EXTENTS = 0x8_0000;

interface Node {
  readonly number: number;
  readonly parent: Node | undefined;
  /** Of a directory. */
  readonly children?: Map<string, Node>;
  readonly content?: Uint8Array;
}

/** `files` by their paths without a slash in front; directories are made as needed. */
export function ext4Image(files: Readonly<Record<string, Uint8Array>>): Buffer {
  const root: Node = { number: ROOT, parent: undefined, children: new Map() };
  const nodes = [root];
  const add = (parent: Node, name: string, content?: Uint8Array): Node => {
    const known = parent.children?.get(name);
    if (known) return known;
    const number = FIRST_INODE + nodes.length - 1;
    const node: Node = { number, parent, ...(content ? { content } : { children: new Map() }) };
    parent.children?.set(name, node);
    nodes.push(node);
    return node;
  };
  add(root, 'lost+found');
  for (const [path, content] of Object.entries(files)) {
    const names = path.split('/');
    const directory = names.slice(0, -1).reduce((parent, name) => add(parent, name), root);
    add(directory, names.at(-1) ?? '', content);
  }
  return write(nodes);
}

function write(nodes: readonly Node[]): Buffer {
  const used = FIRST_INODE - 2 + nodes.length;
  const tableBlocks = Math.ceil((used * INODE) / BLOCK);
  const inodes = (tableBlocks * BLOCK) / INODE;
  const table = Buffer.alloc(tableBlocks * BLOCK);
  const contents: Buffer[] = [];
  let next = INODE_TABLE + tableBlocks;
  for (const node of nodes) {
    const content = node.children ? directoryBlocks(node) : Buffer.from(node.content ?? []);
    const blocks = Math.ceil(content.length / BLOCK);
    inode(node, content.length, next, blocks).copy(table, (node.number - 1) * INODE);
    contents.push(content, Buffer.alloc(blocks * BLOCK - content.length));
    next += blocks;
  }
  if (next > MAX_BLOCKS) throw new RangeError('more than one group holds');
  const directories = nodes.filter(({ children }) => children).length;
  return Buffer.concat([
    superblock(next, inodes, inodes - used),
    fields(BLOCK, [0, 2], [4, 3], [8, INODE_TABLE], [14, inodes - used, 2], [16, directories, 2]),
    bitmap(next),
    bitmap(used, inodes),
    table,
    ...contents,
  ]);
}

/** Numbers at their places, in four octets where nothing else is said. */
function fields(size: number, ...values: readonly (readonly [number, number, number?])[]): Buffer {
  const bytes = Buffer.alloc(size);
  for (const [at, value, length = 4] of values) bytes.writeUIntLE(value, at, length);
  return bytes;
}

function superblock(blocks: number, inodes: number, freeInodes: number): Buffer {
  const [FILE_TYPES_AND_EXTENTS, SPARSE_LARGE_EXTRA] = [0x42, 0x43];
  const counts = [
    [0x00, inodes],
    [0x04, blocks],
    [0x10, freeInodes],
    [0x28, inodes],
  ] as const;
  const sizes = [
    [0x18, 2],
    [0x1c, 2],
    [0x20, MAX_BLOCKS],
    [0x24, MAX_BLOCKS],
    [0x58, INODE, 2],
    [0x15c, 32, 2],
    [0x15e, 32, 2],
  ] as const;
  const kind = [
    [0x36, 0xffff, 2],
    [0x38, 0xef53, 2],
    [0x3a, 1, 2],
    [0x3c, 1, 2],
    [0x4c, 1],
    [0x54, FIRST_INODE],
    [0x60, FILE_TYPES_AND_EXTENTS],
    [0x64, SPARSE_LARGE_EXTRA],
  ] as const;
  const block = fields(1024, ...counts, ...sizes, ...kind);
  block.write('root audit image', 0x68, 'latin1');
  return Buffer.concat([Buffer.alloc(1024), block, Buffer.alloc(BLOCK - 2048)]);
}

/** The first `used` bits; also those that stand for nothing, from `end` on. */
function bitmap(used: number, end = used): Buffer {
  const bytes = Buffer.alloc(BLOCK);
  for (let bit = 0; bit < MAX_BLOCKS; bit++) {
    const at = bit >> 3;
    if (bit < used || bit >= end) bytes[at] = (bytes[at] ?? 0) | (1 << (bit & 7));
  }
  return bytes;
}

function inode({ children }: Node, size: number, start: number, blocks: number): Buffer {
  const below = [...(children?.values() ?? [])].filter((child) => child.children).length;
  return fields(
    INODE,
    [0x00, children ? DIRECTORY : FILE, 2],
    [0x04, size],
    [0x1a, children ? 2 + below : 1, 2],
    [0x1c, (blocks * BLOCK) / 512],
    [0x20, EXTENTS],
    [0x28, 0xf30a, 2],
    [0x2a, blocks > 0 ? 1 : 0, 2],
    [0x2c, 4, 2],
    [0x38, blocks, 2],
    [0x3c, start],
    [0x80, 32, 2],
  );
}

function directoryBlocks(node: Node): Buffer {
  const entries: readonly (readonly [string, Node])[] = [
    ['.', node],
    ['..', node.parent ?? node],
    ...(node.children ?? []),
  ];
  const blocks: Buffer[][] = [[]];
  let left = BLOCK;
  for (const [name, { number, children }] of entries) {
    const length = (8 + Buffer.byteLength(name) + 3) & ~3;
    if (length > left) {
      blocks.push([]);
      left = BLOCK;
    }
    left -= length;
    const entry = fields(
      length,
      [0, number],
      [4, length, 2],
      [6, Buffer.byteLength(name), 1],
      [7, children ? 2 : 1, 1],
    );
    entry.write(name, 8);
    blocks.at(-1)?.push(entry);
  }
  return Buffer.concat(blocks.map(filled));
}

/** The last entry of a block reaches to its end. */
function filled(entries: readonly Buffer[]): Buffer {
  const last = entries.at(-1);
  const before = entries.slice(0, -1).reduce((sum, { length }) => sum + length, 0);
  last?.writeUInt16LE(BLOCK - before, 4);
  return Buffer.concat(entries, BLOCK);
}
