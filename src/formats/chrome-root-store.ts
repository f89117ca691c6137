/**
 * `crs.pb`, the Chrome Root Store as its component updater brings it: the message RootStore of Chromium's
 * net/cert/root_store.proto.
 */

import { asBuffer } from '../core/bytes.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import { messageBytes, protobufFields, wholeMessage, type Message } from './protobuf.ts';

export interface ChromeRoot {
  /** Undefined where the root is named by its digest only. */
  readonly der: Uint8Array | undefined;
  readonly sha256: string;
  readonly displayName: string;
  /** False for certificates of other lists, which are no anchors for TLS. */
  readonly tlsAnchor: boolean;
  /** One set of them has to hold for a certificate, in words; none when there are no conditions. */
  readonly constraints: readonly string[];
}

export interface ChromeRootStore extends Parsed<ChromeRoot> {
  readonly version: string | undefined;
}

const MAX_ROOTS = 100_000;
const MAX_DER = 1 << 20;
const MAX_CONSTRAINTS = 100;
const MAX_DIAGNOSTICS = 100;

export function parseChromeRootStore(bytes: Uint8Array): ChromeRootStore {
  const entries: ChromeRoot[] = [];
  const diagnostics: Diagnostic[] = [];
  let version: string | undefined;
  try {
    for (const field of protobufFields(wholeMessage(bytes))) {
      if (field.kind === 'number' && field.number === 2) version = String(field.value);
      if (field.kind !== 'bytes' || (field.number !== 1 && field.number !== 3)) continue;
      if (entries.length >= MAX_ROOTS)
        throw new FormatError('limit', `more than ${MAX_ROOTS} roots`, field.offset);
      readRoot(field.value, field.number === 1, entries, diagnostics);
    }
    if (entries.length + diagnostics.length === 0) throw new FormatError('malformed', 'no roots in it');
  } catch (error) {
    diagnostics.push(toDiagnostic(error));
  }
  return { entries, diagnostics: diagnostics.slice(0, MAX_DIAGNOSTICS), version };
}

/** A root that cannot be read does not hide the others: its length is known. */
function readRoot(
  message: Message,
  anchorList: boolean,
  entries: ChromeRoot[],
  diagnostics: Diagnostic[],
): void {
  try {
    entries.push(rootOf(message, anchorList));
  } catch (error) {
    diagnostics.push(toDiagnostic(error));
  }
}

function rootOf(message: Message, anchorList: boolean): ChromeRoot {
  let der: Uint8Array | undefined;
  let sha256 = '';
  let displayName = '';
  let tlsAnchor = anchorList;
  const constraints: string[] = [];
  for (const field of protobufFields(message)) {
    if (field.kind === 'number' && field.number === 10) tlsAnchor = anchorList || field.value === 1n;
    if (field.kind !== 'bytes') continue;
    const value = messageBytes(field.value);
    if (field.number === 1) der = value;
    else if (field.number === 2) sha256 = asBuffer(value).toString('latin1');
    else if (field.number === 5) displayName = asBuffer(value).toString('utf8');
    else if (field.number === 4 && constraints.length < MAX_CONSTRAINTS)
      constraints.push(inWords(field.value));
  }
  if (!der && sha256 === '') throw new FormatError('malformed', 'root without a certificate', message.start);
  if (der && der.length > MAX_DER) {
    throw new FormatError('too-large', `certificate of ${der.length} bytes`, message.start);
  }
  return { der, sha256, displayName, tlsAnchor, constraints };
}

/** Field numbers of ConstraintSet: a time in seconds since 1970, or a version of Chrome. */
const TIMES: ReadonlyMap<number, string> = new Map([
  [1, 'first logged no later than'],
  [2, 'first logged after'],
  [10, 'valid from no later than'],
  [11, 'valid from after'],
]);
const VERSIONS: ReadonlyMap<number, string> = new Map([
  [3, 'Chrome from version'],
  [4, 'Chrome before version'],
]);

/** "first logged no later than 2025-04-15, for example.org" */
function inWords(message: Message): string {
  const parts: string[] = [];
  const names: string[] = [];
  for (const field of protobufFields(message)) {
    if (parts.length + names.length >= MAX_CONSTRAINTS) break;
    if (field.kind === 'number') {
      const time = TIMES.get(field.number);
      if (time !== undefined) parts.push(`${time} ${day(field.value)}`);
    } else if (field.kind === 'bytes') {
      const text = asBuffer(messageBytes(field.value)).toString('utf8');
      const version = VERSIONS.get(field.number);
      if (version !== undefined) parts.push(`${version} ${text}`);
      else if (field.number === 5) names.push(text);
    }
  }
  if (names.length > 0) parts.push(`for ${names.join(', ')}`);
  return parts.length === 0 ? 'a condition of an unknown kind' : parts.join(', ');
}

function day(seconds: bigint): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} seconds after 1970` : date.toISOString().slice(0, 10);
}
