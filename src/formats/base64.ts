/**
 * Strict base64 (RFC 4648, section 4) inside a larger text. Node's own decoder skips bad characters silently,
 * so that damage would go unnoticed; here every octet between the two ends is accounted for.
 */

const SPACE = 64;
const PADDING = 65;
const BAD = 66;
const LF = 0x0a;
const CR = 0x0d;
const EQUALS = 0x3d;

const VALUES = new Uint8Array(256).fill(BAD);
for (const [value, octet] of Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
).entries()) {
  VALUES[octet] = value;
}
for (const octet of Buffer.from(' \t\r\n\v\f')) VALUES[octet] = SPACE;
VALUES[EQUALS] = PADDING;

/** Offset of the first octet that is neither base64 nor white space, or `end`. */
export function endOfBase64(bytes: Uint8Array, from: number, end = bytes.length): number {
  let position = from;
  while (position < end && (VALUES[bytes[position] ?? 0] ?? BAD) < BAD) position++;
  return position;
}

/**
 * Decodes a range that {@link endOfBase64} has found clean. Missing padding is accepted; a lone digit, wrong
 * padding and data after padding are not, and give undefined.
 */
export function decodeBase64(bytes: Uint8Array, from: number, end: number): Uint8Array | undefined {
  const out = Buffer.allocUnsafe(Math.ceil(((end - from) * 3) / 4) + 3);
  let length = 0;
  let group = 0;
  let digits = 0;
  let padding = 0;
  for (let position = from; position < end; position++) {
    const value = VALUES[bytes[position] ?? 0] ?? BAD;
    if (value === SPACE) continue;
    if (value === PADDING) {
      padding++;
      continue;
    }
    if (value === BAD || padding > 0) return undefined;
    group = (group << 6) | value;
    if (++digits < 4) continue;
    out[length++] = group >> 16;
    out[length++] = group >> 8;
    out[length++] = group;
    group = 0;
    digits = 0;
  }
  if (digits === 1 || (padding > 0 && (digits === 0 || padding !== 4 - digits))) return undefined;
  if (digits === 2) out[length++] = group >> 4;
  if (digits === 3) {
    out[length++] = group >> 10;
    out[length++] = group >> 2;
  }
  return out.subarray(0, length);
}

/**
 * The fast way for the common form: lines of one length ended by LF or CR LF, the last one perhaps shorter, padded.
 * Undefined when the text is anything else. The caller makes sure that no `-` and no `_` lies in the range:
 * Node's decoder would take them for digits.
 */
export function decodeBase64Lines(
  text: Buffer,
  from: number,
  end: number,
): { readonly data: Buffer; readonly lines: number } | undefined {
  const step = text.indexOf(LF, from) + 1 - from;
  if (end <= from || step < 3 || text[end - 1] !== LF) return undefined;
  const lineEndBytes = text[from + step - 2] === CR ? 2 : 1;
  const lines = Math.ceil((end - from) / step);
  const characters = end - from - lines * lineEndBytes;
  if (characters % 4 !== 0 || (lineEndBytes === 2 && text[end - 2] !== CR)) return undefined;
  for (let lineEnd = from + step - 1; lineEnd < end; lineEnd += step) {
    if (text[lineEnd] !== LF || (lineEndBytes === 2 && text[lineEnd - 1] !== CR)) return undefined;
  }
  const last = end - lineEndBytes - 1;
  const padding = text[last] !== EQUALS ? 0 : text[last - 1] !== EQUALS ? 1 : 2;
  const data = Buffer.from(text.toString('latin1', from, end), 'base64');
  // A character that is no digit is skipped by Node, and the result is too short.
  return data.length === (characters / 4) * 3 - padding ? { data, lines } : undefined;
}
