/**
 * cert8.db and cert7.db, the certificate databases of NSS before cert9.db: a Berkeley DB hash file with one record
 * per certificate, its trust in the same record. Records too long for that file lie in files of a directory beside
 * it. Source: nss/lib/softoken/legacydb/pcertdb.c, pcertt.h and dbmshim.c.
 */

import { hash } from 'node:crypto';
import { asBuffer, equalBytes } from '../core/bytes.ts';
import { certificateFrom } from '../core/certificate.ts';
import { element } from '../core/der.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import type { Trust } from '../core/trust.ts';
import { readBerkeleyHash, type HashPair } from './berkeley-hash.ts';
import { combineTrust, type Levels } from './nss-trust.ts';

export interface Cert8Entry {
  readonly der: Uint8Array;
  /** Empty when there is none. */
  readonly nickname: string;
  /** False when the stored nickname is not UTF-8, so that {@link nickname} cannot name it to a program. */
  readonly nicknameExact: boolean;
  readonly trust: Trust;
  /** Name of the file beside the database that holds the record, if one does. */
  readonly file: string | undefined;
}

const CERTIFICATE = 1;
const BLOB = 8;
/** Of the record: version, type, flags. */
const RECORD_HEADER = 3;
const BLOB_NAME = /^b[A-Za-z0-9+=-]{27,29}$/;
const BLOB_NAME_OFFSET = 8;
const MAX_DER = 1 << 20;
const MAX_BLOB_BYTES = 64 << 20;
const MAX_DIAGNOSTICS = 100;

const Flag = {
  terminal: 0x1,
  trusted: 0x2,
  validCa: 0x8,
  trustedCa: 0x10,
  user: 0x40,
  trustedClientCa: 0x80,
  mustVerify: 0x400,
  unknown: 0x800,
} as const;

/** `readBlob` gives the bytes of the file of that name in the directory beside the database, if it can be read. */
export function parseCert8(
  bytes: Uint8Array,
  readBlob: (name: string) => Uint8Array | undefined = () => undefined,
): Parsed<Cert8Entry> {
  const { entries: pairs, diagnostics: damage } = readBerkeleyHash(bytes);
  const diagnostics: Diagnostic[] = [...damage];
  const entries: Cert8Entry[] = [];
  const blobs = new Blobs(readBlob);
  let refused = 0;
  for (const pair of pairs) {
    if (pair.key[0] !== CERTIFICATE) continue;
    try {
      const entry = readRecord(pair, blobs);
      entries.push(entry);
      const note = keyNote(pair, entry);
      if (note !== undefined && refused++ < MAX_DIAGNOSTICS) diagnostics.push(note);
    } catch (error) {
      const diagnostic = toDiagnostic(error);
      if (refused++ < MAX_DIAGNOSTICS) diagnostics.push({ offset: pair.offset, ...diagnostic });
    }
  }
  return { entries, diagnostics };
}

class Blobs {
  readonly #read: (name: string) => Uint8Array | undefined;
  #bytes = 0;

  constructor(read: (name: string) => Uint8Array | undefined) {
    this.#read = read;
  }

  take(name: string): Uint8Array {
    const bytes = this.#read(name);
    if (!bytes) throw new FormatError('truncated', `the file ${name} of a large certificate is missing`);
    this.#bytes += bytes.length;
    if (this.#bytes > MAX_BLOB_BYTES) {
      throw new FormatError('limit', `more than ${MAX_BLOB_BYTES} bytes in large certificates`);
    }
    return bytes;
  }
}

function readRecord({ key, data, offset }: HashPair, blobs: Blobs): Cert8Entry {
  if (data[1] !== BLOB) return readCertificate(data, undefined);
  const field = asBuffer(data).toString('latin1', BLOB_NAME_OFFSET);
  const [name = ''] = field.split('\0', 1);
  if (!BLOB_NAME.test(name))
    throw new FormatError('malformed', 'no file name for a large certificate', offset);
  const expected = `b${hash('sha1', key, 'base64').replaceAll('/', '-')}`;
  if (name !== expected)
    throw new FormatError('malformed', `large certificate in a foreign file ${name}`, offset);
  return readCertificate(blobs.take(name), name);
}

function readCertificate(record: Uint8Array, file: string | undefined): Cert8Entry {
  const [version = 0, type] = record;
  if (type !== CERTIFICATE) throw new FormatError('malformed', `record of type ${type ?? 'none'}`);
  if (version < 5 || version > 8) throw new FormatError('unsupported', `record version ${version}`);
  const body = asBuffer(record).subarray(RECORD_HEADER);
  // Flags are words since version 7 and octets before.
  const width = version >= 7 ? 2 : 1;
  const header = 3 * width + 4;
  if (body.length < header) throw new FormatError('truncated', 'certificate record cut off');
  const flags = (index: number): number => body.readUIntBE(index * width, width);
  const nicknameLength = body.readUInt16BE(3 * width + 2);
  let derLength = body.readUInt16BE(3 * width);
  const excess = body.length - header - derLength - nicknameLength;
  // The length has 16 bits only: a longer certificate shows in what is left.
  if (excess < 0 || excess % 0x10000 !== 0) {
    throw new FormatError('malformed', 'lengths in a certificate record do not add up');
  }
  derLength += excess;
  if (derLength === 0) throw new FormatError('malformed', 'record without a certificate');
  if (derLength > MAX_DER) throw new FormatError('too-large', `certificate of ${derLength} bytes`);
  const name = withoutNul(body.subarray(header + derLength, header + derLength + nicknameLength));
  const nickname = name.toString('utf8');
  return {
    der: body.subarray(header, header + derLength),
    nickname,
    nicknameExact: equalBytes(Buffer.from(nickname), name),
    trust: trustOf(flags(0), flags(1), flags(2)),
    file,
  };
}

function withoutNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function levelOf(flags: number): Levels['serverAuth'] {
  if (flags & Flag.trustedCa) return 'anchor';
  if (flags & Flag.trusted) return 'peer';
  if (flags & Flag.mustVerify) return 'mustVerify';
  if (flags & Flag.unknown) return 'unknown';
  if (flags & Flag.validCa) return 'validCa';
  return flags & Flag.terminal ? 'distrusted' : 'unknown';
}

/** In the order in which NSS looks at the flags. */
function trustOf(ssl: number, email: number, objectSigning: number): Trust {
  const levels: Levels = {
    serverAuth: levelOf(ssl),
    clientAuth: ssl & Flag.trustedClientCa ? 'anchor' : 'unknown',
    emailProtection: levelOf(email),
    codeSigning: levelOf(objectSigning),
    timeStamping: 'unknown',
  };
  return combineTrust([levels], ((ssl | email | objectSigning) & Flag.user) !== 0);
}

/** NSS finds a certificate by serial number and issuer: under another key it is there and not found. */
function keyNote({ key, offset }: HashPair, { der, nickname }: Cert8Entry): Diagnostic | undefined {
  const { layout } = certificateFrom(der);
  if (!layout) return undefined;
  const serial = der.subarray(layout.serial.contentStart, layout.serial.contentEnd);
  const expected = Buffer.concat([serial, element(der, layout.issuer)]);
  if (equalBytes(key.subarray(1), expected)) return undefined;
  const message = `"${nickname}" is stored under the key of another certificate`;
  return { level: 'note', code: 'note', message, offset };
}
