/** What archives of several formats have in common: members at known places of a file that is read in pieces. */

import type { Diagnostic } from '../core/errors.ts';

/** Bytes that are read in pieces: a file, or a member in memory. */
export interface Source {
  readonly size: number;
  /** Fills `into` from `offset`; how many bytes there were. */
  read(into: Uint8Array, offset: number): number;
}

export interface Member {
  readonly name: string;
  readonly packing: 'stored' | 'deflate' | 'encrypted' | 'unsupported';
  /** In the archive. */
  readonly packedSize: number;
  /** As the archive tells it; what comes out may differ. */
  readonly size: number;
  /** A place at or before the data, by which members can be put in order. */
  readonly start: number;
}

export interface Archive {
  readonly format: 'ZIP' | 'asar';
  readonly members: readonly Member[];
  readonly diagnostics: readonly Diagnostic[];
  /** Where the member's bytes begin; undefined when its header is damaged. */
  dataStart(member: Member): number | undefined;
}

export function sourceOf(bytes: Uint8Array): Source {
  return {
    size: bytes.length,
    read: (into, offset) => {
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
  };
}

/** `length` bytes, or undefined when there are not so many. */
export function readExact(source: Source, offset: number, length: number): Buffer | undefined {
  if (offset < 0 || offset + length > source.size) return undefined;
  const bytes = Buffer.alloc(length);
  return source.read(bytes, offset) === length ? bytes : undefined;
}
