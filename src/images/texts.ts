/**
 * Very many short texts in little memory: the bytes of names and link targets behind one another in pages, each known
 * by its place. An object for each of a million would take five times as much.
 */

const PAGE_BITS = 17;
const PAGE = 1 << PAGE_BITS;
/** Bytes before each text, which tell its length. */
const HEAD = 2;

export class Texts {
  readonly #pages: Buffer[] = [];
  #used = PAGE;

  /** Bytes of all pages. */
  get size(): number {
    return this.#pages.length * PAGE;
  }

  /** Place of a new text, one byte for each character of `latin1` (see {@link toLatin1}); at most 65,535 of them. */
  add(latin1: string): number {
    const length = latin1.length;
    if (this.#used + HEAD + length > PAGE) {
      this.#pages.push(Buffer.alloc(PAGE));
      this.#used = 0;
    }
    const page = this.#pages.length - 1;
    const bytes = this.#pages[page];
    const at = this.#used;
    if (bytes) {
      bytes[at] = length & 0xff;
      bytes[at + 1] = length >> 8;
      bytes.write(latin1, at + HEAD, 'latin1');
    }
    this.#used += HEAD + length;
    return page * PAGE + at;
  }

  /** One character for each byte. */
  get(place: number): string {
    const bytes = this.#pages[place >>> PAGE_BITS] ?? NOTHING;
    const at = place & (PAGE - 1);
    const length = (bytes[at] ?? 0) + ((bytes[at + 1] ?? 0) << 8);
    return bytes.toString('latin1', at + HEAD, at + HEAD + length);
  }

  equals(place: number, latin1: string): boolean {
    const bytes = this.#pages[place >>> PAGE_BITS] ?? NOTHING;
    const at = place & (PAGE - 1);
    if ((bytes[at] ?? 0) + ((bytes[at + 1] ?? 0) << 8) !== latin1.length) return false;
    const start = at + HEAD;
    for (let i = 0; i < latin1.length; i++) if (bytes[start + i] !== latin1.charCodeAt(i)) return false;
    return true;
  }
}

const NOTHING = Buffer.alloc(HEAD);
