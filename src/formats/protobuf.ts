/**
 * The wire format of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/): fields with a number, in
 * any order; what a field means is the caller's business. Throws FormatError, for parsers to catch.
 */

import { FormatError } from '../core/errors.ts';

export type ProtobufField =
  | { readonly kind: 'number'; readonly number: number; readonly offset: number; readonly value: bigint }
  | { readonly kind: 'bytes'; readonly number: number; readonly offset: number; readonly value: Message }
  /** Four or eight bytes of fixed length, which no message of ours uses. */
  | { readonly kind: 'fixed'; readonly number: number; readonly offset: number };

/** A part of the bytes: a message, a string, or plain bytes. */
export interface Message {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH = 2;
const FOUR_BYTES = 5;
const MAX_VARINT_BYTES = 10;
const MAX_FIELDS = 1_000_000;

export function wholeMessage(bytes: Uint8Array): Message {
  return { bytes, start: 0, end: bytes.length };
}

export function messageBytes({ bytes, start, end }: Message): Uint8Array {
  return bytes.subarray(start, end);
}

/** The fields of a message in their order. Groups, which nothing uses any more, end it with an error. */
export function* protobufFields(message: Message): Generator<ProtobufField> {
  const { bytes, end } = message;
  let position = message.start;
  for (let count = 0; position < end; count++) {
    if (count >= MAX_FIELDS) throw new FormatError('limit', `more than ${MAX_FIELDS} fields`, position);
    const offset = position;
    const key = readVarint(bytes, position, end);
    position = key.end;
    const number = Number(key.value >> 3n);
    const wire = Number(key.value & 7n);
    if (number < 1 || number > 0x1fffffff)
      throw new FormatError('malformed', `field number ${number}`, offset);
    if (wire === VARINT) {
      const { value, end: next } = readVarint(bytes, position, end);
      position = next;
      yield { kind: 'number', number, offset, value };
      continue;
    }
    let length = BigInt(wire === EIGHT_BYTES ? 8 : 4);
    if (wire === LENGTH) {
      const read = readVarint(bytes, position, end);
      length = read.value;
      position = read.end;
    } else if (wire !== EIGHT_BYTES && wire !== FOUR_BYTES) {
      throw new FormatError('malformed', `field ${number} of wire type ${wire}`, offset);
    }
    if (length > BigInt(end - position)) {
      throw new FormatError(
        'truncated',
        `field ${number} of ${length} bytes, ${end - position} left`,
        offset,
      );
    }
    const start = position;
    position += Number(length);
    yield wire === LENGTH
      ? { kind: 'bytes', number, offset, value: { bytes, start, end: position } }
      : { kind: 'fixed', number, offset };
  }
}

function readVarint(bytes: Uint8Array, start: number, end: number): { value: bigint; end: number } {
  let value = 0n;
  for (let index = 0; index < MAX_VARINT_BYTES; index++) {
    const octet = start + index < end ? bytes[start + index] : undefined;
    if (octet === undefined) throw new FormatError('truncated', 'number cut off', start);
    value |= BigInt(octet & 0x7f) << BigInt(7 * index);
    if (octet < 0x80) return { value: BigInt.asUintN(64, value), end: start + index + 1 };
  }
  throw new FormatError('malformed', `number of more than ${MAX_VARINT_BYTES} bytes`, start);
}
