/**
 * Apple's lists of system anchors inside Certificates.bundle and the trust store asset: certsTable.data (records with
 * the certificates themselves) and, in the newest systems, Anchors.plist (a list that says which of the files in
 * Anchors/ may be used for what). Sources: trustd's OTATrustUtilities.m, CertificateTool's PSCertData.m.
 */

import { asBuffer } from '../core/bytes.ts';
import { parseSha256, type Sha256 } from '../core/certificate.ts';
import { readTlv, Tag } from '../core/der.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import { asArray, asDictionary, asString, parsePlist, type PlistValue } from './plist.ts';

export interface CertsTableEntry {
  readonly der: Uint8Array;
  /** Offset of the record. */
  readonly offset: number;
}

const RECORD_HEAD = 8;
const MAX_RECORDS = 100_000;

/** Repeated: record length, certificate length (both little-endian), certificate, padding. */
export function parseCertsTable(bytes: Uint8Array): Parsed<CertsTableEntry> {
  const file = asBuffer(bytes);
  const entries: CertsTableEntry[] = [];
  const diagnostics: Diagnostic[] = [];
  try {
    for (let at = 0; at < file.length;) {
      if (entries.length >= MAX_RECORDS)
        throw new FormatError('limit', `more than ${MAX_RECORDS} records`, at);
      if (at + RECORD_HEAD > file.length) throw new FormatError('truncated', 'table cut off', at);
      const size = file.readUInt32LE(at);
      const length = file.readUInt32LE(at + 4);
      if (size < RECORD_HEAD || at + size > file.length) {
        throw new FormatError('malformed', `record of ${size} bytes does not fit the table`, at);
      }
      if (length > size - RECORD_HEAD) {
        throw new FormatError('malformed', `certificate of ${length} bytes does not fit its record`, at);
      }
      const der = file.subarray(at + RECORD_HEAD, at + RECORD_HEAD + length);
      if (readTlv(der, 0).tag !== Tag.sequence) {
        throw new FormatError('malformed', 'record without a certificate', at + RECORD_HEAD);
      }
      entries.push({ der, offset: at });
      at += size;
    }
  } catch (error) {
    diagnostics.push(toDiagnostic(error));
  }
  return { entries, diagnostics };
}

export interface AnchorListEntry {
  readonly sha256: Sha256;
  /** system: for everything; platform and custom: for the policies in {@link oids} only. */
  readonly type: string;
  /** Object identifiers of policies. */
  readonly oids: readonly string[];
}

const MAX_ENTRIES = 100_000;
const MAX_OIDS = 100;
const MAX_TYPE = 40;
const MAX_DIAGNOSTICS = 100;

/** Anchors.plist. */
export function parseAnchorList(bytes: Uint8Array): Parsed<AnchorListEntry> {
  const { entries: values, diagnostics: damage } = parsePlist(bytes);
  const [top] = values;
  if (top === undefined) return { entries: [], diagnostics: damage };
  const lists = asDictionary(top);
  if (!lists) return { entries: [], diagnostics: [malformed('not a list of anchors')] };
  const entries: AnchorListEntry[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const [key, list] of lists) {
    for (const value of asArray(list) ?? [null]) {
      const entry = anchorOf(value);
      if (entry) entries.push(entry);
      else diagnostics.push(malformed(`the anchors of ${key.slice(0, 64)} cannot be read`));
      if (entries.length >= MAX_ENTRIES || diagnostics.length >= MAX_DIAGNOSTICS) {
        return {
          entries,
          diagnostics: [...diagnostics, { level: 'error', code: 'limit', message: 'too many' }],
        };
      }
    }
  }
  return { entries, diagnostics };
}

function malformed(message: string): Diagnostic {
  return { level: 'error', code: 'malformed', message };
}

function anchorOf(value: PlistValue): AnchorListEntry | undefined {
  const entry = asDictionary(value);
  const sha256 = parseSha256(asString(entry?.get('sha2')) ?? '');
  if (!entry || sha256 === undefined) return undefined;
  const oids = (asArray(entry.get('oids')) ?? []).slice(0, MAX_OIDS).flatMap((oid) => asString(oid) ?? []);
  return { sha256, type: (asString(entry.get('type')) ?? '').slice(0, MAX_TYPE), oids };
}
