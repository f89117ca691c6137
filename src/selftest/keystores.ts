/** Keystores of Java, written byte by byte: JKS and password-less PKCS#12. */

import { createHash } from 'node:crypto';
import { derHeader } from '../core/der.ts';

// JKS

const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
export function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}
export const DATE = Buffer.from('0000018bcfe56800', 'hex'); // November 2023

/** java.io.DataOutput.writeUTF */
export function utf(text: string): Buffer {
  const parts = Array.from({ length: text.length }, (_, i) => {
    const unit = text.charCodeAt(i);
    if (unit > 0 && unit < 0x80) return [unit];
    if (unit < 0x800) return [0xc0 | (unit >> 6), 0x80 | (unit & 0x3f)];
    return [0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)];
  }).flat();
  return Buffer.concat([u16(parts.length), Buffer.from(parts)]);
}

interface JksOptions {
  readonly magic?: number;
  readonly version?: number;
  readonly password?: string;
  readonly count?: number;
}

export function jksCertificate(der: Uint8Array, version = 2): Buffer {
  return Buffer.concat([version === 2 ? utf('X.509') : Buffer.alloc(0), u32(der.length), der]);
}

export function jksTrusted(alias: string, der: Uint8Array, version = 2): Buffer {
  return Buffer.concat([u32(2), utf(alias), DATE, jksCertificate(der, version)]);
}

export function jks(entries: readonly Uint8Array[], options: JksOptions = {}): Buffer {
  const { magic = 0xfeedfeed, version = 2, password = 'changeit', count = entries.length } = options;
  const body = Buffer.concat([u32(magic), u32(version), u32(count), ...entries]);
  const secret = Buffer.from(password, 'utf16le').swap16();
  return Buffer.concat([
    body,
    createHash('sha1').update(secret).update('Mighty Aphrodite').update(body).digest(),
  ]);
}

// PKCS#12

export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([derHeader(tag, body.length), body]);
}

/** The same with an indefinite length. */
export function ber(tag: number, ...content: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.of(tag, 0x80), ...content, Buffer.alloc(2)]);
}

export const seq = (...content: readonly Uint8Array[]): Buffer => der(0x30, ...content);
export const octets = (...content: readonly Uint8Array[]): Buffer => der(0x04, ...content);
export const int = (...content: readonly number[]): Buffer => der(0x02, Buffer.from(content));

export const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
export const DATA = oid('2a864886f70d010701');
export const ENCRYPTED = oid('2a864886f70d010706');
const BAG = '2a864886f70d010c0a01';

interface BagOptions {
  readonly alias?: string;
  readonly keyId?: string;
  readonly javaTrusted?: boolean;
}

function attributes({ alias, keyId, javaTrusted = false }: BagOptions): Buffer {
  const attribute = (type: string, value: Buffer): Buffer => seq(oid(type), der(0x31, value));
  const none = Buffer.alloc(0);
  return der(
    0x31,
    alias === undefined
      ? none
      : attribute('2a864886f70d010914', der(0x1e, Buffer.from(alias, 'utf16le').swap16())),
    keyId === undefined ? none : attribute('2a864886f70d010915', octets(Buffer.from(keyId))),
    javaTrusted ? attribute('60864801 86f966adca7b0101'.replace(' ', ''), oid('551d2500')) : none,
  );
}

export function certificateBag(certificate: Uint8Array, options: BagOptions = {}): Buffer {
  const value = seq(oid('2a864886f70d01091601'), der(0xa0, octets(certificate)));
  return seq(oid(`${BAG}03`), der(0xa0, value), attributes(options));
}

export function keyBag(options: BagOptions = {}): Buffer {
  return seq(oid(`${BAG}02`), der(0xa0, seq(int(0))), attributes(options));
}

export function nestedBag(...bags: readonly Uint8Array[]): Buffer {
  return seq(oid(`${BAG}06`), der(0xa0, seq(...bags)));
}

export const plainSafe = (...bags: readonly Uint8Array[]): Buffer =>
  seq(DATA, der(0xa0, octets(seq(...bags))));

export function authenticatedSafe(...safes: readonly Uint8Array[]): Buffer {
  return seq(...safes);
}

export function pkcs12(safe: Uint8Array, mac: Uint8Array = Buffer.alloc(0)): Buffer {
  return seq(int(3), seq(DATA, der(0xa0, octets(safe))), mac);
}
