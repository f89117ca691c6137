/**
 * The cryptography of PKCS#12 (RFC 7292, appendices B and C) and PBES2 (RFC 8018), with a
 * budget for the work that a hostile file may ask for.
 */

import { createDecipheriv, hash, pbkdf2Sync } from 'node:crypto';
import { children, content, decodeOid, expectTlv, readTlv, Tag, type Tlv } from '../core/der.ts';
import { FormatError } from '../core/errors.ts';
import { rc2Decrypt, rc4 } from './pkcs12-ciphers.ts';

/** OpenSSL writes 2,048 iterations, JDKs 10,000 to 100,000. */
const MAX_ITERATIONS = 2_000_000;
const MAX_TOTAL_ITERATIONS = 10_000_000;
/** Charged for every key derivation at least, so that many cheap ones are bounded as well. */
const MIN_CHARGE = 1000;
const MAX_SALT_BYTES = 1 << 20;

/** The iterations that are left for one file. */
export class KdfBudget {
  #left = MAX_TOTAL_ITERATIONS;

  spend(iterations: number, blocks: number): void {
    if (iterations > MAX_ITERATIONS) {
      throw new FormatError('limit', `${iterations} key derivation iterations, more than ${MAX_ITERATIONS}`);
    }
    this.#left -= Math.max(MIN_CHARGE, iterations * blocks);
    if (this.#left < 0) {
      throw new FormatError('limit', `more than ${MAX_TOTAL_ITERATIONS} key derivation iterations in all`);
    }
  }
}

/** A password in the two forms that schemes ask for. */
export interface Password {
  readonly text: string;
  readonly utf8: Uint8Array;
  /** UTF-16BE with two zero octets at the end. */
  readonly bmp: Uint8Array;
}

/** The empty password has two BMP forms in the wild: the two zero octets, and nothing at all. */
export function passwordForms(text: string): Password[] {
  const utf8 = Buffer.from(text, 'utf8');
  const bmp = Buffer.from(`${text}\0`, 'utf16le').swap16();
  const usual = { text, utf8, bmp };
  return text === '' ? [usual, { text, utf8, bmp: Buffer.alloc(0) }] : [usual];
}

export interface Algorithm {
  readonly oid: string;
  /** Undefined when the parameters are absent. */
  readonly parameters: Tlv | undefined;
}

export function readAlgorithm(bytes: Uint8Array, tlv: Tlv): Algorithm {
  const oid = expectTlv(bytes, tlv.contentStart, tlv.contentEnd, Tag.oid, 'algorithm');
  const parameters = oid.end < tlv.contentEnd ? readTlv(bytes, oid.end, tlv.contentEnd) : undefined;
  return { oid: decodeOid(content(bytes, oid)), parameters };
}

/** A non-negative INTEGER that fits a number exactly. */
export function readInteger(bytes: Uint8Array, tlv: Tlv | undefined, what: string): number {
  if (tlv?.tag !== Tag.integer) throw new FormatError('malformed', `${what} missing`, tlv?.start);
  const octets = content(bytes, tlv);
  if (octets.length === 0 || octets.length > 7)
    throw new FormatError('limit', `${what} out of range`, tlv.start);
  if (((octets[0] ?? 0) & 0x80) !== 0) throw new FormatError('malformed', `negative ${what}`, tlv.start);
  return octets.reduce((value, octet) => value * 256 + octet, 0);
}

export const DIGESTS: ReadonlyMap<
  string,
  { readonly name: string; readonly size: number; readonly block: number }
> = new Map([
  ['1.3.14.3.2.26', { name: 'sha1', size: 20, block: 64 }],
  ['2.16.840.1.101.3.4.2.4', { name: 'sha224', size: 28, block: 64 }],
  ['2.16.840.1.101.3.4.2.1', { name: 'sha256', size: 32, block: 64 }],
  ['2.16.840.1.101.3.4.2.2', { name: 'sha384', size: 48, block: 128 }],
  ['2.16.840.1.101.3.4.2.3', { name: 'sha512', size: 64, block: 128 }],
  ['2.16.840.1.101.3.4.2.5', { name: 'sha512-224', size: 28, block: 128 }],
  ['2.16.840.1.101.3.4.2.6', { name: 'sha512-256', size: 32, block: 128 }],
]);
const SHA1 = '1.3.14.3.2.26';

export const HMACS: ReadonlyMap<string, { readonly name: string; readonly size: number }> = new Map([
  ['1.2.840.113549.2.7', { name: 'sha1', size: 20 }],
  ['1.2.840.113549.2.8', { name: 'sha224', size: 28 }],
  ['1.2.840.113549.2.9', { name: 'sha256', size: 32 }],
  ['1.2.840.113549.2.10', { name: 'sha384', size: 48 }],
  ['1.2.840.113549.2.11', { name: 'sha512', size: 64 }],
  ['1.2.840.113549.2.12', { name: 'sha512-224', size: 28 }],
  ['1.2.840.113549.2.13', { name: 'sha512-256', size: 32 }],
]);
const HMAC_SHA1 = '1.2.840.113549.2.7';

export function known<T>(table: ReadonlyMap<string, T>, oid: string, what: string): T {
  const entry = table.get(oid);
  if (entry === undefined) throw new FormatError('unsupported', `${what} ${oid}`);
  return entry;
}

/** What a key derived by the PKCS#12 KDF is for. */
export const Purpose = { key: 1, iv: 2, mac: 3 } as const;

interface KdfInput {
  readonly digestOid: string;
  readonly password: Uint8Array;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

/** RFC 7292, appendix B.2. */
export function pkcs12Kdf(input: KdfInput, purpose: number, length: number, budget: KdfBudget): Buffer {
  const { name, size, block } = known(DIGESTS, input.digestOid, 'digest');
  if (input.salt.length > MAX_SALT_BYTES) throw new FormatError('limit', 'salt too long');
  budget.spend(input.iterations, Math.ceil(length / size));
  const diversifier = Buffer.alloc(block, purpose);
  const blocks = Buffer.concat([fillBlocks(input.salt, block), fillBlocks(input.password, block)]);
  const derived: Buffer[] = [];
  for (let done = 0; done < length; done += size) {
    let digest = hash(name, Buffer.concat([diversifier, blocks]), 'buffer');
    for (let i = 1; i < input.iterations; i++) digest = hash(name, digest, 'buffer');
    derived.push(digest);
    if (done + size < length) addToBlocks(blocks, fillBlocks(digest, block), block);
  }
  return Buffer.concat(derived).subarray(0, length);
}

/** `octets` repeated to fill whole blocks; nothing stays nothing. */
function fillBlocks(octets: Uint8Array, block: number): Buffer {
  if (octets.length === 0) return Buffer.alloc(0);
  return Buffer.alloc(Math.ceil(octets.length / block) * block, octets);
}

/** Adds `addend` + 1 to every block, modulo 2 to the block's number of bits. */
function addToBlocks(blocks: Buffer, addend: Buffer, block: number): void {
  for (let start = 0; start < blocks.length; start += block) {
    let carry = 1;
    for (let i = block - 1; i >= 0; i--) {
      carry += (blocks[start + i] ?? 0) + (addend[i] ?? 0);
      blocks[start + i] = carry & 0xff;
      carry >>>= 8;
    }
  }
}

/** PBKDF2-params of RFC 8018, appendix A.2. `length` is the caller's; the file's must not choose how much work. */
export function pbkdf2(
  bytes: Uint8Array,
  kdf: Algorithm,
  password: Password,
  length: number,
  budget: KdfBudget,
): Buffer {
  if (kdf.oid !== '1.2.840.113549.1.5.12' || !kdf.parameters) {
    throw new FormatError('unsupported', `key derivation ${kdf.oid}`);
  }
  const [salt, rounds, ...rest] = children(bytes, kdf.parameters, 4);
  if (salt?.tag !== Tag.octetString) throw new FormatError('malformed', 'PBKDF2 salt missing', salt?.start);
  const prfTlv = rest.find(({ tag }) => tag === Tag.sequence);
  const prf = known(HMACS, prfTlv ? readAlgorithm(bytes, prfTlv).oid : HMAC_SHA1, 'PBKDF2 function');
  const iterations = readInteger(bytes, rounds, 'iteration count');
  if (iterations === 0) throw new FormatError('malformed', 'iteration count 0', rounds?.start);
  budget.spend(iterations, Math.ceil(length / prf.size));
  return pbkdf2Sync(password.utf8, content(bytes, salt), iterations, length, prf.name);
}

export interface Decryption {
  /** Plain text of the data, still padded for a block cipher; `iv` replaces the scheme's own. */
  decrypt(data: Uint8Array, iv?: Uint8Array): Buffer;
  /** Octets of a block; 1 for a stream cipher. */
  readonly block: number;
}

/** Prepares the decryption that `algorithm` names; this is the step that costs time. */
export function prepareDecryption(
  bytes: Uint8Array,
  algorithm: Algorithm,
  password: Password,
  budget: KdfBudget,
): Decryption {
  if (!algorithm.parameters) throw new FormatError('malformed', 'encryption parameters missing');
  if (algorithm.oid === '1.2.840.113549.1.5.13') return pbes2(bytes, algorithm.parameters, password, budget);
  return pkcs12Pbe(bytes, algorithm.oid, algorithm.parameters, password, budget);
}

const PBES2_CIPHERS: ReadonlyMap<
  string,
  { readonly name: string; readonly key: number; readonly block: number }
> = new Map([
  ['2.16.840.1.101.3.4.1.2', { name: 'aes-128-cbc', key: 16, block: 16 }],
  ['2.16.840.1.101.3.4.1.22', { name: 'aes-192-cbc', key: 24, block: 16 }],
  ['2.16.840.1.101.3.4.1.42', { name: 'aes-256-cbc', key: 32, block: 16 }],
  ['1.2.840.113549.3.7', { name: 'des-ede3-cbc', key: 24, block: 8 }],
]);

function pbes2(bytes: Uint8Array, parameters: Tlv, password: Password, budget: KdfBudget): Decryption {
  const [kdf, scheme] = children(bytes, parameters, 2);
  if (!kdf || !scheme) throw new FormatError('malformed', 'PBES2 parameters missing', parameters.start);
  const { oid, parameters: ivTlv } = readAlgorithm(bytes, scheme);
  const cipher = known(PBES2_CIPHERS, oid, 'cipher');
  const ownIv = ivTlv && content(bytes, ivTlv);
  if (ownIv?.length !== cipher.block) throw new FormatError('malformed', 'IV missing', scheme.start);
  const key = pbkdf2(bytes, readAlgorithm(bytes, kdf), password, cipher.key, budget);
  return { block: cipher.block, decrypt: (data, iv = ownIv) => nodeDecrypt(cipher.name, key, iv, data) };
}

function nodeDecrypt(name: string, key: Uint8Array, iv: Uint8Array, data: Uint8Array): Buffer {
  const decipher = createDecipheriv(name, key, iv).setAutoPadding(false);
  return Buffer.concat([decipher.update(data), decipher.final()]);
}

type PbeCipher = 'rc4' | 'des-ede3-cbc' | 'rc2';

/** pkcs-12PbeIds by last arc (RFC 7292, appendix C): cipher and octets of key. */
const PKCS12_PBE = new Map<string, { readonly cipher: PbeCipher; readonly key: number }>([
  ['1.2.840.113549.1.12.1.1', { cipher: 'rc4', key: 16 }],
  ['1.2.840.113549.1.12.1.2', { cipher: 'rc4', key: 5 }],
  ['1.2.840.113549.1.12.1.3', { cipher: 'des-ede3-cbc', key: 24 }],
  ['1.2.840.113549.1.12.1.4', { cipher: 'des-ede3-cbc', key: 16 }],
  ['1.2.840.113549.1.12.1.5', { cipher: 'rc2', key: 16 }],
  ['1.2.840.113549.1.12.1.6', { cipher: 'rc2', key: 5 }],
]);

function pkcs12Pbe(
  bytes: Uint8Array,
  oid: string,
  parameters: Tlv,
  password: Password,
  budget: KdfBudget,
): Decryption {
  const scheme = known(PKCS12_PBE, oid, 'encryption scheme');
  const [salt, rounds] = children(bytes, parameters, 2);
  if (salt?.tag !== Tag.octetString) throw new FormatError('malformed', 'salt missing', parameters.start);
  const iterations = readInteger(bytes, rounds, 'iteration count');
  const input = { digestOid: SHA1, password: password.bmp, salt: content(bytes, salt), iterations };
  const key = pkcs12Kdf(input, Purpose.key, scheme.key, budget);
  if (scheme.cipher === 'rc4') return { block: 1, decrypt: (data) => rc4(key, data) };
  const ownIv = pkcs12Kdf(input, Purpose.iv, 8, budget);
  if (scheme.cipher === 'rc2') return { block: 8, decrypt: (data, iv = ownIv) => rc2Decrypt(key, iv, data) };
  const tripleKey = key.length === 16 ? Buffer.concat([key, key.subarray(0, 8)]) : key;
  return { block: 8, decrypt: (data, iv = ownIv) => nodeDecrypt(scheme.cipher, tripleKey, iv, data) };
}

/**
 * The plain text if this is the right key. The padding and the first block tell a wrong key without decrypting
 * the rest.
 */
export function openWith(
  cipher: Decryption,
  data: Uint8Array,
  looksRight: (plain: Uint8Array) => boolean,
): Uint8Array | undefined {
  const { block } = cipher;
  if (block === 1) {
    const plain = cipher.decrypt(data);
    return looksRight(plain) ? plain : undefined;
  }
  if (data.length === 0 || data.length % block !== 0) {
    throw new FormatError('malformed', `${data.length} encrypted bytes are not whole blocks`);
  }
  if (cipher.decrypt(data.subarray(0, block))[0] !== Tag.sequence) return undefined;
  const [iv, last] = [data.subarray(-2 * block, -block), data.subarray(-block)];
  const padded = iv.length === block ? cipher.decrypt(last, iv) : cipher.decrypt(last);
  const padding = padded.at(-1) ?? 0;
  if (padding < 1 || padding > block || padded.subarray(-padding).some((octet) => octet !== padding)) {
    return undefined;
  }
  const plain = cipher.decrypt(data).subarray(0, -padding);
  return looksRight(plain) ? plain : undefined;
}
