/** Marvin32, the checksum of registry transaction logs (US patent 8,555,065; "Windows registry file format specification"). */

import { asBuffer } from '../core/bytes.ts';

/** The seed that Windows uses for its logs: 0x82EF4D887A4E55C5. */
const SEED_LOW = 0x7a4e55c5;
const SEED_HIGH = 0x82ef4d88;

/** The 64-bit sum as its two halves, in the order in which a little-endian log holds them. */
export interface MarvinHash {
  readonly low: number;
  readonly high: number;
}

export function marvin32(bytes: Uint8Array, start: number, end: number): MarvinHash {
  const data = asBuffer(bytes);
  let low = SEED_LOW;
  let high = SEED_HIGH;
  const step = (value: number): void => {
    low = (low + value) | 0;
    high ^= low;
    low = (rotate(low, 20) + high) | 0;
    high = rotate(high, 9) ^ low;
    low = (rotate(low, 27) + high) | 0;
    high = rotate(high, 19);
  };
  let position = start;
  for (; position + 4 <= end; position += 4) step(data.readInt32LE(position));
  let last = 0x80;
  for (let at = end - 1; at >= position; at--) last = (last << 8) | (data[at] ?? 0);
  step(last);
  step(0);
  return { low: low >>> 0, high: high >>> 0 };
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
