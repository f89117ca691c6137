/**
 * BKS, Bouncy Castle's keystore (org.bouncycastle.jcajce.provider.keystore.bc.BcKeyStoreSpi), versions 0 to 2, as
 * Android programs have it. Certificates lie in the clear: a password is needed only to check the HMAC at the end.
 */

import { createHmac } from 'node:crypto';
import { asBuffer, ByteReader } from '../core/bytes.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import { readUtf } from './java-serialization.ts';
import { passwordsToTry } from './keystore-passwords.ts';
import { KdfBudget, passwordForms, pkcs12Kdf, Purpose } from './pkcs12-crypto.ts';

interface BksEntry {
  readonly alias: string;
  readonly der: Uint8Array;
  /** A certificate entry; others are the chain of a key. */
  readonly anchor: boolean;
}

export interface ParsedBks extends Parsed<BksEntry> {
  /** The password with which the HMAC verifies. */
  readonly password: string | undefined;
  readonly keys: number;
}

const MAX_SALT_BYTES = 2 << 20;
const MAX_CERTIFICATES = 100_000;
const MAC_BYTES = 20;
const SHA1 = '1.3.14.3.2.26';

const END = 0;
const CERTIFICATE = 1;
const KEY = 2;
const SECRET = 3;
const SEALED = 4;

interface State {
  readonly reader: ByteReader;
  readonly entries: BksEntry[];
  readonly diagnostics: Diagnostic[];
  keys: number;
}

export function parseBks(bytes: Uint8Array, passwords: readonly string[] = []): ParsedBks {
  const reader = new ByteReader(bytes);
  const state: State = { reader, entries: [], diagnostics: [], keys: 0 };
  let password: string | undefined;
  try {
    const version = reader.u32();
    if (version > 2) throw new FormatError('unsupported', `BKS version ${version}`, 0);
    const saltLength = reader.u32();
    if (saltLength > MAX_SALT_BYTES) throw new FormatError('limit', `salt of ${saltLength} bytes`, 4);
    const salt = reader.take(saltLength);
    const iterations = reader.u32();
    const start = reader.position;
    while (readEntry(state));
    const body = bytes.subarray(start, reader.position);
    const mac = { salt, iterations, length: version === 2 ? MAC_BYTES : 2, body };
    password = checkMac(state, mac, passwords);
    if (version < 2) note(state, `version ${version}: its integrity check is worthless (CVE-2018-5382)`);
  } catch (error) {
    state.diagnostics.push(toDiagnostic(error));
  }
  return { entries: state.entries, diagnostics: state.diagnostics, password, keys: state.keys };
}

function note({ diagnostics }: State, message: string, offset?: number): void {
  diagnostics.push({ level: 'note', code: 'note', message, ...(offset !== undefined && { offset }) });
}

/** False at the end of the entries. Each entry has more than ten bytes, so reading ends. */
function readEntry(state: State): boolean {
  const { reader } = state;
  const start = reader.position;
  const type = reader.u8();
  if (type === END) return false;
  if (type > SEALED) throw new FormatError('malformed', `entry type ${type}`, start);
  const alias = readUtf(reader);
  reader.skip(8); // date
  for (let left = reader.u32(); left > 0; left--) push(state, alias, false);
  if (type === CERTIFICATE) {
    push(state, alias, true);
    return true;
  }
  state.keys++;
  if (type === KEY) {
    reader.skip(1); // private, public or secret
    reader.skip(reader.u16()); // format
    reader.skip(reader.u16()); // algorithm
  }
  if (type === KEY || type === SECRET || type === SEALED) reader.skip(reader.u32());
  return true;
}

function push({ reader, entries }: State, alias: string, anchor: boolean): void {
  if (entries.length >= MAX_CERTIFICATES) {
    throw new FormatError('limit', `more than ${MAX_CERTIFICATES} certificates`, reader.position);
  }
  reader.skip(reader.u16()); // the type, always "X.509"
  entries.push({ alias, der: reader.take(reader.u32()), anchor });
}

interface Mac {
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** Bytes of the key: two in old versions. */
  readonly length: number;
  readonly body: Uint8Array;
}

function checkMac(state: State, mac: Mac, given: readonly string[]): string | undefined {
  const { reader } = state;
  const stored = asBuffer(reader.take(MAC_BYTES));
  if (reader.remaining > 0) note(state, `${reader.remaining} bytes after the end`, reader.position);
  try {
    const budget = new KdfBudget();
    for (const text of passwordsToTry(given)) {
      if (passwordForms(text).some(({ bmp }) => macOf(mac, bmp, budget).equals(stored))) return text;
    }
    note(state, 'integrity not checked: none of the known passwords fits');
  } catch (error) {
    // Too much work asked for; the certificates are read all the same.
    note(state, `integrity not checked: ${toDiagnostic(error).message}`);
  }
  return undefined;
}

function macOf({ salt, iterations, length, body }: Mac, password: Uint8Array, budget: KdfBudget): Buffer {
  const input = { digestOid: SHA1, password, salt, iterations };
  const key = pkcs12Kdf(input, Purpose.mac, length, budget);
  return createHmac('sha1', key).update(body).digest();
}
