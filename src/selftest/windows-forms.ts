/** Windows' own forms of certificates: property blobs, serialized stores, and lists of trust and distrust. */

import { certificateFrom, sha1Of } from '../core/certificate.ts';
import { tlv } from './certificates.ts';

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};

/** One property of a serialized certificate. */
export function blobProperty(id: number, data: Uint8Array): Buffer {
  return Buffer.concat([u32(id), u32(1), u32(data.length), data]);
}

export const sha1 = (der: Uint8Array): string => sha1Of(certificateFrom(der)).toUpperCase();

/** A `Blob` as Windows writes it: the hash, then the certificate. */
export function certificateBlob(der: Uint8Array, ...properties: readonly Uint8Array[]): Buffer {
  const hash = blobProperty(3, Buffer.from(sha1(der), 'hex'));
  return Buffer.concat([hash, ...properties, blobProperty(32, der)]);
}

export function sst(...elements: readonly Uint8Array[]): Buffer {
  return Buffer.concat([u32(0), Buffer.from('CERT'), ...elements, Buffer.alloc(12)]);
}

/** A time as 100 nanoseconds since 1601. */
export function filetime(date: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE((BigInt(new Date(date).getTime()) + 11_644_473_600_000n) * 10_000n);
  return bytes;
}

export function utf16(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'utf16le');
}

interface TrustListOptions {
  readonly usage?: string;
  /** Object identifier of what the identifiers are hashes of, in hex. */
  readonly algorithm?: string;
  /** Not inside SignedData. */
  readonly bare?: boolean;
  /** A further entry, as it is. */
  readonly extra?: Uint8Array;
}

const PROPERTY_PREFIX = '2b060104018237 0a0b'.replace(' ', '');

/** A certificate trust list without a signature: entries by identifier (hex), with properties by id. */
export function trustList(
  entries: readonly (readonly [string, Readonly<Record<number, Uint8Array>>])[],
  options: TrustListOptions = {},
): Buffer {
  const { usage = '2b0601040182370a0309', algorithm = '2b0e03021a', bare = false, extra } = options;
  const oid = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, 'hex'));
  const subjects = entries.map(([identifier, properties]) =>
    tlv(
      0x30,
      tlv(0x04, Buffer.from(identifier, 'hex')),
      tlv(
        0x31,
        ...Object.entries(properties).map(([id, data]) =>
          tlv(0x30, oid(PROPERTY_PREFIX + base128(Number(id))), tlv(0x31, tlv(0x04, data))),
        ),
      ),
    ),
  );
  const list = tlv(
    0x30,
    tlv(0x30, oid(usage)),
    tlv(0x04, utf16('Made_for_a_test')),
    tlv(0x02, Buffer.of(1)),
    tlv(0x17, Buffer.from('250101000000Z')),
    tlv(0x30, oid(algorithm), tlv(0x05)),
    tlv(0x30, ...subjects, ...(extra ? [extra] : [])),
  );
  if (bare) return list;
  const content = tlv(0x30, oid('2b0601040182370a01'), tlv(0xa0, list));
  const signed = tlv(0x30, tlv(0x02, Buffer.of(1)), tlv(0x31), content, tlv(0x31));
  return tlv(0x30, oid('2a864886f70d010702'), tlv(0xa0, signed));
}

function base128(value: number): string {
  const octets = value < 128 ? [value] : [0x80 | (value >> 7), value & 0x7f];
  return Buffer.from(octets).toString('hex');
}
