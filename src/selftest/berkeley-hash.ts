/** A writer of Berkeley DB 1.85 hash files with one bucket, for what no program at hand still writes. */

type Index = readonly (readonly [number, number])[];

export interface HashOptions {
  readonly littleEndian?: boolean;
  readonly pageSize?: number;
  readonly pairs?: number;
}

/** A page from its index words, and what lies at which offset. */
export function hashPage(
  index: Index,
  parts: readonly (readonly [number, Uint8Array])[],
  { littleEndian = true, pageSize = 512 }: HashOptions = {},
  free = 1,
): Buffer {
  const page = Buffer.alloc(pageSize);
  const words = [index.length * 2, ...index.flat(), free, parts.at(-1)?.[0] ?? pageSize];
  for (const [at, word] of words.entries()) {
    if (littleEndian) page.writeUInt16LE(word, at * 2);
    else page.writeUInt16BE(word, at * 2);
  }
  for (const [offset, bytes] of parts) page.set(bytes, offset);
  return page;
}

/** An ordinary page of pairs, packed from its end. */
export function pairsPage(
  pairs: readonly (readonly [Uint8Array, Uint8Array])[],
  options: HashOptions = {},
  next?: number,
): Buffer {
  let end = options.pageSize ?? 512;
  const index: [number, number][] = [];
  const parts: [number, Uint8Array][] = [];
  for (const [key, data] of pairs) {
    const keyStart = end - key.length;
    end = keyStart - data.length;
    index.push([keyStart, end]);
    parts.push([keyStart, key], [end, data]);
  }
  if (next !== undefined) index.push([next, 0]);
  return hashPage(index, parts, options);
}

/** Pages after the header: the bucket, then overflow pages with the addresses 1, 2, … */
export function hashFile(pages: readonly Uint8Array[], options: HashOptions = {}): Buffer {
  const { littleEndian = true, pageSize = 512, pairs = 0 } = options;
  const header = Buffer.alloc(pageSize);
  const fields: readonly (readonly [number, number])[] = [
    [0, 0x00061561],
    [4, 2],
    [8, littleEndian ? 1234 : 4321],
    [12, pageSize],
    [40, 0],
    [56, pairs],
    [60, 1],
    [64, 0x956e7de3],
  ];
  for (const [offset, value] of fields) header.writeUInt32BE(value, offset);
  return Buffer.concat([header, ...pages]);
}

/** The record of a certificate as cert8.db (version 8) has it. */
export function certificateRecord(
  der: Uint8Array,
  nickname: string,
  flags: readonly [number, number, number],
  version = 8,
): Buffer {
  const name = Buffer.from(`${nickname}\0`);
  const width = version >= 7 ? 2 : 1;
  const head = Buffer.alloc(3 + 3 * width + 4);
  head.set([version, 1, 0]);
  for (const [index, flag] of flags.entries()) head.writeUIntBE(flag, 3 + index * width, width);
  head.writeUInt16BE(der.length & 0xffff, 3 + 3 * width);
  head.writeUInt16BE(name.length, 5 + 3 * width);
  return Buffer.concat([head, der, name]);
}
