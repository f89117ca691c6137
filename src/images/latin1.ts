/** Paths as one character per byte: the form in which names are kept and compared. */

import { decodePath, encodePath } from '../core/shell.ts';

/** `path` with one character for each of its bytes; itself when it is plain ASCII. */
export function toLatin1(path: string): string {
  return isAscii(path) ? path : encodePath(path).toString('latin1');
}

/** The other way round. */
export function fromLatin1(latin1: string): string {
  return isAscii(latin1) ? latin1 : decodePath(Buffer.from(latin1, 'latin1'));
}

/** Every other character takes more bytes than one. */
function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}
