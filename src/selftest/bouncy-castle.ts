/** Keystores of Bouncy Castle, byte by byte: BKS version 2, and BCFKS (PBES2 with AES-256 in CCM mode). */

import { createCipheriv, createHash, createHmac, pbkdf2Sync, scryptSync } from 'node:crypto';
import { DATE, der, int, jksCertificate, octets, oid, seq, u32, utf } from './keystores.ts';

const BKS_SALT = Buffer.alloc(20, 7);
const BKS_ITERATIONS = 1100;
const SHA1_BLOCK = 64;

export const bksCertificate = (alias: string, certificate: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(1), utf(alias), DATE, u32(0), jksCertificate(certificate)]);

export function bks(entries: readonly Uint8Array[], password = 'changeit', version = 2): Buffer {
  const body = Buffer.concat([...entries, Buffer.of(0)]);
  const key = macKey(password).subarray(0, version === 2 ? 20 : 2);
  const mac = createHmac('sha1', key).update(body).digest();
  return Buffer.concat([u32(version), u32(BKS_SALT.length), BKS_SALT, u32(BKS_ITERATIONS), body, mac]);
}

/** RFC 7292, appendix B.2, for one block of SHA-1 and purpose 3. */
function macKey(password: string): Buffer {
  const secret = Buffer.from(`${password}\0`, 'utf16le').swap16();
  const input = [Buffer.alloc(SHA1_BLOCK, 3), filled(BKS_SALT), filled(secret)];
  let digest = Buffer.concat(input);
  for (let round = 0; round < BKS_ITERATIONS; round++) digest = createHash('sha1').update(digest).digest();
  return digest;
}

/** Repeated up to whole blocks. */
function filled(bytes: Buffer): Buffer {
  const length = Math.ceil(bytes.length / SHA1_BLOCK) * SHA1_BLOCK;
  return Buffer.alloc(length, bytes);
}

const BCFKS_SALT = Buffer.alloc(32, 9);
const NONCE = Buffer.alloc(12, 3);
const AES256_CCM = '60864801650304012f';
const BCFKS_DATE = der(0x18, Buffer.from('20240101000000Z'));

/** Type 0 is a certificate. */
export const bcfksObject = (type: number, alias: string, data: Uint8Array): Buffer =>
  seq(int(type), der(0x0c, Buffer.from(alias)), BCFKS_DATE, BCFKS_DATE, octets(data));
export const bcfksObjects = (...all: readonly Uint8Array[]): Buffer =>
  seq(int(1), seq(oid('2a03')), BCFKS_DATE, BCFKS_DATE, seq(...all));

export interface BcfksOptions {
  readonly password?: string;
  readonly kdf?: 'pbkdf2' | 'scrypt';
  readonly cipher?: string;
  readonly scryptN?: readonly number[];
}

export function bcfks(plain: Uint8Array, options: BcfksOptions = {}): Buffer {
  const { password = 'changeit', kdf = 'pbkdf2', cipher = AES256_CCM, scryptN = [4, 0] } = options;
  const utf16 = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le').swap16();
  const secret = Buffer.concat([utf16(password), utf16('STORE_ENCRYPTION')]);
  const key =
    kdf === 'pbkdf2'
      ? pbkdf2Sync(secret, BCFKS_SALT, 1024, 32, 'sha512')
      : scryptSync(secret, BCFKS_SALT, 32, { N: 1024, r: 8, p: 1 });
  const sealer = createCipheriv('aes-256-ccm', key, NONCE, { authTagLength: 8 });
  const sealed = Buffer.concat([sealer.update(plain), sealer.final(), sealer.getAuthTag()]);
  const prf = seq(oid('2a864886f70d020b'), der(0x05));
  const derivation =
    kdf === 'pbkdf2'
      ? seq(oid('2a864886f70d01050c'), seq(octets(BCFKS_SALT), int(4, 0), prf))
      : seq(oid('2b06010401da47040b'), seq(octets(BCFKS_SALT), int(...scryptN), int(8), int(1)));
  const scheme = seq(oid(cipher), seq(octets(NONCE), int(8)));
  const algorithm = seq(oid('2a864886f70d01050d'), seq(derivation, scheme));
  return seq(seq(algorithm, octets(sealed)), seq(int(0)));
}
