/**
 * Certificates as Windows keeps them: a run of properties, of which one is the certificate (Microsoft Learn,
 * "[MS-GPEF] 2.2.5.1"; property ids in wincrypt.h). A `Blob` value of the registry is one such run.
 */

import { asBuffer } from '../core/bytes.ts';
import { children, content, decodeOid, expectTlv, Tag } from '../core/der.ts';
import { FormatError, type Diagnostic, type Parsed } from '../core/errors.ts';
import { decodeUtf16 } from './registry.ts';

/** Ids of properties: CERT_…_PROP_ID of wincrypt.h. */
export const Property = {
  sha1: 3,
  enhancedKeyUsage: 9,
  friendlyName: 11,
  signatureHash: 15,
  certificate: 32,
  crl: 33,
  ctl: 34,
  rootSha256: 98,
  disallowedSince: 104,
  disallowedUsage: 122,
  notBefore: 126,
  notBeforeUsage: 127,
} as const;

export type Properties = ReadonlyMap<number, Uint8Array>;

/** A certificate with its properties, or properties alone: a hash that stands for a certificate to refuse. */
export interface WindowsCertificate {
  readonly der: Uint8Array | undefined;
  /** All but the certificate itself; the last one of an id counts. */
  readonly properties: Properties;
  readonly offset: number;
}

export interface Element {
  readonly id: number;
  readonly encoding: number;
  readonly data: Uint8Array;
  /** Offset after the element. */
  readonly end: number;
}

const ELEMENT_HEADER_BYTES = 12;
const MAX_PROPERTIES = 10_000;

/** The element at `offset`. Throws FormatError: it is part of other parsers. */
export function readElement(bytes: Uint8Array, offset: number): Element {
  const data = asBuffer(bytes);
  const start = offset + ELEMENT_HEADER_BYTES;
  if (start > data.length) throw new FormatError('truncated', 'property cut off', offset);
  const length = data.readUInt32LE(offset + 8);
  if (start + length > data.length) {
    const left = data.length - start;
    throw new FormatError('truncated', `property of ${length} bytes, ${left} left`, offset);
  }
  return {
    id: data.readUInt32LE(offset),
    encoding: data.readUInt32LE(offset + 4),
    data: data.subarray(start, start + length),
    end: start + length,
  };
}

/** One `Blob`: at most one entry. None for a certificate revocation list or a trust list, which are no roots. */
export function parseWindowsBlob(bytes: Uint8Array): Parsed<WindowsCertificate> {
  const properties = new Map<number, Uint8Array>();
  const diagnostics: Diagnostic[] = [];
  let der: Uint8Array | undefined;
  try {
    let count = 0;
    for (let position = 0; position < bytes.length;) {
      const element = readElement(bytes, position);
      if (++count > MAX_PROPERTIES) throw new FormatError('limit', 'too many properties', position);
      if (element.id !== Property.certificate) properties.set(element.id, element.data);
      else if (der) throw new FormatError('malformed', 'two certificates in one value', position);
      else der = element.data;
      position = element.end;
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const { code, message, offset } = error;
    diagnostics.push({ level: 'error', code, message, ...(offset !== undefined && { offset }) });
  }
  if (!der && (properties.has(Property.crl) || properties.has(Property.ctl)))
    return { entries: [], diagnostics };
  if (!der && properties.size === 0) {
    if (diagnostics.length === 0) {
      diagnostics.push({ level: 'error', code: 'truncated', message: 'a value without any property' });
    }
    return { entries: [], diagnostics };
  }
  return { entries: [{ der, properties, offset: 0 }], diagnostics };
}

/** A text property, such as the friendly name. */
export function textProperty(properties: Properties, id: number): string | undefined {
  const data = properties.get(id);
  if (!data) return undefined;
  return decodeUtf16(data) || undefined;
}

const MAX_USAGES = 1000;

/**
 * A property that is a SEQUENCE OF OBJECT IDENTIFIER. Undefined when it is absent or cannot be read: a restriction
 * that nobody can read restricts nothing.
 */
export function usageProperty(properties: Properties, id: number): readonly string[] | undefined {
  const data = properties.get(id);
  if (!data) return undefined;
  try {
    const list = expectTlv(data, 0, data.length, Tag.sequence, 'usages');
    return children(data, list, MAX_USAGES).map((usage) => decodeOid(content(data, usage)));
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** 1601-01-01 to 1970-01-01 in milliseconds. */
const EPOCH_DIFFERENCE = 11_644_473_600_000;

/** A FILETIME property in milliseconds since 1970; undefined when it is absent. An empty or zero one is always past. */
export function timeProperty(properties: Properties, id: number): number | undefined {
  const data = properties.get(id);
  if (!data) return undefined;
  if (data.length < 8) return -EPOCH_DIFFERENCE;
  return Number(asBuffer(data).readBigUInt64LE(0) / 10_000n) - EPOCH_DIFFERENCE;
}
