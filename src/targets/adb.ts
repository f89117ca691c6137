/**
 * A connected Android device as a target, through `adb` (Android Debug Bridge): every question is one short command for
 * the device's own shell, which only reads. Without root rights on the device, what the shell may not see is a problem.
 */

import { spawnSync } from 'node:child_process';
import { RootauditError } from '../core/errors.ts';
import { quoteSh } from '../core/shell.ts';
import {
  FsError,
  MAX_FILE_BYTES,
  type DirectoryEntry,
  type FileStat,
  type OpenFile,
  type ReadFs,
  type Target,
} from '../core/target.ts';

export interface AdbOptions {
  /** As `adb devices` lists it; needed when there are several. */
  readonly serial?: string;
  /** Default: `adb`, looked up in PATH. */
  readonly program?: string;
}

const TIMEOUT = 60_000;
const MAX_LIST_BYTES = 64 << 20;
const MAX_ENTRIES = 1_000_000;
const MAX_KNOWN = 100_000;
const SERIAL = /^[A-Za-z0-9_.[][A-Za-z0-9_.:@[\]-]{0,200}$/;

/** Throws RootauditError when there is no such device, or it does not answer. */
export function openAdb({ serial, program = 'adb' }: AdbOptions = {}): Target {
  if (serial !== undefined && !SERIAL.test(serial)) {
    throw new RootauditError(`${serial} is no serial number of a device`, 'See `adb devices`.');
  }
  const device = serial === undefined ? [] : ['-s', serial];
  const { status, stdout, stderr, error } = spawnSync(program, [...device, 'get-state'], {
    encoding: 'utf8',
    timeout: TIMEOUT,
  });
  if (error) {
    throw new RootauditError('adb cannot be run', 'Install the Android platform tools.', { cause: error });
  }
  if (status !== 0 || stdout.trim() !== 'device') {
    const [reason = ''] = (stderr.trim() || stdout.trim()).split('\n');
    throw new RootauditError(
      `no Android device answers: ${reason}`,
      'Connect one, allow USB debugging on it, and with several name its serial number (see `adb devices`).',
    );
  }
  const fs = new AdbFs((script, maxBytes) => run(program, device, script, maxBytes));
  return {
    kind: 'live',
    reference: serial === undefined ? 'adb' : `adb:${serial}`,
    platform: 'android',
    fs,
    environment: {},
    homes: [],
    notes: [],
    hostPath: (path) => path,
  };
}

/** exec-out hands the output over byte for byte; the exit code is not told by all versions. */
function run(program: string, device: readonly string[], script: string, maxBytes: number): Buffer {
  const { stdout, error } = spawnSync(program, [...device, 'exec-out', script], {
    timeout: TIMEOUT,
    maxBuffer: maxBytes,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (error) throw new FsError('io', '/', `adb: ${error.message}`);
  return stdout;
}

type Shell = (script: string, maxBytes: number) => Buffer;

interface Known {
  readonly path: string;
  readonly stat: FileStat;
}

/** What a path leads to is asked once: a scan sees one state of the device. */
class AdbFs implements ReadFs {
  readonly #shell: Shell;
  readonly #known = new Map<string, Known | undefined>();

  constructor(shell: Shell) {
    this.#shell = shell;
  }

  stat(path: string): FileStat | undefined {
    return this.#look(path)?.stat;
  }

  kind(path: string): FileStat['kind'] | undefined {
    return this.#look(path)?.stat.kind;
  }

  realPath(path: string): string | undefined {
    return this.#look(path)?.path;
  }

  list(path: string): readonly DirectoryEntry[] {
    if (this.kind(path) !== 'directory') return [];
    const script =
      `cd ${word(path)} && ls > /dev/null 2>&1 || { printf 'D\\000'; exit; }; ` +
      'for f in * .[!.]* ..?*; do ' +
      'if [ -L "$f" ]; then t=l; elif [ -d "$f" ]; then t=d; elif [ -f "$f" ]; then t=f; ' +
      'elif [ -e "$f" ]; then t=o; else continue; fi; ' +
      'printf \'%s%s\\000\' "$t" "$f"; done; printf \'E\\000\'';
    const parts = this.#shell(script, MAX_LIST_BYTES).toString('utf8').split('\0');
    if (parts.at(-2) === 'D') throw new FsError('denied', path, 'permission denied');
    if (parts.at(-2) !== 'E') throw new FsError('io', path, 'the device broke off');
    if (parts.length > MAX_ENTRIES)
      throw new FsError('too-large', path, `directory with ${parts.length} entries`);
    return parts
      .slice(0, -2)
      .map((part) => ({ name: part.slice(1), kind: KINDS[part[0] ?? ''] ?? 'other' }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  read(path: string, maxBytes = MAX_FILE_BYTES): Uint8Array | undefined {
    const name = word(path);
    const script =
      `if [ -f ${name} ] && [ -r ${name} ]; then printf +; head -c ${maxBytes + 1} ${name}; printf '\\000%s' "$?"; ` +
      'else printf -; fi';
    const out = this.#shell(script, maxBytes + 64);
    if (out[0] !== 0x2b) return this.#whyUnread(path);
    const end = out.lastIndexOf(0);
    if (end < 1 || out.toString('latin1', end + 1) !== '0')
      throw new FsError('io', path, 'the device broke off');
    if (end - 1 > maxBytes) {
      throw new FsError('too-large', path, `more than the limit of ${maxBytes} bytes`);
    }
    return out.subarray(1, end);
  }

  open(path: string): OpenFile | undefined {
    const stat = this.stat(path);
    if (!stat) return undefined;
    if (stat.kind !== 'file') throw new FsError('not-a-file', path, 'not a regular file');
    const read = (into: Uint8Array, offset: number): number => {
      const script = `tail -c +${offset + 1} ${word(path)} | head -c ${into.length}; printf '\\000E'`;
      const out = this.#shell(script, into.length + 64);
      const end = out.length - 2;
      if (end < 0 || out.toString('latin1', end) !== '\0E')
        throw new FsError('io', path, 'the device broke off');
      into.set(out.subarray(0, end));
      return end;
    };
    return { size: stat.size, read, close: () => undefined };
  }

  #whyUnread(path: string): undefined {
    const kind = this.kind(path);
    if (kind === undefined) return undefined;
    if (kind === 'file') throw new FsError('denied', path, 'permission denied');
    throw new FsError('not-a-file', path, 'not a regular file');
  }

  #look(path: string): Known | undefined {
    if (this.#known.has(path)) return this.#known.get(path);
    const name = word(path);
    const script =
      `r=$(readlink -f ${name} 2> /dev/null); printf '%s\\000' "$r"; ` +
      `LC_ALL=C stat -L -c '%f %s %Y %u' ${name} 2>&1; printf '\\000E'`;
    const parts = this.#shell(script, 1 << 20)
      .toString('utf8')
      .split('\0');
    const [real = '', text = ''] = parts;
    if (parts.at(-1) !== 'E') throw new FsError('io', path, 'the device broke off');
    const known = knownFrom(path, real, text.trim());
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(path, known);
    return known;
  }
}

const KINDS: Readonly<Record<string, DirectoryEntry['kind']>> = {
  d: 'directory',
  f: 'file',
  l: 'link',
  o: 'other',
};
const TYPE_BITS = 0o170000;
const REGULAR = 0o100000;
const DIRECTORY = 0o040000;

function knownFrom(path: string, real: string, text: string): Known | undefined {
  const [, mode = '', size = '', modified = '', uid = ''] =
    /^([0-9a-f]+) (\d+) (-?\d+) (\d+)$/.exec(text) ?? [];
  if (mode === '') {
    if (/No such file|Not a directory/.test(text)) return undefined;
    if (/[Pp]ermission denied/.test(text)) throw new FsError('denied', path, 'permission denied');
    if (/symbolic links/.test(text)) throw new FsError('link-loop', path, 'too many links');
    throw new FsError('io', path, 'cannot be read');
  }
  const bits = Number.parseInt(mode, 16);
  const type = bits & TYPE_BITS;
  return {
    path: real === '' ? path : real,
    stat: {
      kind: type === REGULAR ? 'file' : type === DIRECTORY ? 'directory' : 'other',
      size: Number(size),
      modified: Number(modified) * 1000,
      uid: Number(uid),
      mode: bits & 0o7777,
    },
  };
}

/** A path as a word of the device's shell; one that no shell can carry leads nowhere. */
function word(path: string): string {
  if (!path.startsWith('/')) throw new FsError('io', path, 'not an absolute path');
  try {
    return quoteSh(path);
  } catch (error) {
    if (error instanceof RangeError) throw new FsError('io', path, 'a name that no shell can carry');
    throw error;
  }
}
