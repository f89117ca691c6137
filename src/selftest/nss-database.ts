/**
 * A cert9.db with one trusted certificate: a SQLite file of two pages (https://www.sqlite.org/fileformat2.html) with
 * NSS's table of PKCS #11 objects, as much of it as trust needs.
 */

import { hash } from 'node:crypto';
import { certificateFrom } from '../core/certificate.ts';
import { element } from '../core/der.ts';

/** The largest there is: everything fits without overflow. */
const PAGE = 65_536;
const TABLE_LEAF = 13;

const PURPOSE_COLUMNS = ['ace536358', 'ace536359', 'ace53635a', 'ace53635b'];
const COLUMNS = ['a0', 'a3', 'a11', 'a80', 'a81', 'a82', 'ace5363b4', ...PURPOSE_COLUMNS];

const CKO_CERTIFICATE = Buffer.from('00000001', 'hex');
const CKC_X_509 = Buffer.from('00000000', 'hex');
const CKO_NSS_TRUST = Buffer.from('ce534353', 'hex');
const CKT_NSS_TRUSTED_DELEGATOR = Buffer.from('ce534352', 'hex');

type Value = Uint8Array | string | number | undefined;

export function nssDatabase(der: Uint8Array, nickname: string): Buffer {
  const { layout } = certificateFrom(der);
  if (!layout) throw new RangeError('no certificate');
  const identity = { a81: element(der, layout.issuer), a82: element(der, layout.serial) };
  const certificate = {
    a0: CKO_CERTIFICATE,
    a3: Buffer.from(nickname),
    a11: der,
    a80: CKC_X_509,
    ...identity,
  };
  const trust = {
    a0: CKO_NSS_TRUST,
    ...identity,
    ace5363b4: Buffer.from(hash('sha1', der, 'hex'), 'hex'),
    ...Object.fromEntries(PURPOSE_COLUMNS.map((column) => [column, CKT_NSS_TRUSTED_DELEGATOR])),
  };
  return database('nssPublic', [rowOf(certificate), rowOf(trust)]);
}

function rowOf(values: Readonly<Record<string, Value>>): readonly Value[] {
  return COLUMNS.map((column) => values[column]);
}

function database(table: string, rows: readonly (readonly Value[])[]): Buffer {
  const sql = `CREATE TABLE ${table} (id INTEGER, ${COLUMNS.join(', ')})`;
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
  writeLeaf(
    second,
    0,
    rows.map((row, index) => record([index + 1, ...row])),
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

function record(values: readonly Value[]): Buffer {
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

function serialType(value: Value, length: number): number {
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
