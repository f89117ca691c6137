/**
 * Trust objects of NSS: which value means what, and the string that certutil prints for them. There are two
 * classes: CKO_NSS_TRUST (nss/lib/util/pkcs11n.h), and CKO_TRUST of PKCS #11 3.2, which NSS writes since 3.114.
 */

import { asBuffer } from '../core/bytes.ts';
import { PURPOSES, type Purpose, type PurposeTrust, type Trust } from '../core/trust.ts';
import type { SqliteRow, SqliteValue } from './sqlite.ts';

export type TrustKind = 'CKO_TRUST' | 'CKO_NSS_TRUST';

/**
 * peer: this very certificate is accepted; anchor: a trusted CA; validCa: accepted as a CA, but not as the end of
 * a chain; mustVerify: no trust of its own; unknown: left to others to decide.
 */
type Level = 'peer' | 'anchor' | 'validCa' | 'mustVerify' | 'unknown' | 'distrusted';

export type Levels = Readonly<Record<Purpose, Level>>;

interface TrustClass {
  /** Column by purpose: "a" and the attribute's number in hex. */
  readonly columns: Readonly<Record<Purpose, string>>;
  readonly levels: ReadonlyMap<number, Level>;
}

const CLASSES: Readonly<Record<TrustKind, TrustClass>> = {
  CKO_NSS_TRUST: {
    columns: {
      serverAuth: 'ace536358',
      clientAuth: 'ace536359',
      codeSigning: 'ace53635a',
      emailProtection: 'ace53635b',
      timeStamping: 'ace53635f',
    },
    levels: new Map([
      [0xce534351, 'peer'],
      [0xce534352, 'anchor'],
      [0xce534353, 'mustVerify'],
      [0xce534355, 'unknown'],
      [0xce53435a, 'distrusted'],
      [0xce53435b, 'validCa'],
    ]),
  },
  CKO_TRUST: {
    columns: {
      serverAuth: 'a62c',
      clientAuth: 'a62d',
      codeSigning: 'a62e',
      emailProtection: 'a62f',
      timeStamping: 'a631',
    },
    levels: new Map([
      [0, 'unknown'],
      [1, 'peer'],
      [2, 'anchor'],
      [3, 'distrusted'],
      [4, 'mustVerify'],
    ]),
  },
};

export const TRUST_COLUMNS: readonly string[] = Object.values(CLASSES).flatMap(({ columns }) =>
  Object.values(columns),
);

/** NSS's way to store an empty value, where SQL's NULL means that the attribute is absent. */
const EMPTY = Buffer.from('a5005a', 'hex');

/** An attribute's bytes; empty for NSS's empty value, undefined where it is absent. */
export function attributeBytes(value: SqliteValue | undefined): Uint8Array | undefined {
  if (!(value instanceof Uint8Array)) return undefined;
  return asBuffer(value).equals(EMPTY) ? value.subarray(0, 0) : value;
}

/** A CK_ULONG: four bytes big-endian where NSS knows the attribute, else as the machine had it in memory. */
export function attributeNumber(value: SqliteValue | undefined): number | undefined {
  const bytes = attributeBytes(value);
  if (!bytes) return undefined;
  const buffer = asBuffer(bytes);
  if (buffer.length === 4) return buffer.readUInt32BE();
  if (buffer.length === 8) return Number(buffer.readBigUInt64LE());
  return buffer.length === 1 ? buffer.readUInt8() : undefined;
}

/** What a trust object says for each purpose; `wrong` names the values that have no meaning. */
export function readLevels(kind: TrustKind, row: SqliteRow): { levels: Levels; wrong: readonly string[] } {
  const { columns, levels } = CLASSES[kind];
  const wrong: string[] = [];
  const level = (purpose: Purpose): Level => {
    const value = row[columns[purpose]];
    if (value === undefined || value === null) return 'unknown';
    const found = levels.get(attributeNumber(value) ?? -1);
    if (!found) wrong.push(purpose);
    return found ?? 'unknown';
  };
  return { levels: forEachPurpose(level), wrong };
}

/** Numbers of the attributes that give trust or distrust: those that NSS wants signed. */
export function decidingAttributes(kind: TrustKind, levels: Levels): number[] {
  const { columns } = CLASSES[kind];
  return PURPOSES.filter((purpose) => purposeTrust(levels[purpose]) !== 'neutral').map((purpose) =>
    Number.parseInt(columns[purpose].slice(1), 16),
  );
}

function forEachPurpose<T>(value: (purpose: Purpose) => T): Readonly<Record<Purpose, T>> {
  return {
    serverAuth: value('serverAuth'),
    clientAuth: value('clientAuth'),
    emailProtection: value('emailProtection'),
    codeSigning: value('codeSigning'),
    timeStamping: value('timeStamping'),
  };
}

function purposeTrust(level: Level): PurposeTrust {
  if (level === 'peer' || level === 'anchor') return 'trusted';
  return level === 'distrusted' ? 'distrusted' : 'neutral';
}

export function grantsTrust(levels: Levels): boolean {
  return PURPOSES.some((purpose) => purposeTrust(levels[purpose]) === 'trusted');
}

/** True for the values that NSS stores when a built-in root is switched off. */
function allMustVerify(levels: Levels): boolean {
  return PURPOSES.every((purpose) => purpose === 'timeStamping' || levels[purpose] === 'mustVerify');
}

/**
 * One certificate's trust from its records, of which there should be one. Where they disagree, trust wins: a root
 * wrongly called harmless is the worse mistake. `suffix` is added to the expressed string.
 */
export function combineTrust(records: readonly Levels[], hasPrivateKey: boolean, suffix = ''): Trust {
  const purposes = forEachPurpose((purpose) => {
    const values = records.map((levels) => purposeTrust(levels[purpose]));
    if (values.includes('trusted')) return 'trusted';
    return values.length > 0 && values.every((value) => value === 'distrusted') ? 'distrusted' : 'neutral';
  });
  const strings = [...new Set(records.map((levels) => trustString(levels, hasPrivateKey)))];
  const off =
    records.length > 0 && records.every(allMustVerify) ? ' (must verify: switches a built-in root off)' : '';
  const conflict = strings.length > 1 ? ' (conflicting records)' : '';
  return { purposes, expressed: `${strings.join(' and ')}${off}${conflict}${suffix}` };
}

/** The same record without its distrust: for a record that NSS itself would not obey. */
export function withoutDistrust({ purposes, expressed }: Trust): Trust {
  const weakened = forEachPurpose((purpose) =>
    purposes[purpose] === 'distrusted' ? 'neutral' : purposes[purpose],
  );
  return { purposes: weakened, expressed };
}

/** As certutil -L prints it: SSL, S/MIME, and code signing. */
export function trustString(levels: Levels, hasPrivateKey: boolean): string {
  return [
    flags(levels.serverAuth, levels.clientAuth, hasPrivateKey),
    flags(levels.emailProtection, undefined, hasPrivateKey),
    flags(levels.codeSigning, undefined, hasPrivateKey),
  ].join(',');
}

function flags(own: Level, client: Level | undefined, hasPrivateKey: boolean): string {
  const either = (level: Level): boolean => own === level || client === level;
  const anchor = own === 'anchor';
  const clientAnchor = client === 'anchor';
  return [
    either('validCa') && !anchor && !clientAnchor ? 'c' : '',
    either('distrusted') && !either('peer') ? 'p' : '',
    anchor ? 'C' : '',
    clientAnchor ? 'T' : '',
    either('peer') ? 'P' : '',
    hasPrivateKey ? 'u' : '',
  ].join('');
}
