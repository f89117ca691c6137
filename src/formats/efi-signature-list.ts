/**
 * EFI_SIGNATURE_LIST (UEFI specification, "Signature Database"): how edk2 and the firmware keep X.509 roots.
 * Lists follow each other without a header for the whole.
 */

import { asBuffer } from '../core/bytes.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import { count } from '../core/text.ts';

export interface EfiSignature {
  readonly der: Uint8Array;
  /** GUID of whoever put it there, in hex as stored. */
  readonly owner: string;
  readonly offset: number;
}

/** EFI_CERT_X509_GUID, a5c059a1-94e4-4aa7-87b5-ab155c2bf072, in its stored byte order. */
const X509 = 'a159c0a5e494a74a87b5ab155c2bf072';
const LIST_HEADER_BYTES = 28;
const OWNER_BYTES = 16;
const MAX_SIGNATURES = 100_000;

export function parseEfiSignatureLists(bytes: Uint8Array): Parsed<EfiSignature> {
  const data = asBuffer(bytes);
  const entries: EfiSignature[] = [];
  const diagnostics: Diagnostic[] = [];
  let otherTypes = 0;
  try {
    for (let position = 0; position < data.length;) {
      const { first, end, size } = listAt(data, position);
      const isX509 = data.toString('hex', position, position + 16) === X509;
      if (!isX509) otherTypes++;
      // A list of another type is passed over whole.
      for (let offset = isX509 ? first : end; offset < end; offset += size) {
        const owner = data.toString('hex', offset, offset + OWNER_BYTES);
        entries.push({ der: data.subarray(offset + OWNER_BYTES, offset + size), owner, offset });
      }
      if (entries.length > MAX_SIGNATURES) throw new FormatError('limit', 'too many signatures', position);
      position = end;
    }
  } catch (error) {
    diagnostics.push(toDiagnostic(error));
  }
  if (otherTypes > 0) {
    const message = `${count(otherTypes, 'signature list')} without X.509 certificates left out`;
    diagnostics.push({ level: 'note', code: 'note', message });
  }
  return { entries, diagnostics };
}

/** Where the signatures of one list lie. Each list moves on by at least its header, so reading ends. */
function listAt(data: Buffer, position: number): { first: number; end: number; size: number } {
  if (data.length - position < LIST_HEADER_BYTES) {
    throw new FormatError('truncated', 'signature list cut off', position);
  }
  const end = position + data.readUInt32LE(position + 16);
  const first = position + LIST_HEADER_BYTES + data.readUInt32LE(position + 20);
  const size = data.readUInt32LE(position + 24);
  if (end > data.length) throw new FormatError('truncated', 'signature list cut off', position);
  if (size <= OWNER_BYTES || first > end || (end - first) % size !== 0) {
    throw new FormatError('malformed', 'sizes in the signature list do not fit', position);
  }
  return { first, end, size };
}
