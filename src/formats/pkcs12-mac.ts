/** The integrity check of PKCS#12: HMAC by the PKCS#12 KDF (RFC 7292, appendix A), or PBMAC1 (RFC 9579). */

import { createHmac } from 'node:crypto';
import { children, content, Tag, type Tlv } from '../core/der.ts';
import { FormatError } from '../core/errors.ts';
import {
  DIGESTS,
  HMACS,
  known,
  pbkdf2,
  pkcs12Kdf,
  Purpose,
  readAlgorithm,
  readInteger,
  type Algorithm,
  type KdfBudget,
  type Password,
} from './pkcs12-crypto.ts';

/** MacData (RFC 7292, section 4), as far as it is needed to check a password. */
export interface Mac {
  readonly algorithm: Algorithm;
  readonly digest: Uint8Array;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

export function readMac(bytes: Uint8Array, macData: Tlv): Mac {
  const [info, salt, rounds] = children(bytes, macData, 3);
  if (!info || !salt) throw new FormatError('malformed', 'MAC incomplete', macData.start);
  const [algorithm, digest] = children(bytes, info, 2);
  if (!algorithm || !digest) throw new FormatError('malformed', 'MAC incomplete', info.start);
  return {
    algorithm: readAlgorithm(bytes, algorithm),
    digest: content(bytes, digest),
    salt: content(bytes, salt),
    iterations: rounds ? readInteger(bytes, rounds, 'iteration count') : 1,
  };
}

/** Whether `password` is the one that `data` was authenticated with. */
export function macFits(
  bytes: Uint8Array,
  mac: Mac,
  password: Password,
  data: Uint8Array,
  budget: KdfBudget,
): boolean {
  if (mac.algorithm.oid === '1.2.840.113549.1.5.14') return pbmac1Fits(bytes, mac, password, data, budget);
  const { name, size } = known(DIGESTS, mac.algorithm.oid, 'MAC digest');
  const input = {
    digestOid: mac.algorithm.oid,
    password: password.bmp,
    salt: mac.salt,
    iterations: mac.iterations,
  };
  const key = pkcs12Kdf(input, Purpose.mac, size, budget);
  return createHmac(name, key).update(data).digest().equals(mac.digest);
}

function pbmac1Fits(
  bytes: Uint8Array,
  mac: Mac,
  password: Password,
  data: Uint8Array,
  budget: KdfBudget,
): boolean {
  const parameters = mac.algorithm.parameters;
  const [kdfTlv, schemeTlv] = parameters ? children(bytes, parameters, 2) : [];
  if (!kdfTlv || !schemeTlv)
    throw new FormatError('malformed', 'PBMAC1 parameters missing', parameters?.start);
  const kdf = readAlgorithm(bytes, kdfTlv);
  const hmac = known(HMACS, readAlgorithm(bytes, schemeTlv).oid, 'MAC');
  const stated =
    kdf.parameters &&
    children(bytes, kdf.parameters, 4)
      .slice(2)
      .find(({ tag }) => tag === Tag.integer);
  const length = stated ? readInteger(bytes, stated, 'key length') : hmac.size;
  if (length === 0 || length > 1024) throw new FormatError('malformed', 'PBMAC1 key length', stated?.start);
  const key = pbkdf2(bytes, kdf, password, length, budget);
  return createHmac(hmac.name, key).update(data).digest().equals(mac.digest);
}
