/**
 * What `7z l -slt -ba` prints: a block of `Name = value` lines for each member, with an empty line after it. Names hold
 * any byte but the line feed, which 7-Zip replaces; everything else in it comes from a file that nobody trusts.
 */

/** A member of a disk (a partition) or of a file system. Texts are one character for each byte. */
export interface ListedMember {
  readonly path: string;
  /** Undefined for partitions, which 7-Zip does not ask that of. */
  readonly isDirectory: boolean | undefined;
  /** Undefined where it is not told. */
  readonly size: number | undefined;
  /** "drwxr-xr-x" */
  readonly mode: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
  readonly uid: number;
  /** Where a link leads to; empty for what is no link, or is not told. */
  readonly link: string;
  /** A stream beside the file's own content, or a file that was deleted. */
  readonly isHidden: boolean;
  /** Of a partition: where it begins. */
  readonly offset: number | undefined;
  /** Of a partition: what its table says that it is for. */
  readonly use: string;
}

/** Longer lines, and blocks of more lines, come from no file system. */
const MAX_LINE = 64 << 10;
const MAX_LINES = 200;

/** Takes the output in pieces as it comes. */
export class ListParser {
  #rest = '';
  #fields = new Map<string, string>();
  #lines = 0;
  readonly #isWindows: boolean;
  /** What no 7-Zip prints has come; what comes after it is not read. */
  isBroken = false;

  /** `isWindows`: the program runs there, and writes paths and lines its way. */
  constructor(isWindows = false) {
    this.#isWindows = isWindows;
  }

  /** `piece` in one character for each byte. */
  *push(piece: string): Generator<ListedMember> {
    if (this.isBroken) return;
    const text = this.#rest + piece;
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      const member = this.#line(text.slice(start, end));
      if (member) yield member;
      start = end + 1;
    }
    this.#rest = text.slice(start);
    if (this.#rest.length > MAX_LINE) this.isBroken = true;
  }

  /** The last block may have no empty line after it. */
  end(): ListedMember | undefined {
    return this.isBroken || this.#rest !== '' ? undefined : this.#block();
  }

  #line(line: string): ListedMember | undefined {
    const clean = this.#isWindows && line.endsWith('\r') ? line.slice(0, -1) : line;
    if (clean === '') return this.#block();
    if (++this.#lines > MAX_LINES) {
      this.isBroken = true;
      return undefined;
    }
    const equals = clean.indexOf(' = ');
    const name = equals < 0 ? clean : clean.slice(0, equals);
    if (equals > 0 && !this.#fields.has(name)) this.#fields.set(name, clean.slice(equals + 3));
    return undefined;
  }

  #block(): ListedMember | undefined {
    const fields = this.#fields;
    this.#lines = 0;
    if (fields.size === 0) return undefined;
    this.#fields = new Map();
    return memberOf(fields, this.#isWindows);
  }
}

function memberOf(fields: ReadonlyMap<string, string>, isWindows: boolean): ListedMember {
  const text = (name: string): string => fields.get(name) ?? '';
  const path = isWindows ? text('Path').replaceAll('\\', '/') : text('Path');
  const folder = fields.get('Folder');
  // FAT and NTFS tell it by their attributes too.
  const attributes = fields.get('Attributes');
  const isDirectory = folder === undefined ? attributes?.startsWith('D') : folder === '+';
  const link = text('Symbolic Link');
  return {
    path,
    isDirectory,
    size: wholeNumber(text('Size')),
    mode: text('Mode'),
    modified: timeOf(text('Modified')),
    uid: Math.min(wholeNumber(text('User ID')) ?? 0, 0xffff_ffff),
    link: link === '' ? reparsePoint(text('Link')) : link,
    isHidden: text('Alternate Stream') === '+' || text('Deleted') === '+',
    offset: wholeNumber(text('Offset')),
    use: text('File System'),
  };
}

function wholeNumber(text: string): number | undefined {
  if (!/^[0-9]{1,16}$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** "2026-11-23 16:10:46.000000000", which the program is told to give in UTC. */
function timeOf(text: string): number {
  const [, date, time] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)/.exec(text) ?? [];
  const parsed = date === undefined ? Number.NaN : Date.parse(`${date}T${time}Z`);
  return Number.isNaN(parsed) ? 0 : parsed;
}

/**
 * Links of NTFS: `Junction: C:\Users`, `WSL: etc/x`, `C:\ProgramData` or `..\x`. Other reparse points hold a file's
 * content in another form; 7-Zip prints those as their tag and bytes.
 */
function reparsePoint(text: string): string {
  const [, kind, target = ''] = /^(?:(Junction|WSL): )?(.*)$/s.exec(text) ?? [];
  if (kind === 'WSL') return target;
  if (kind === undefined && !/^[A-Za-z]:\\|^[^:]*\\[^:]*$/.test(target)) return '';
  // There is one drive here: the partition itself.
  return target
    .replace(/^\\\?\?\\/, '')
    .replace(/^[Cc]:(?=\\|$)/, '')
    .replaceAll('\\', '/');
}
