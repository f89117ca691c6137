/**
 * Certificates in PKCS#12 files (RFC 7292), in DER or BER, with the attribute by which Java marks a trusted
 * certificate. Private keys are never decrypted.
 */

import { asBuffer } from '../core/bytes.ts';
import { children, content, decodeOid, expectTlv, readTlv, Tag, type Tlv } from '../core/der.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import {
  KdfBudget,
  passwordForms,
  prepareDecryption,
  readAlgorithm,
  readInteger,
  type Algorithm,
  openWith,
  type Password,
} from './pkcs12-crypto.ts';
import { macFits, readMac } from './pkcs12-mac.ts';

interface Pkcs12Entry {
  /** friendlyName; empty when there is none. */
  readonly alias: string;
  readonly der: Uint8Array;
  /** Has Java's trustedKeyUsage attribute: Java shows it as a trusted certificate, and no other. */
  readonly javaTrusted: boolean;
  /** Its localKeyId is that of a private key in the file. */
  readonly ownedByKey: boolean;
}

export interface ParsedPkcs12 extends Parsed<Pkcs12Entry> {
  /** The password that fits, where one was needed. */
  readonly password: string | undefined;
  /** Neither encrypted certificates nor a MAC. */
  readonly passwordLess: boolean;
  /** Private and secret keys. */
  readonly keys: number;
}

export interface Pkcs12Options {
  /** Tried after the well-known ones. */
  readonly passwords: readonly string[];
}

/** The JDK's own first: each wrong guess costs a key derivation. */
const WELL_KNOWN_PASSWORDS = ['changeit', '', 'changeme', 'password'];

const Oid = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  secretBag: '1.2.840.113549.1.12.10.1.5',
  safeContentsBag: '1.2.840.113549.1.12.10.1.6',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  javaTrustedKeyUsage: '2.16.840.1.113894.746875.1.1',
} as const;

const MAX_BAGS = 100_000;
const MAX_NESTING = 8;
const MAX_DIAGNOSTICS = 100;
const MAX_ATTRIBUTES = 100;
const EXPLICIT_0 = 0xa0;

interface Certificate {
  readonly alias: string;
  readonly der: Uint8Array;
  readonly javaTrusted: boolean;
  readonly keyId: string | undefined;
}

interface State {
  readonly candidates: readonly Password[];
  readonly budget: KdfBudget;
  readonly certificates: Certificate[];
  readonly diagnostics: Diagnostic[];
  readonly keyIds: Set<string>;
  bags: number;
  keys: number;
  encrypted: boolean;
  hasMac: boolean;
  /** The one that fits the MAC. */
  macPassword: Password | undefined;
  /** The one that opened encrypted content last. */
  openPassword: Password | undefined;
}

export function parsePkcs12(bytes: Uint8Array, options: Pkcs12Options = { passwords: [] }): ParsedPkcs12 {
  const passwords = new Set([...WELL_KNOWN_PASSWORDS, ...options.passwords]);
  const state: State = {
    candidates: [...passwords].flatMap(passwordForms),
    budget: new KdfBudget(),
    certificates: [],
    diagnostics: [],
    keyIds: new Set(),
    bags: 0,
    keys: 0,
    encrypted: false,
    hasMac: false,
    macPassword: undefined,
    openPassword: undefined,
  };
  attempt(state, () => readPfx(state, bytes));
  return {
    entries: state.certificates.map(({ keyId, ...entry }) => ({
      ...entry,
      ownedByKey: keyId !== undefined && state.keyIds.has(keyId),
    })),
    diagnostics: state.diagnostics,
    password: (state.macPassword ?? state.openPassword)?.text,
    passwordLess: !state.encrypted && !state.hasMac,
    keys: state.keys,
  };
}

/** Runs one part of the reading, so that what it cannot read does not lose the other parts. */
function attempt(state: State, part: () => void): void {
  try {
    part();
  } catch (error) {
    // An offset would be one into decrypted or joined bytes, which nobody can look up in the file.
    const { level, code, message } = toDiagnostic(error);
    report(state, { level, code, message });
  }
}

/** A hostile file can be wrong in the same way a million times. */
function report({ diagnostics }: State, diagnostic: Diagnostic): void {
  const told = diagnostics.some(({ message }) => message === diagnostic.message);
  if (!told && diagnostics.length < MAX_DIAGNOSTICS) diagnostics.push(diagnostic);
}

function note(state: State, message: string): void {
  report(state, { level: 'note', code: 'note', message });
}

function readPfx(state: State, bytes: Uint8Array): void {
  const pfx = expectTlv(bytes, 0, bytes.length, Tag.sequence, 'PFX');
  const [version, authSafe, macData] = children(bytes, pfx, 4);
  const number = readInteger(bytes, version, 'PFX version');
  if (number !== 3) throw new FormatError('unsupported', `PKCS#12 version ${number}`, version?.start);
  if (!authSafe) throw new FormatError('malformed', 'authSafe missing', pfx.start);
  const { type, value } = readContentInfo(bytes, authSafe);
  if (type !== Oid.data || !value) {
    throw new FormatError(
      'unsupported',
      `PKCS#12 content ${type}, such as one signed with a key`,
      authSafe.start,
    );
  }
  const safe = joinOctets(bytes, readTlv(bytes, value.contentStart, value.contentEnd));
  if (macData) findMacPassword(state, bytes, macData, safe);
  const contents = children(
    safe,
    expectTlv(safe, 0, safe.length, Tag.sequence, 'AuthenticatedSafe'),
    MAX_BAGS,
  );
  for (const info of contents) attempt(state, () => readSafe(state, safe, info));
  if (macData && !state.macPassword && state.openPassword) {
    note(state, 'integrity failed: the password that opens the file does not fit its MAC');
  } else if (macData && !state.macPassword && !state.encrypted) {
    note(state, 'integrity not checked: none of the known passwords fits the MAC');
  }
}

function readContentInfo(bytes: Uint8Array, info: Tlv): { type: string; value: Tlv | undefined } {
  const [type, value] = children(bytes, info, 2);
  if (type?.tag !== Tag.oid) throw new FormatError('malformed', 'content type missing', info.start);
  return { type: decodeOid(content(bytes, type)), value: value?.tag === EXPLICIT_0 ? value : undefined };
}

/** The content of an OCTET STRING, or of an implicit tag for one, with the parts of a constructed one joined. */
function joinOctets(bytes: Uint8Array, tlv: Tlv, depth = 0): Uint8Array {
  if ((tlv.tag & 0x20) === 0) return content(bytes, tlv);
  if (depth > MAX_NESTING) throw new FormatError('limit', 'octet string nested too deep', tlv.start);
  return Buffer.concat(children(bytes, tlv).map((part) => joinOctets(bytes, part, depth + 1)));
}

function findMacPassword(state: State, bytes: Uint8Array, macData: Tlv, safe: Uint8Array): void {
  state.hasMac = true;
  try {
    const mac = readMac(bytes, macData);
    const fits = (password: Password): boolean => macFits(bytes, mac, password, safe, state.budget);
    state.macPassword = formsFor(mac.algorithm, state.candidates).find(fits);
  } catch (error) {
    // The certificates do not depend on the MAC: without one they are read all the same.
    const { code, message } = toDiagnostic(error);
    report(state, { level: 'note', code, message: `integrity not checked: ${message}` });
  }
}

/** PKCS#5 schemes know one form of the empty password only. */
function formsFor({ oid }: Algorithm, candidates: readonly Password[]): readonly Password[] {
  if (!oid.startsWith('1.2.840.113549.1.5.')) return candidates;
  return candidates.filter(({ text, bmp }) => text !== '' || bmp.length > 0);
}

function readSafe(state: State, bytes: Uint8Array, info: Tlv): void {
  const { type, value } = readContentInfo(bytes, info);
  if (!value) throw new FormatError('malformed', 'content missing', info.start);
  const inner = readTlv(bytes, value.contentStart, value.contentEnd);
  if (type === Oid.data) {
    readSafeContents(state, joinOctets(bytes, inner), 0);
  } else if (type === Oid.encryptedData) {
    readSafeContents(state, decryptSafe(state, bytes, inner), 0);
  } else {
    throw new FormatError('unsupported', `PKCS#12 content ${type} cannot be read`, info.start);
  }
}

/** EncryptedData ::= SEQUENCE { version, EncryptedContentInfo { type, algorithm, [0] IMPLICIT content } } */
function decryptSafe(state: State, bytes: Uint8Array, encryptedData: Tlv): Uint8Array {
  state.encrypted = true;
  const [, info] = children(bytes, encryptedData, 3);
  const [, algorithmTlv, encrypted] = info ? children(bytes, info, 3) : [];
  if (!algorithmTlv || !encrypted)
    throw new FormatError('malformed', 'encrypted content missing', encryptedData.start);
  const algorithm = readAlgorithm(bytes, algorithmTlv);
  const data = joinOctets(bytes, encrypted);
  const likely = [state.macPassword, state.openPassword].filter((password) => password !== undefined);
  for (const password of formsFor(algorithm, [...new Set([...likely, ...state.candidates])])) {
    const plain = openWith(
      prepareDecryption(bytes, algorithm, password, state.budget),
      data,
      looksLikeSafeContents,
    );
    if (!plain) continue;
    state.openPassword = password;
    return plain;
  }
  throw new FormatError(
    'password-needed',
    'encrypted certificates: none of the known passwords opens them; give it with --store-password',
    encryptedData.start,
  );
}

function looksLikeSafeContents(plain: Uint8Array): boolean {
  try {
    const outer = expectTlv(plain, 0, plain.length, Tag.sequence, 'SafeContents');
    return (
      outer.end === plain.length && children(plain, outer, MAX_BAGS).every(({ tag }) => tag === Tag.sequence)
    );
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

function readSafeContents(state: State, bytes: Uint8Array, depth: number): void {
  const outer = expectTlv(bytes, 0, bytes.length, Tag.sequence, 'SafeContents');
  readBags(state, bytes, outer, depth);
}

function readBags(state: State, bytes: Uint8Array, parent: Tlv, depth: number): void {
  if (depth > MAX_NESTING)
    throw new FormatError('limit', `bags nested more than ${MAX_NESTING} deep`, parent.start);
  for (let position = parent.contentStart; position < parent.contentEnd;) {
    const bag = readTlv(bytes, position, parent.contentEnd);
    position = bag.end;
    if (++state.bags > MAX_BAGS) throw new FormatError('limit', `more than ${MAX_BAGS} bags`, bag.start);
    attempt(state, () => readBag(state, bytes, bag, depth));
  }
}

function readBag(state: State, bytes: Uint8Array, bag: Tlv, depth: number): void {
  const [typeTlv, value, attributesTlv] = children(bytes, bag, 3);
  if (typeTlv?.tag !== Tag.oid || !value) throw new FormatError('malformed', 'bag incomplete', bag.start);
  const type = decodeOid(content(bytes, typeTlv));
  if (type === Oid.safeContentsBag) {
    const inner = expectTlv(bytes, value.contentStart, value.contentEnd, Tag.sequence, 'nested bags');
    readBags(state, bytes, inner, depth + 1);
    return;
  }
  const { keyId, alias, javaTrusted } = readAttributes(bytes, attributesTlv);
  if (type === Oid.keyBag || type === Oid.shroudedKeyBag || type === Oid.secretBag) {
    state.keys++;
    if (keyId !== undefined) state.keyIds.add(keyId);
  } else if (type === Oid.certificateBag) {
    const der = readCertificateBag(bytes, value);
    if (der) state.certificates.push({ alias, der, javaTrusted, keyId });
    else note(state, 'a certificate that is not an X.509 one is left out');
  }
}

/** CertBag ::= SEQUENCE { type, [0] EXPLICIT OCTET STRING } */
function readCertificateBag(bytes: Uint8Array, value: Tlv): Uint8Array | undefined {
  const bag = expectTlv(bytes, value.contentStart, value.contentEnd, Tag.sequence, 'certificate bag');
  const { type, value: wrapped } = readContentInfo(bytes, bag);
  if (type !== Oid.x509Certificate) return undefined;
  if (!wrapped) throw new FormatError('malformed', 'certificate missing in its bag', bag.start);
  return joinOctets(bytes, readTlv(bytes, wrapped.contentStart, wrapped.contentEnd));
}

interface Attributes {
  readonly alias: string;
  readonly keyId: string | undefined;
  readonly javaTrusted: boolean;
}

function readAttributes(bytes: Uint8Array, set: Tlv | undefined): Attributes {
  let alias = '';
  let keyId: string | undefined;
  let javaTrusted = false;
  for (const attribute of set ? children(bytes, set, MAX_ATTRIBUTES) : []) {
    const [typeTlv, values] = children(bytes, attribute, 2);
    if (typeTlv?.tag !== Tag.oid) continue;
    const type = decodeOid(content(bytes, typeTlv));
    const value = values && children(bytes, values, MAX_ATTRIBUTES)[0];
    if (type === Oid.javaTrustedKeyUsage) javaTrusted = true;
    if (type === Oid.friendlyName && value) alias = decodeBmp(content(bytes, value));
    if (type === Oid.localKeyId && value) keyId = asBuffer(joinOctets(bytes, value)).toString('hex');
  }
  return { alias, keyId, javaTrusted };
}

function decodeBmp(octets: Uint8Array): string {
  return Buffer.from(octets.subarray(0, octets.length & ~1))
    .swap16()
    .toString('utf16le');
}
