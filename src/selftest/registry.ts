/** A certificate in the registry of Windows: as a hive (regf), and as the text files of Wine. */

import { hash } from 'node:crypto';

const NONE = 0xffffffff;

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function property(id: number, data: Uint8Array): Buffer {
  return Buffer.concat([u32(id), u32(1), u32(data.length), data]);
}

/** The value of a key below `Certificates`: the hash, then the certificate. */
function blob(der: Uint8Array): Buffer {
  return Buffer.concat([property(3, Buffer.from(hash('sha1', der, 'hex'), 'hex')), property(32, der)]);
}

/** `store` is the path of keys to `Certificates`, below the root of the hive. */
export function hive(store: string, der: Uint8Array): Buffer {
  const path = [...store.split('\\'), 'Certificates', hash('sha1', der, 'hex').toUpperCase()];
  const cells: Buffer[] = [];
  let next = 32;
  const cell = (...parts: readonly Uint8Array[]): number => {
    const body = Buffer.concat(parts);
    const bytes = Buffer.alloc(Math.ceil((body.length + 4) / 8) * 8);
    bytes.writeInt32LE(-bytes.length);
    body.copy(bytes, 4);
    cells.push(bytes);
    next += bytes.length;
    return next - bytes.length;
  };
  const key = (name: string, flags: number, rest: readonly string[]): number => {
    const [child, ...further] = rest;
    const children =
      child === undefined ? NONE : cell(Buffer.from('lh\x01\0'), u32(key(child, 0x20, further)), u32(0));
    const values = child === undefined ? cell(u32(value(cell, blob(der)))) : NONE;
    const record = Buffer.alloc(76);
    record.write('nk', 'latin1');
    record.writeUInt16LE(flags, 2);
    record.writeUInt32LE(NONE, 16);
    record.writeUInt32LE(child === undefined ? 0 : 1, 20);
    record.writeUInt32LE(children, 28);
    record.writeUInt32LE(NONE, 32);
    record.writeUInt32LE(child === undefined ? 1 : 0, 36);
    record.writeUInt32LE(values, 40);
    record.writeUInt16LE(name.length, 72);
    return cell(record, Buffer.from(name, 'latin1'));
  };
  return Buffer.concat([baseBlock(key('ROOT', 0x24, path), binSize(next)), bin(cells)]);
}

function value(cell: (...parts: readonly Uint8Array[]) => number, data: Uint8Array): number {
  const record = Buffer.alloc(20);
  record.write('vk', 'latin1');
  record.writeUInt16LE(4, 2);
  record.writeUInt32LE(data.length, 4);
  record.writeUInt32LE(cell(data), 8);
  record.writeUInt32LE(3, 12);
  record.writeUInt16LE(1, 16);
  return cell(record, Buffer.from('Blob'));
}

function binSize(used: number): number {
  return Math.ceil((used + 8) / 4096) * 4096;
}

function bin(cells: readonly Buffer[]): Buffer {
  const used = Buffer.concat(cells);
  const bytes = Buffer.alloc(binSize(32 + used.length));
  bytes.write('hbin', 'latin1');
  bytes.writeUInt32LE(bytes.length, 8);
  used.copy(bytes, 32);
  // What is left is one free cell.
  bytes.writeInt32LE(bytes.length - 32 - used.length, 32 + used.length);
  return bytes;
}

function baseBlock(rootCell: number, size: number): Buffer {
  const base = Buffer.alloc(4096);
  base.write('regf', 'latin1');
  for (const [offset, number] of [
    [4, 1],
    [8, 1],
    [20, 1],
    [24, 5],
    [32, 1],
    [36, rootCell],
    [40, size],
    [44, 1],
  ] as const) {
    base.writeUInt32LE(number, offset);
  }
  let sum = 0;
  for (let at = 0; at < 508; at += 4) sum ^= base.readInt32LE(at);
  base.writeUInt32LE(sum >>> 0, 508);
  return base;
}

export function wineRegistry(store: string, der: Uint8Array): string {
  const key = `${store}\\Certificates\\${hash('sha1', der, 'hex').toUpperCase()}`.replaceAll('\\', '\\\\');
  const octets = Array.from(blob(der), (octet) => octet.toString(16).padStart(2, '0')).join(',');
  return `WINE REGISTRY Version 2\n;; All keys relative to \\\\Machine\n\n#arch=win64\n\n[${key}] 1700000000\n"Blob"=hex:${octets}\n`;
}
