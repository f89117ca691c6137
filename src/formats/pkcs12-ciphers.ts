/** The two ciphers of old PKCS#12 files that Node's OpenSSL lacks: RC2 (RFC 2268, from node-forge) and RC4. */

import { createRequire } from 'node:module';
import type forge from 'node-forge';
import { asBuffer } from '../core/bytes.ts';
import { FormatError } from '../core/errors.ts';

/** These run in JavaScript, and a trust store has some hundred kilobytes. */
const MAX_BYTES = 8 << 20;

function insistOnLength(data: Uint8Array): void {
  if (data.length > MAX_BYTES) throw new FormatError('limit', `more than ${MAX_BYTES} bytes of RC2 or RC4`);
}

/** Loaded when first needed: hardly any store needs it, and loading costs start-up time. */
function loadForge(): Pick<typeof forge, 'rc2' | 'util'> {
  const require: (name: string) => unknown = createRequire(import.meta.url);
  const rc2 = require('node-forge/lib/rc2.js');
  const util = require('node-forge/lib/util.js');
  if (!isRc2(rc2) || !isUtil(util)) throw new FormatError('unsupported', 'RC2 needs node-forge 1.x');
  return { rc2, util };
}

function isRc2(loaded: unknown): loaded is typeof forge.rc2 {
  return typeof loaded === 'object' && loaded !== null && 'createDecryptionCipher' in loaded;
}

function isUtil(loaded: unknown): loaded is typeof forge.util {
  return typeof loaded === 'object' && loaded !== null && 'createBuffer' in loaded;
}

/** RC2-CBC; the padding stays for the caller to check. */
export function rc2Decrypt(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Buffer {
  insistOnLength(data);
  const { rc2, util } = loadForge();
  const binary = (octets: Uint8Array): string => asBuffer(octets).toString('latin1');
  const cipher = rc2.createDecryptionCipher(binary(key), key.length * 8);
  cipher.start(binary(iv));
  cipher.update(util.createBuffer(binary(data)));
  cipher.finish(() => true);
  return Buffer.from(cipher.output.getBytes(), 'latin1');
}

export function rc4(key: Uint8Array, data: Uint8Array): Buffer {
  insistOnLength(data);
  const state = Uint8Array.from({ length: 256 }, (_, i) => i);
  const swap = (a: number, b: number): number => {
    const atA = state[a] ?? 0;
    const atB = state[b] ?? 0;
    state[a] = atB;
    state[b] = atA;
    return (atA + atB) & 0xff;
  };
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + (state[i] ?? 0) + (key[i % key.length] ?? 0)) & 0xff;
    swap(i, j);
  }
  const output = Buffer.alloc(data.length);
  for (let n = 0, i = 0, j = 0; n < data.length; n++) {
    i = (i + 1) & 0xff;
    j = (j + (state[i] ?? 0)) & 0xff;
    output[n] = (data[n] ?? 0) ^ (state[swap(i, j)] ?? 0);
  }
  return output;
}
