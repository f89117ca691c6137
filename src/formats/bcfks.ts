/**
 * BCFKS, Bouncy Castle's FIPS keystore (org.bouncycastle.jcajce.provider.keystore.bcfks.BcFKSKeyStoreSpi): one
 * encrypted whole, PBES2 with PBKDF2 or scrypt and AES in CCM mode (RFC 5084). Nothing is seen without the password.
 */

import { createDecipheriv, scryptSync } from 'node:crypto';
import { asBuffer } from '../core/bytes.ts';
import { children, content, expectTlv, Tag, type Tlv } from '../core/der.ts';
import { FormatError, toDiagnostic, type Diagnostic, type Parsed } from '../core/errors.ts';
import { passwordsToTry } from './keystore-passwords.ts';
import {
  KdfBudget,
  known,
  passwordForms,
  pbkdf2,
  readAlgorithm,
  readInteger,
  type Algorithm,
} from './pkcs12-crypto.ts';

interface BcfksEntry {
  readonly alias: string;
  readonly der: Uint8Array;
}

export interface ParsedBcfks extends Parsed<BcfksEntry> {
  /** The password that opened it; the tag of the cipher has checked the content. */
  readonly password: string | undefined;
  readonly keys: number;
}

const PBES2 = '1.2.840.113549.1.5.13';
const SCRYPT = '1.3.6.1.4.1.11591.4.11';
const AES_CCM: ReadonlyMap<
  string,
  { readonly name: 'aes-128-ccm' | 'aes-192-ccm' | 'aes-256-ccm'; readonly key: number }
> = new Map([
  ['2.16.840.1.101.3.4.1.7', { name: 'aes-128-ccm', key: 16 }],
  ['2.16.840.1.101.3.4.1.27', { name: 'aes-192-ccm', key: 24 }],
  ['2.16.840.1.101.3.4.1.47', { name: 'aes-256-ccm', key: 32 }],
]);
const DEFAULT_TAG_BYTES = 12;

/** scrypt's need of memory is in the file's hands: 64 MiB are ample. */
const MAX_SCRYPT_BYTES = 64 << 20;
const MAX_SCRYPT_LANES = 16;
const MAX_ENTRIES = 100_000;

const CERTIFICATE = 0;

export function parseBcfks(bytes: Uint8Array, passwords: readonly string[] = []): ParsedBcfks {
  try {
    const outer = expectTlv(bytes, 0, bytes.length, Tag.sequence, 'keystore');
    const sealed = expectTlv(bytes, outer.contentStart, outer.contentEnd, Tag.sequence, 'encrypted content');
    const [algorithm, data] = children(bytes, sealed, 2);
    if (!algorithm || data?.tag !== Tag.octetString) {
      throw new FormatError('malformed', 'encrypted content missing', sealed.start);
    }
    const opened = open(bytes, readAlgorithm(bytes, algorithm), content(bytes, data), passwords);
    if (!opened) {
      const message =
        'encrypted as a whole (BCFKS), and none of the known passwords opens it; give it with --store-password';
      return { ...EMPTY, diagnostics: [{ level: 'error', code: 'password-needed', message }] };
    }
    return { ...readObjects(opened.plain), password: opened.password };
  } catch (error) {
    return { ...EMPTY, diagnostics: [toDiagnostic(error)] };
  }
}

const EMPTY: ParsedBcfks = { entries: [], diagnostics: [], password: undefined, keys: 0 };

function open(
  bytes: Uint8Array,
  { oid, parameters }: Algorithm,
  data: Uint8Array,
  passwords: readonly string[],
): { readonly plain: Uint8Array; readonly password: string } | undefined {
  if (oid !== PBES2 || !parameters) throw new FormatError('unsupported', `encryption scheme ${oid}`);
  const [kdf, scheme] = children(bytes, parameters, 2);
  if (!kdf || !scheme) throw new FormatError('malformed', 'PBES2 parameters missing', parameters.start);
  const cipher = readAlgorithm(bytes, scheme);
  const { name, key: keyBytes } = known(AES_CCM, cipher.oid, 'cipher');
  const [nonceTlv, tagTlv] = cipher.parameters ? children(bytes, cipher.parameters, 2) : [];
  if (nonceTlv?.tag !== Tag.octetString) throw new FormatError('malformed', 'nonce missing', scheme.start);
  const nonce = content(bytes, nonceTlv);
  const authTagLength = tagTlv ? readInteger(bytes, tagTlv, 'length of the tag') : DEFAULT_TAG_BYTES;
  if (nonce.length < 7 || nonce.length > 13 || ![4, 6, 8, 10, 12, 14, 16].includes(authTagLength)) {
    throw new FormatError('malformed', 'parameters of the cipher', scheme.start);
  }
  if (data.length < authTagLength) throw new FormatError('truncated', 'encrypted content cut off');
  const budget = new KdfBudget();
  for (const password of passwordsToTry(passwords)) {
    const key = deriveKey(bytes, readAlgorithm(bytes, kdf), password, keyBytes, budget);
    const decipher = createDecipheriv(name, key, nonce, { authTagLength });
    decipher.setAuthTag(data.subarray(-authTagLength));
    try {
      const plain = decipher.update(data.subarray(0, -authTagLength));
      decipher.final();
      return { plain, password };
    } catch {
      // The tag does not fit: another password.
    }
  }
  return undefined;
}

/** What the key is for stands after the password, both in UTF-16 with two zero octets at the end. */
function deriveKey(
  bytes: Uint8Array,
  kdf: Algorithm,
  text: string,
  length: number,
  budget: KdfBudget,
): Uint8Array {
  const [password] = passwordForms(text);
  const [purpose] = passwordForms('STORE_ENCRYPTION');
  const secret = Buffer.concat([password?.bmp ?? Buffer.alloc(0), purpose?.bmp ?? Buffer.alloc(0)]);
  if (kdf.oid === SCRYPT && kdf.parameters) return scrypt(bytes, kdf.parameters, secret, length, budget);
  return pbkdf2(bytes, kdf, { text, utf8: secret, bmp: secret }, length, budget);
}

/** scrypt-params of RFC 7914, section 7.1. */
function scrypt(
  bytes: Uint8Array,
  parameters: Tlv,
  secret: Uint8Array,
  length: number,
  budget: KdfBudget,
): Uint8Array {
  const [salt, ...numbers] = children(bytes, parameters, 5);
  if (salt?.tag !== Tag.octetString)
    throw new FormatError('malformed', 'scrypt salt missing', parameters.start);
  const [N = 0, r = 0, p = 0] = numbers.slice(0, 3).map((tlv) => readInteger(bytes, tlv, 'scrypt parameter'));
  if (N < 2 || !Number.isInteger(Math.log2(N)) || r < 1 || p < 1) {
    throw new FormatError('malformed', 'scrypt parameters', parameters.start);
  }
  if (128 * N * r > MAX_SCRYPT_BYTES || p > MAX_SCRYPT_LANES) {
    throw new FormatError('limit', 'scrypt asks for too much memory', parameters.start);
  }
  // A mixing of one block costs about as much as an iteration of PBKDF2.
  budget.spend(N, r * p);
  return scryptSync(secret, content(bytes, salt), length, { N, r, p, maxmem: 2 * MAX_SCRYPT_BYTES });
}

/** ObjectStoreData: version, integrity algorithm, created, modified, objects, comment. */
function readObjects(plain: Uint8Array): Omit<ParsedBcfks, 'password'> {
  const entries: BcfksEntry[] = [];
  const diagnostics: Diagnostic[] = [];
  let keys = 0;
  try {
    const store = expectTlv(plain, 0, plain.length, Tag.sequence, 'object store');
    const [, , , , objects] = children(plain, store, 6);
    if (objects?.tag !== Tag.sequence) throw new FormatError('malformed', 'objects missing', store.start);
    for (const object of children(plain, objects, MAX_ENTRIES)) {
      const [type, alias, , , data] = children(plain, object, 6);
      if (alias?.tag !== Tag.utf8String || data?.tag !== Tag.octetString) {
        throw new FormatError('malformed', 'object without name or data', object.start);
      }
      if (readInteger(plain, type, 'type of the object') === CERTIFICATE) {
        const name = asBuffer(content(plain, alias)).toString('utf8');
        entries.push({ alias: name, der: content(plain, data) });
      } else {
        keys++;
      }
    }
  } catch (error) {
    // Offsets are those of the decrypted content, which nobody has at hand.
    const { offset: _, ...diagnostic } = toDiagnostic(error);
    diagnostics.push(diagnostic);
  }
  return { entries, diagnostics, keys };
}
