/**
 * Certificates in bytes of any kind, such as a program: DER (RFC 5280, section 4.1) and the text form of RFC 7468, also
 * where it is a string of a source language. Everything hangs on three native searches for short byte strings, which
 * cost little more than reading the bytes; only what they find is looked at.
 */

import { certificateFrom, type Certificate } from '../core/certificate.ts';
import { readTlv, Tag } from '../core/der.ts';
import { FormatError, type Diagnostic } from '../core/errors.ts';

export interface CarvedCertificate {
  readonly certificate: Certificate;
  /** Where it begins, in the whole of the bytes. */
  readonly offset: number;
  readonly encoding: 'DER' | 'PEM';
}

/** More than a certificate of 64 KiB takes up in base64, with its line ends escaped. */
export const OVERLAP = 128 << 10;

/** SEQUENCE with a length of two octets: how a certificate begins, and the signed body in it. */
const LONG_SEQUENCE = Buffer.from('3082', 'hex');
/** [0] { INTEGER }: the version, near the beginning of each certificate but the oldest. */
const VERSION = Buffer.from('a0030201', 'hex');
const VERSION_NUMBER = VERSION.readUInt32BE(0);
/** From the first octet to the version of a certificate of less than 256 octets: 30 81 xx 30 81 xx. */
const SHORT_HEADERS = 6;
const BEGIN = Buffer.from('BEGIN');
const DASHES = Buffer.from('-----');
const LABEL = /^BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/;
const LONGEST_LABEL = 40;
/** What may stand between the digits when the text is a string in a source file: escaped line ends, quotes, `+`. */
const NOT_DIGITS = /\\+[nrt]|\s+|["'`]\s*[+.]\s*["'`]|["'`\\,]/g;
const DIGITS = /^[A-Za-z0-9+/]+={0,2}$/;
/** Nothing shorter has a name, a key and a signature. */
const MIN_CERTIFICATE = 100;

/** Certificates inside of each other can take more time than their bytes are worth. */
const WORK_PER_BYTE = 4;
const FREE_WORK = 1 << 20;
const WORK_PER_CANDIDATE = 256;

/** Finds the certificates in a stream of bytes, wherever a piece of it ends; holds one window of it. */
export class Carver {
  readonly diagnostics: Diagnostic[] = [];
  readonly #window: Buffer;
  #filled = 0;
  /** Offset of the window's first byte. */
  #base = 0;
  #work = FREE_WORK;

  /** `window` is used as memory for the stream; it is longer than twice the {@link OVERLAP}. */
  constructor(window: Buffer) {
    if (window.length < 2 * OVERLAP) throw new RangeError('the window is too small');
    this.#window = window;
  }

  /** Where the next bytes of the stream are to be put; never empty. */
  free(): Buffer {
    return this.#window.subarray(this.#filled);
  }

  /** So many bytes were put into {@link free}: the certificates that begin far enough before their end. */
  advance(length: number): CarvedCertificate[] {
    this.#filled += length;
    if (this.#filled < this.#window.length) return [];
    const limit = this.#filled - OVERLAP;
    const found = this.#carve(limit);
    this.#window.copyWithin(0, limit, this.#filled);
    this.#filled -= limit;
    this.#base += limit;
    return found;
  }

  /** {@link free} and {@link advance} for bytes that lie elsewhere. */
  push(bytes: Uint8Array): CarvedCertificate[] {
    const found: CarvedCertificate[] = [];
    for (let position = 0; position < bytes.length;) {
      const free = this.free();
      const length = Math.min(free.length, bytes.length - position);
      free.set(bytes.subarray(position, position + length));
      for (const each of this.advance(length)) found.push(each);
      position += length;
    }
    return found;
  }

  /** The stream has ended: the certificates in what is left. */
  end(): CarvedCertificate[] {
    return this.#carve(this.#filled);
  }

  /** How many bytes there were. */
  get length(): number {
    return this.#base + this.#filled;
  }

  /** The last bytes of the stream, at least {@link OVERLAP} of them if there are so many. */
  get tail(): Buffer {
    return this.#window.subarray(0, this.#filled);
  }

  /** Certificates that begin before `limit` of the window. */
  #carve(limit: number): CarvedCertificate[] {
    const bytes = this.#window.subarray(0, this.#filled);
    this.#work += limit * WORK_PER_BYTE;
    const found: CarvedCertificate[] = [];
    const add = (
      start: number,
      encoding: CarvedCertificate['encoding'],
      der: Uint8Array | undefined,
    ): void => {
      if (!der || !this.#mayWork(der.length, start)) return;
      // The window is used again: what is kept must not lie in it.
      const certificate = certificateFrom(encoding === 'DER' ? Buffer.from(der) : der);
      if (isWhole(certificate)) found.push({ certificate, offset: this.#base + start, encoding });
    };
    for (const start of starts(bytes, LONG_SEQUENCE, 0, limit))
      add(start, 'DER', longCandidate(bytes, start));
    for (const start of starts(bytes, VERSION, SHORT_HEADERS, limit)) {
      add(start, 'DER', shortCandidate(bytes, start));
    }
    for (const start of starts(bytes, BEGIN, DASHES.length, limit))
      add(start, 'PEM', pemCandidate(bytes, start));
    return found.toSorted((a, b) => a.offset - b.offset);
  }

  #mayWork(length: number, start: number): boolean {
    this.#work -= length + WORK_PER_CANDIDATE;
    if (this.#work >= 0) return true;
    if (this.diagnostics.length === 0) {
      const message = 'certificates inside of certificates: too many to look at';
      this.diagnostics.push({ level: 'error', code: 'limit', message, offset: this.#base + start });
    }
    return false;
  }
}

/** Beginnings before `limit` of what has `needle` at `distance`. */
function* starts(bytes: Buffer, needle: Buffer, distance: number, limit: number): Generator<number> {
  const scope = bytes.subarray(0, limit + distance + needle.length - 1);
  for (let hit = scope.indexOf(needle, distance); hit >= 0; hit = scope.indexOf(needle, hit + 1)) {
    yield hit - distance;
  }
}

/** Bytes that may be a certificate of 256 octets or more, from its outer two headers and what comes after them. */
function longCandidate(bytes: Buffer, start: number): Uint8Array | undefined {
  if (start + 16 > bytes.length || bytes[start + 4] !== Tag.sequence) return undefined;
  const end = start + 4 + bytes.readUInt16BE(start + 2);
  const form = bytes[start + 5];
  if (form === 0x82) return candidate(bytes, start, start + 8, bytes.readUInt16BE(start + 6), end);
  return form === 0x81 ? candidate(bytes, start, start + 7, bytes.readUInt8(start + 6), end) : undefined;
}

/** The same for a smaller one, such as a root with an Ed25519 key and a short name. */
function shortCandidate(bytes: Buffer, start: number): Uint8Array | undefined {
  if (bytes.readUInt16BE(start) !== 0x3081 || bytes.readUInt16BE(start + 3) !== 0x3081) return undefined;
  const end = start + 3 + bytes.readUInt8(start + 2);
  return candidate(bytes, start, start + SHORT_HEADERS, bytes.readUInt8(start + 5), end);
}

function candidate(
  bytes: Buffer,
  start: number,
  body: number,
  bodyLength: number,
  end: number,
): Uint8Array | undefined {
  if (end > bytes.length || end - start < MIN_CERTIFICATE || body + bodyLength >= end) return undefined;
  const isVersioned = bytes.readUInt32BE(body) === VERSION_NUMBER && bytes[body + 5] === Tag.integer;
  return isVersioned || bytes[body] === Tag.integer ? bytes.subarray(start, end) : undefined;
}

/** The certificate of the block that begins at `start`; undefined when there is none, or no block. */
function pemCandidate(bytes: Buffer, start: number): Uint8Array | undefined {
  if (bytes.toString('latin1', start, start + 5) !== '-----') return undefined;
  const begin = start + DASHES.length;
  const label = LABEL.exec(bytes.toString('latin1', begin, begin + LONGEST_LABEL))?.[0];
  if (label === undefined) return undefined;
  const text = begin + label.length;
  const scope = bytes.subarray(0, start + OVERLAP);
  const end = scope.indexOf(DASHES, text);
  if (end < 0 || scope.toString('latin1', end + 5, end + 9) !== 'END ') return undefined;
  const digits = scope.toString('latin1', text, end).replaceAll(NOT_DIGITS, '');
  return DIGITS.test(digits) ? outerElement(Buffer.from(digits, 'base64')) : undefined;
}

/** Without the trust settings that may come after a TRUSTED CERTIFICATE. */
function outerElement(der: Buffer): Uint8Array | undefined {
  try {
    return der.subarray(0, readTlv(der, 0).end);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** The layout asks for less than this, because what a store holds is a certificate already. */
function isWhole({ der, layout }: Certificate): boolean {
  if (!layout || layout.outer.end !== der.length) return false;
  const { validity, signatureAlgorithm, signature } = layout;
  return (
    signature.end === layout.outer.contentEnd &&
    signature.tag === Tag.bitString &&
    signatureAlgorithm.tag === Tag.sequence &&
    validity.tag === Tag.sequence
  );
}
