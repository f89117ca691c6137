/**
 * Serialized certificate stores (.sst, as `certutil -generateSSTFromWU` and the certificate console write them):
 * elements as in windows-blob.ts, where a certificate, CRL or trust list closes the properties before it.
 */

import { asBuffer } from '../core/bytes.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import { count } from '../core/text.ts';
import { Property, readElement, type WindowsCertificate } from './windows-blob.ts';

const HEADER_BYTES = 8;
const MAX_OBJECTS = 100_000;
const MAX_PROPERTIES = 10_000;

export function looksLikeSst(bytes: Uint8Array): boolean {
  const data = asBuffer(bytes);
  return (
    data.length >= HEADER_BYTES && data.readUInt32LE(0) === 0 && data.toString('latin1', 4, 8) === 'CERT'
  );
}

/** The certificates of the store, in order. */
export function parseSst(bytes: Uint8Array): Parsed<WindowsCertificate> {
  const entries: WindowsCertificate[] = [];
  const diagnostics: Diagnostic[] = [];
  let others = 0;
  try {
    if (!looksLikeSst(bytes)) throw new FormatError('malformed', 'no serialized certificate store', 0);
    let properties = new Map<number, Uint8Array>();
    let objectStart = HEADER_BYTES;
    let isEnded = false;
    for (let position = HEADER_BYTES; position < bytes.length && !isEnded;) {
      const { id, encoding, data, end } = readElement(bytes, position);
      if (id === 0 && encoding === 0 && data.length === 0) isEnded = true;
      else if (id === Property.certificate || id === Property.crl || id === Property.ctl) {
        if (entries.length + others >= MAX_OBJECTS)
          throw new FormatError('limit', 'too many entries', position);
        if (id === Property.certificate) entries.push({ der: data, properties, offset: objectStart });
        else others++;
        properties = new Map();
        objectStart = end;
      } else if (properties.size >= MAX_PROPERTIES) {
        throw new FormatError('limit', 'too many properties', position);
      } else properties.set(id, data);
      position = end;
    }
    if (!isEnded) note(diagnostics, 'the store has no end mark');
  } catch (error) {
    diagnostics.push(toDiagnostic(error));
  }
  if (others > 0) note(diagnostics, `${count(others, 'revocation or trust list')} left out`);
  return { entries, diagnostics };
}

function note(diagnostics: Diagnostic[], message: string): void {
  diagnostics.push({ level: 'note', code: 'note', message });
}
