import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { messageBytes, protobufFields, wholeMessage } from '../../src/formats/protobuf.ts';
import { bytesField, numberField, varint } from '../support/protobuf.ts';

function fields(bytes: Uint8Array): string[] {
  return Array.from(protobufFields(wholeMessage(bytes)), (field) => {
    if (field.kind === 'number') return `${field.number}: ${field.value}`;
    if (field.kind === 'fixed') return `${field.number}: fixed`;
    return `${field.number}: "${Buffer.from(messageBytes(field.value)).toString()}"`;
  });
}

function code(bytes: Uint8Array): string {
  try {
    fields(bytes);
    return 'none';
  } catch (error) {
    if (error instanceof FormatError) return `${error.code} at ${error.offset ?? 'nowhere'}`;
    throw error;
  }
}

describe('protobuf', () => {
  it('gives the fields in their order, of every wire type', () => {
    const message = Buffer.concat([
      numberField(1, 300),
      bytesField(2, 'text'),
      Buffer.concat([varint((3 << 3) | 1), Buffer.alloc(8)]),
      Buffer.concat([varint((4 << 3) | 5), Buffer.alloc(4)]),
      numberField(1000, 0xffffffffffffffffn),
      bytesField(2),
    ]);
    expect(fields(message)).toEqual([
      '1: 300',
      '2: "text"',
      '3: fixed',
      '4: fixed',
      '1000: 18446744073709551615',
      '2: ""',
    ]);
  });

  it.each<[string, string, string]>([
    ['a number cut off', '0880', 'truncated at 1'],
    ['a number without an end', `08${'ff'.repeat(11)}`, 'malformed at 1'],
    ['a text longer than the rest', '0a05616263', 'truncated at 0'],
    ['a text of an enormous length', '0affffffffffffffffff01', 'truncated at 0'],
    ['a fixed value cut off', '0900', 'truncated at 0'],
    ['the number 0', '0000', 'malformed at 0'],
    ['the start of a group', '0b', 'malformed at 0'],
    ['the end of a group', '0c', 'malformed at 0'],
    ['an unknown wire type', '0f', 'malformed at 0'],
  ])('%s is an error', (_, hex, expected) => {
    expect(code(Buffer.from(hex, 'hex'))).toBe(expected);
  });

  it('of any bytes never throws anything but a format error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        code(bytes);
      }),
      { numRuns: 1000, interruptAfterTimeLimit: 5000 },
    );
  });
});
