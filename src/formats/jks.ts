/**
 * JKS and JCEKS, the keystores of sun.security.provider.JavaKeyStore and com.sun.crypto.provider.JceKeyStore.
 * Certificates lie in the clear: no password is needed to list them, only to check the SHA-1 digest at the end.
 */

import { createHash } from 'node:crypto';
import { asBuffer, ByteReader } from '../core/bytes.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import { readUtf, skipSerializedObject } from './java-serialization.ts';

interface JksEntry {
  readonly alias: string;
  /** Only a `trusted` entry is an anchor; `key-chain` certificates belong to a private key. */
  readonly kind: 'trusted' | 'key-chain';
  readonly der: Uint8Array;
  /** Milliseconds since 1970. */
  readonly created: number;
}

export interface ParsedJks extends Parsed<JksEntry> {
  /** The password with which the digest verifies. */
  readonly password: string | undefined;
  /** Private and secret keys. */
  readonly keys: number;
}

export const JKS_MAGIC = 0xfeedfeed;
export const JCEKS_MAGIC = 0xcececece;

const DIGEST_BYTES = 20;
/** Public knowledge: JavaKeyStore.getPreKeyedHash. */
const DIGEST_SALT = 'Mighty Aphrodite';
const WELL_KNOWN_PASSWORDS = ['changeit', 'changeme', 'password', 'secret', ''];

/** Real stores have a few hundred entries. */
const MAX_CERTIFICATES = 100_000;
/** How many places that look like an entry are tried after a part that cannot be read. */
const MAX_RESYNCS = 10_000;
const EARLIEST = Date.UTC(1995, 0);
const LATEST = Date.UTC(2100, 0);

const KEY = 1;
const TRUSTED_CERTIFICATE = 2;
const SECRET_KEY = 3;

interface State {
  readonly reader: ByteReader;
  readonly version: number;
  readonly entries: JksEntry[];
  readonly diagnostics: Diagnostic[];
  keys: number;
  partly: boolean;
}

export function parseJks(bytes: Uint8Array, passwords: readonly string[] = []): ParsedJks {
  const reader = new ByteReader(bytes);
  const diagnostics: Diagnostic[] = [];
  const entries: JksEntry[] = [];
  try {
    const magic = reader.u32();
    if (magic !== JKS_MAGIC && magic !== JCEKS_MAGIC) throw new FormatError('malformed', 'no JKS magic', 0);
    const version = reader.u32();
    if (version !== 1 && version !== 2) throw new FormatError('unsupported', `JKS version ${version}`, 4);
    const state: State = { reader, version, entries, diagnostics, keys: 0, partly: false };
    readEntries(state, reader.u32());
    const password = state.partly ? undefined : checkDigest(state, passwords);
    return { entries, diagnostics, password, keys: state.keys };
  } catch (error) {
    return { entries, diagnostics: [...diagnostics, toDiagnostic(error)], password: undefined, keys: 0 };
  }
}

function readEntries(state: State, count: number): void {
  const { reader, diagnostics } = state;
  let resyncs = 0;
  for (let done = 0; done < count; done++) {
    const start = reader.position;
    try {
      readEntry(state);
    } catch (error) {
      const diagnostic = toDiagnostic(error);
      if (!state.partly) {
        const message = `partly read: ${diagnostic.message} (entry ${done + 1} of ${count})`;
        diagnostics.push({ ...diagnostic, message });
      }
      state.partly = true;
      if (diagnostic.code === 'limit' && state.entries.length >= MAX_CERTIFICATES) return;
      const next = ++resyncs > MAX_RESYNCS ? undefined : findEntry(reader.bytes, start + 1);
      if (next === undefined) return;
      reader.seek(next);
    }
  }
}

function readEntry(state: State): void {
  const { reader, entries } = state;
  const start = reader.position;
  const tag = reader.u32();
  if (tag !== KEY && tag !== TRUSTED_CERTIFICATE && tag !== SECRET_KEY) {
    throw new FormatError('malformed', `entry type ${tag}`, start);
  }
  const alias = readUtf(reader);
  const created = Number(reader.u64());
  if (tag === TRUSTED_CERTIFICATE) {
    push(entries, { alias, kind: 'trusted', der: readCertificate(state), created }, start);
    return;
  }
  if (tag === SECRET_KEY) {
    skipSerializedObject(reader);
  } else {
    reader.skip(reader.u32()); // EncryptedPrivateKeyInfo
    for (let left = reader.u32(); left > 0; left--) {
      push(entries, { alias, kind: 'key-chain', der: readCertificate(state), created }, start);
    }
  }
  state.keys++;
}

function push(entries: JksEntry[], entry: JksEntry, offset: number): void {
  if (entries.length >= MAX_CERTIFICATES) {
    throw new FormatError('limit', `more than ${MAX_CERTIFICATES} certificates`, offset);
  }
  entries.push(entry);
}

function readCertificate({ reader, version }: State): Uint8Array {
  if (version === 2) reader.skip(reader.u16()); // the type, always "X.509"
  return reader.take(reader.u32());
}

/** The next place from `from` on that looks like an entry: a type, a readable alias, a sensible date. */
function findEntry(bytes: Uint8Array, from: number): number | undefined {
  const buffer = asBuffer(bytes);
  const zeros = Buffer.alloc(3);
  for (let at = buffer.indexOf(zeros, from); at >= 0; at = buffer.indexOf(zeros, at + 1)) {
    const tag = buffer[at + 3] ?? 0;
    if (tag < KEY || tag > SECRET_KEY || at + 14 > buffer.length) continue;
    const dateAt = at + 6 + buffer.readUInt16BE(at + 4);
    if (dateAt === at + 6 || dateAt + 8 > buffer.length) continue;
    const created = Number(buffer.readBigUInt64BE(dateAt));
    if (created < EARLIEST || created > LATEST) continue;
    if (buffer.subarray(at + 6, dateAt).every((octet) => octet >= 0x20 && octet !== 0x7f)) return at;
  }
  return undefined;
}

/** SHA-1 over password, salt and everything before the digest; the password that fits, if any. */
function checkDigest({ reader, diagnostics }: State, given: readonly string[]): string | undefined {
  const end = reader.position;
  const stored = asBuffer(reader.take(DIGEST_BYTES));
  if (reader.remaining > 0) {
    const message = `${reader.remaining} bytes after the end, which Java ignores`;
    diagnostics.push({ level: 'note', code: 'note', message, offset: reader.position });
  }
  const body = reader.bytes.subarray(0, end);
  for (const password of new Set([...WELL_KNOWN_PASSWORDS, ...given])) {
    const secret = Buffer.from(password, 'utf16le').swap16();
    const digest = createHash('sha1').update(secret).update(DIGEST_SALT).update(body).digest();
    if (digest.equals(stored)) return password;
  }
  const message = 'integrity not checked: none of the known passwords fits the digest';
  diagnostics.push({ level: 'note', code: 'note', message });
  return undefined;
}
