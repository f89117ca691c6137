/** Tar archives for tests, in the ustar form; names of more than 100 bytes as GNU tar writes them. */

export interface TarMember {
  readonly path: string;
  /** A file unless something else is said; a directory when the path ends in a slash. */
  readonly content?: string | Uint8Array;
  readonly link?: string;
  readonly hardLink?: string;
  readonly mode?: number;
  /** The size to be told, when it is not that of the content. */
  readonly size?: number;
  readonly type?: string;
}

const BLOCK = 512;

/** With its end mark. */
export function makeTar(members: readonly TarMember[]): Buffer {
  return Buffer.concat([...members.map(tarMember), Buffer.alloc(2 * BLOCK)]);
}

/** Files by path, in order. */
export function makeFilesTar(files: Readonly<Record<string, string | Uint8Array>>): Buffer {
  return makeTar(Object.entries(files).map(([path, content]) => ({ path, content })));
}

/** Header and padded content. */
function tarMember(member: TarMember): Buffer {
  const content = Buffer.from(member.content ?? '');
  const long = [
    longName(member.path, 'L'),
    longName(member.link ?? member.hardLink ?? '', 'K'),
    header(member, member.size ?? content.length),
    padded(content),
  ];
  return Buffer.concat(long);
}

function longName(name: string, type: string): Buffer {
  const bytes = Buffer.from(`${name}\0`);
  if (bytes.length <= 101) return Buffer.alloc(0);
  return Buffer.concat([header({ path: '././@LongLink', type }, bytes.length), padded(bytes)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);
}

function header(member: TarMember, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const link = member.link ?? member.hardLink ?? '';
  const octal = (value: number, at: number, length: number): void => {
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  };
  Buffer.from(member.path).copy(block, 0, 0, 100);
  octal(member.mode ?? (member.path.endsWith('/') ? 0o755 : 0o644), 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(1_700_000_000, 136, 12);
  block.write(typeOf(member), 156, 'latin1');
  Buffer.from(link).copy(block, 157, 0, 100);
  block.write('ustar\x0000', 257, 'latin1');
  block.fill(' ', 148, 156);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return block;
}

function typeOf({ type, link, hardLink, path }: TarMember): string {
  if (type !== undefined) return type;
  if (link !== undefined) return '2';
  if (hardLink !== undefined) return '1';
  return path.endsWith('/') ? '5' : '0';
}
