import { array, assert, bigInt, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeOid } from '../../src/core/der.ts';

/** X.690, 8.19: seven bits in each octet, the first two arcs in one number. */
function encoded([first = 0n, second = 0n, ...rest]: readonly bigint[]): Uint8Array {
  const octets = [first * 40n + second, ...rest].flatMap((arc) => {
    const groups: number[] = [];
    for (let left = arc; left > 0n || groups.length === 0; left >>= 7n) {
      groups.unshift(Number(left & 0x7fn) | (groups.length === 0 ? 0 : 0x80));
    }
    return groups;
  });
  return Uint8Array.from(octets);
}

describe('an object identifier', () => {
  it.each([
    ['2.5.29.37', [0x55, 0x1d, 0x25]],
    ['1.2.840.113549.1.1.11', [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b]],
    ['0.0', [0x00]],
    ['2.999', [0x88, 0x37]],
  ])('%s is read', (text, octets) => {
    expect(decodeOid(Uint8Array.from(octets))).toBe(text);
  });

  it('is exact, however large its numbers are', () => {
    const arc = bigInt({ min: 0n, max: 2n ** 128n });
    assert(
      property(bigInt({ min: 0n, max: 2n ** 128n }), array(arc, { maxLength: 5 }), (second, rest) => {
        expect(decodeOid(encoded([2n, second, ...rest]))).toBe([2n, second, ...rest].join('.'));
      }),
    );
  });
});
