/** A SQLite file of two pages with one table (https://www.sqlite.org/fileformat2.html). */

/** The largest page there is: what is planted fits without overflow. */
const PAGE = 65_536;
const TABLE_LEAF = 13;

export type SqliteValue = Uint8Array | string | number | undefined;

/** Numbers are small: one octet. */
export function sqliteFile(
  table: string,
  columns: readonly string[],
  rows: readonly Readonly<Record<string, SqliteValue>>[],
): Buffer {
  const sql = `CREATE TABLE ${table} (${columns.join(', ')})`;
  const first = Buffer.alloc(PAGE);
  first.write('SQLite format 3\0', 'latin1');
  // 1 stands for 65536.
  first.writeUInt16BE(1, 16);
  first.set([1, 1, 0, 64, 32, 32], 18);
  for (const [offset, value] of [
    [24, 1],
    [28, 2],
    [40, 1],
    [44, 4],
    [56, 1],
    [92, 1],
    [96, 3_040_000],
  ] as const) {
    first.writeUInt32BE(value, offset);
  }
  writeLeaf(first, 100, [record(['table', table, table, 2, sql])]);
  const second = Buffer.alloc(PAGE);
  // The type of a column stands after its name.
  const names = columns.map((column) => column.replace(/ .*/, ''));
  writeLeaf(
    second,
    0,
    rows.map((row) => record(names.map((name) => row[name]))),
  );
  return Buffer.concat([first, second]);
}

function writeLeaf(page: Buffer, header: number, records: readonly Buffer[]): void {
  let end = PAGE;
  records.forEach((each, index) => {
    const cell = Buffer.concat([varint(each.length), varint(index + 1), each]);
    end -= cell.length;
    page.set(cell, end);
    page.writeUInt16BE(end, header + 8 + 2 * index);
  });
  page.writeUInt8(TABLE_LEAF, header);
  page.writeUInt16BE(records.length, header + 3);
  page.writeUInt16BE(end, header + 5);
}

function record(values: readonly SqliteValue[]): Buffer {
  const types: Buffer[] = [];
  const bodies: Buffer[] = [];
  for (const value of values) {
    const body = typeof value === 'number' ? Buffer.of(value) : Buffer.from(value ?? []);
    bodies.push(body);
    types.push(varint(serialType(value, body.length)));
  }
  const header = Buffer.concat(types);
  return Buffer.concat([varint(header.length + 1), header, ...bodies]);
}

function serialType(value: SqliteValue, length: number): number {
  if (value === undefined) return 0;
  if (typeof value === 'number') return 1;
  return typeof value === 'string' ? 13 + 2 * length : 12 + 2 * length;
}

/** Up to 21 bits are ample here. */
function varint(value: number): Buffer {
  if (value < 0x80) return Buffer.of(value);
  if (value < 0x4000) return Buffer.of(0x80 | (value >> 7), value & 0x7f);
  return Buffer.of(0x80 | (value >> 14), 0x80 | ((value >> 7) & 0x7f), value & 0x7f);
}
