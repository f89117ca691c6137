/** The keystores Java reads, told apart by their content: file names say nothing (`cacerts` is JKS or PKCS#12). */

import { asBuffer } from '../core/bytes.ts';
import type { Diagnostic, Parsed, ProblemCode } from '../core/errors.ts';
import { parseBcfks } from './bcfks.ts';
import { parseBks } from './bks.ts';
import { JCEKS_MAGIC, JKS_MAGIC, parseJks } from './jks.ts';
import { parsePkcs12 } from './pkcs12.ts';

export type KeystoreFormat = 'JKS' | 'JCEKS' | 'PKCS#12' | 'BKS' | 'UBER' | 'BCFKS';

export interface KeystoreEntry {
  /** Empty when the certificate has none. */
  readonly alias: string;
  readonly der: Uint8Array;
  /** Java trusts it. Others are held with a private key, or are not shown by Java at all. */
  readonly anchor: boolean;
}

export interface ParsedKeystore extends Parsed<KeystoreEntry> {
  readonly format: KeystoreFormat | undefined;
  /** The password that fits the whole file. */
  readonly password: string | undefined;
  /** A PKCS#12 file that needs no password. */
  readonly passwordLess: boolean;
  /** Private and secret keys beside the certificates. */
  readonly keys: number;
}

export interface KeystoreOptions {
  /** Tried after the well-known ones. */
  readonly passwords: readonly string[];
}

/** id-PBES2, the first algorithm in a BCFKS file. */
const PBES2 = Buffer.from('06092a864886f70d01050d', 'hex');

export function detectKeystore(bytes: Uint8Array): KeystoreFormat | undefined {
  const buffer = asBuffer(bytes);
  if (buffer.length < 12) return undefined;
  const magic = buffer.readUInt32BE(0);
  if (magic === JKS_MAGIC) return 'JKS';
  if (magic === JCEKS_MAGIC) return 'JCEKS';
  if (magic <= 2) return detectBouncyCastle(buffer);
  if (buffer[0] !== 0x30) return undefined;
  const inside = afterHeader(buffer, 0);
  if (buffer.readUIntBE(Math.min(inside, buffer.length - 3), 3) === 0x020103) return 'PKCS#12';
  // SEQUENCE { SEQUENCE { AlgorithmIdentifier { PBES2
  const oidAt = afterHeader(buffer, afterHeader(buffer, inside));
  return buffer.subarray(oidAt, oidAt + PBES2.length).equals(PBES2) ? 'BCFKS' : undefined;
}

/** Where the content of the element at `offset` begins; definite and indefinite lengths. */
function afterHeader(buffer: Buffer, offset: number): number {
  const first = buffer[offset + 1] ?? 0;
  return offset + 2 + (first > 0x80 ? first & 0x7f : 0);
}

/** BKS and UBER begin alike: version, salt, iterations. What follows is an entry, or is encrypted. */
function detectBouncyCastle(buffer: Buffer): KeystoreFormat | undefined {
  const saltLength = buffer.readUInt32BE(4);
  if (saltLength < 1 || saltLength > 64) return undefined;
  const at = 8 + saltLength + 4;
  const type = buffer[at];
  if (type === undefined) return undefined;
  if (type === 0 && buffer.length === at + 21) return 'BKS'; // no entries
  if (type < 1 || type > 4 || at + 3 > buffer.length) return 'UBER';
  const aliasAt = at + 3;
  const dateAt = aliasAt + buffer.readUInt16BE(at + 1);
  if (dateAt + 8 > buffer.length) return 'UBER';
  const printable = buffer.subarray(aliasAt, dateAt).every((octet) => octet >= 0x20 && octet !== 0x7f);
  // The upper half of a date in milliseconds stays below 2^16 for thousands of years.
  return printable && buffer.readUInt32BE(dateAt) < 0x10000 ? 'BKS' : 'UBER';
}

export function parseKeystore(
  bytes: Uint8Array,
  options: KeystoreOptions = { passwords: [] },
): ParsedKeystore {
  const format = detectKeystore(bytes);
  switch (format) {
    case 'JKS':
    case 'JCEKS': {
      const { entries, ...rest } = parseJks(bytes, options.passwords);
      const unified = entries.map(({ alias, der, kind }) => ({ alias, der, anchor: kind === 'trusted' }));
      return { ...rest, entries: unified, format, passwordLess: false };
    }
    case 'PKCS#12': {
      const { entries, ...rest } = parsePkcs12(bytes, options);
      const unified = entries.map(({ alias, der, javaTrusted }) => ({ alias, der, anchor: javaTrusted }));
      return { ...rest, entries: unified, format };
    }
    case 'BKS':
      return { ...parseBks(bytes, options.passwords), format, passwordLess: false };
    case 'BCFKS': {
      const { entries, ...rest } = parseBcfks(bytes, options.passwords);
      return {
        ...rest,
        entries: entries.map((each) => ({ ...each, anchor: true })),
        format,
        passwordLess: false,
      };
    }
    case 'UBER':
      return unread(
        format,
        'unsupported',
        'a UBER keystore (Bouncy Castle), encrypted as a whole, is not read',
      );
    case undefined:
      return bytes.length === 0
        ? unread(format, 'truncated', 'the keystore is empty: not even a header')
        : unread(format, 'malformed', 'no Java keystore: neither JKS, JCEKS, PKCS#12, BKS nor BCFKS');
  }
}

function unread(format: KeystoreFormat | undefined, code: ProblemCode, message: string): ParsedKeystore {
  const diagnostics: Diagnostic[] = [{ level: 'error', code, message }];
  return { entries: [], diagnostics, format, password: undefined, passwordLess: false, keys: 0 };
}
