/**
 * Certificate trust lists (.stl files and the EncodedCtl values of the registry): [MS-CAESO] CTL in a SignedData
 * (RFC 5652). They name certificates by hash and say what they are trusted or refused for. The certificates inside
 * are those of the signers, and no roots.
 */

import { asBuffer } from '../core/bytes.ts';
import { children, content, decodeOid, expectTlv, readTlv, Tag, type Tlv } from '../core/der.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import { decodeUtf16 } from './registry.ts';
import type { Properties } from './windows-blob.ts';

export interface CtlEntry {
  /** A hash, in lower-case hex; of what, {@link TrustList.subjectAlgorithm} says. */
  readonly identifier: string;
  readonly properties: Properties;
  readonly offset: number;
}

export interface TrustList extends Parsed<CtlEntry> {
  /** What the list is for: see {@link Usage}. */
  readonly usages: readonly string[];
  /** "DisallowedCert_AutoUpdate_1"; empty when it has none. */
  readonly listIdentifier: string;
  readonly subjectAlgorithm: string;
}

/** Object identifiers in {@link TrustList.usages}. */
export const Usage = {
  rootList: '1.3.6.1.4.1.311.10.3.9',
  disallowedList: '1.3.6.1.4.1.311.10.3.30',
} as const;

const SIGNED_DATA = '1.2.840.113549.1.7.2';
const CTL = '1.3.6.1.4.1.311.10.1';
/** szOID_CERT_PROP_ID_PREFIX: the property's number follows. */
const PROPERTY_PREFIX = '1.3.6.1.4.1.311.10.11.';
const MAX_ATTRIBUTES = 1000;
const MAX_USAGES = 100;
const MAX_DIAGNOSTICS = 100;

export function parseStl(bytes: Uint8Array): TrustList {
  const entries: CtlEntry[] = [];
  const diagnostics: Diagnostic[] = [];
  let head: ListHead | undefined;
  try {
    head = readHead(bytes, findList(bytes));
    for (const subject of head.subjects ? children(bytes, head.subjects) : []) {
      readEntry(bytes, subject, entries, diagnostics);
    }
  } catch (error) {
    diagnostics.push(toDiagnostic(error));
  }
  const { usages = [], listIdentifier = '', subjectAlgorithm = '' } = head ?? {};
  return { entries, diagnostics, usages, listIdentifier, subjectAlgorithm };
}

/** A damaged entry does not hide the others. */
function readEntry(bytes: Uint8Array, subject: Tlv, entries: CtlEntry[], diagnostics: Diagnostic[]): void {
  try {
    const [identifier, attributes] = children(bytes, subject, MAX_ATTRIBUTES);
    if (identifier?.tag !== Tag.octetString) {
      throw new FormatError('malformed', 'entry without an identifier', subject.start);
    }
    entries.push({
      identifier: asBuffer(content(bytes, identifier)).toString('hex'),
      properties: attributes ? readProperties(bytes, attributes) : new Map(),
      offset: subject.start,
    });
  } catch (error) {
    const diagnostic = toDiagnostic(error);
    if (diagnostics.length < MAX_DIAGNOSTICS) diagnostics.push(diagnostic);
  }
}

/** The CTL inside its SignedData, or bare. */
function findList(bytes: Uint8Array): Tlv {
  const outer = expectTlv(bytes, 0, bytes.length, Tag.sequence, 'trust list');
  const type = readTlv(bytes, outer.contentStart, outer.contentEnd);
  if (type.tag !== Tag.oid) return outer;
  if (decodeOid(content(bytes, type)) !== SIGNED_DATA) {
    throw new FormatError('unsupported', 'content is not SignedData', type.start);
  }
  const wrapper = expectTlv(bytes, type.end, outer.contentEnd, 0xa0, 'content');
  const signed = expectTlv(bytes, wrapper.contentStart, wrapper.contentEnd, Tag.sequence, 'SignedData');
  const version = readTlv(bytes, signed.contentStart, signed.contentEnd);
  const algorithms = readTlv(bytes, version.end, signed.contentEnd);
  const inner = expectTlv(bytes, algorithms.end, signed.contentEnd, Tag.sequence, 'encapContentInfo');
  const innerType = expectTlv(bytes, inner.contentStart, inner.contentEnd, Tag.oid, 'eContentType');
  if (decodeOid(content(bytes, innerType)) !== CTL) {
    throw new FormatError('unsupported', 'signed content is no certificate trust list', innerType.start);
  }
  const explicit = expectTlv(bytes, innerType.end, inner.contentEnd, 0xa0, 'eContent');
  const body = readTlv(bytes, explicit.contentStart, explicit.contentEnd);
  // Microsoft puts the list there bare; RFC 5652 would wrap it.
  return body.tag === Tag.octetString
    ? expectTlv(bytes, body.contentStart, body.contentEnd, Tag.sequence, 'trust list')
    : body;
}

interface ListHead {
  readonly usages: readonly string[];
  readonly listIdentifier: string;
  readonly subjectAlgorithm: string;
  readonly subjects: Tlv | undefined;
}

/** Optional fields are told apart by their tags. */
function readHead(bytes: Uint8Array, list: Tlv): ListHead {
  const fields = children(bytes, list, 20);
  let next = 0;
  const optional = (...tags: readonly number[]): Tlv | undefined => {
    const field = fields[next];
    if (!field || !tags.includes(field.tag)) return undefined;
    next++;
    return field;
  };
  const required = (tag: number, what: string): Tlv => {
    const field = optional(tag);
    if (!field)
      throw new FormatError('malformed', `trust list without ${what}`, fields[next]?.start ?? list.end);
    return field;
  };
  optional(Tag.integer); // version
  const usage = required(Tag.sequence, 'a usage');
  const identifier = optional(Tag.octetString);
  optional(Tag.integer); // sequence number
  optional(Tag.utcTime, Tag.generalizedTime); // this update
  optional(Tag.utcTime, Tag.generalizedTime); // next update
  const algorithm = required(Tag.sequence, 'an algorithm');
  const [algorithmId] = children(bytes, algorithm, 2);
  return {
    usages: children(bytes, usage, MAX_USAGES).map((each) => {
      if (each.tag !== Tag.oid) throw new FormatError('malformed', 'trust list without a usage', each.start);
      return decodeOid(content(bytes, each));
    }),
    listIdentifier: identifier ? decodeUtf16(content(bytes, identifier)) : '',
    subjectAlgorithm: algorithmId ? decodeOid(content(bytes, algorithmId)) : '',
    subjects: optional(Tag.sequence),
  };
}

/** Attributes whose type is a property of a certificate; others are left out. */
function readProperties(bytes: Uint8Array, attributes: Tlv): Properties {
  const properties = new Map<number, Uint8Array>();
  for (const attribute of children(bytes, attributes, MAX_ATTRIBUTES)) {
    const type = expectTlv(bytes, attribute.contentStart, attribute.contentEnd, Tag.oid, 'attribute type');
    const oid = decodeOid(content(bytes, type));
    if (!oid.startsWith(PROPERTY_PREFIX)) continue;
    const values = expectTlv(bytes, type.end, attribute.contentEnd, Tag.set, 'attribute values');
    const value = expectTlv(
      bytes,
      values.contentStart,
      values.contentEnd,
      Tag.octetString,
      'attribute value',
    );
    properties.set(Number(oid.slice(PROPERTY_PREFIX.length)), content(bytes, value));
  }
  return properties;
}
