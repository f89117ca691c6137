/** A ZIP archive (APPNOTE.TXT 6.3.10) of deflated members. Its checksums are left out: nothing here asks for them. */

import { deflateRawSync } from 'node:zlib';

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;

export interface ZipOptions {
  readonly stored?: boolean;
  /** Bit 0 says that the member is encrypted. */
  readonly flags?: number;
}

export function zip(
  members: Readonly<Record<string, Uint8Array>>,
  { stored = false, flags = 0 }: ZipOptions = {},
): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(members)) {
    const data = stored ? Buffer.from(content) : deflateRawSync(content);
    const about = Buffer.alloc(26);
    about.writeUInt16LE(20, 0);
    about.writeUInt16LE(flags, 2);
    about.writeUInt16LE(stored ? 0 : 8, 4);
    about.writeUInt32LE(data.length, 14);
    about.writeUInt32LE(content.length, 18);
    about.writeUInt16LE(Buffer.byteLength(name), 22);
    const member = Buffer.concat([u32(LOCAL), about, Buffer.from(name), data]);
    directory.push(u32(CENTRAL), Buffer.of(20, 0), about, Buffer.alloc(10), u32(offset), Buffer.from(name));
    parts.push(member);
    offset += member.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  const count = Object.keys(members).length;
  end.writeUInt16LE(count, 4);
  end.writeUInt16LE(count, 6);
  end.writeUInt32LE(list.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, list, u32(END), end]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
