/**
 * Records of layers as files in a directory that only this user can enter. Several processes may use it at a time:
 * records are written under another name and then renamed. What does not belong to the user is never read.
 */

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  type Stats,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { visible } from '../core/text.ts';
import { openRecord, removeFile, writeRecord } from './cache-file.ts';
import type { RecordStorage } from './layer-cache.ts';
import type { RecordFile, RecordSink } from './layer-record.ts';

export interface CacheLimits {
  /** Of all records together. */
  readonly bytes: number;
  readonly files: number;
  /** Of one record. */
  readonly record: number;
}

const LIMITS: CacheLimits = { bytes: 512 << 20, files: 4096, record: 128 << 20 };

/** Told once why nothing is kept. */
export type TellNote = (note: string) => void;

type Environment = Readonly<Record<string, string | undefined>>;

/** Where records are kept; undefined where there is no such place. */
export function cachePlace(environment: Environment, platform = process.platform): string | undefined {
  if (platform === 'win32') {
    const { LOCALAPPDATA: local = '' } = environment;
    return isAbsolute(local) ? join(local, 'rootaudit', 'cache') : undefined;
  }
  const { XDG_CACHE_HOME: chosen = '', HOME: home = homedir() } = environment;
  // A relative one is to be ignored, as its specification says.
  if (isAbsolute(chosen)) return join(chosen, 'rootaudit');
  return isAbsolute(home) ? join(home, '.cache', 'rootaudit') : undefined;
}

/** Makes the directory. Undefined, and a note, when it cannot be used safely. */
export function openCacheDirectory(
  place: string | undefined,
  tell: TellNote,
  limits: CacheLimits = LIMITS,
): RecordStorage | undefined {
  const without = (reason: string): undefined => {
    tell(`layers are not kept in ${visible(place ?? 'a cache')}: ${reason}`);
    return undefined;
  };
  if (place === undefined) return without('there is no home directory');
  try {
    mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
    // Its parents may be links, as the user likes; it itself may not.
    const parent = realpathSync(dirname(place));
    const path = join(parent, place.slice(dirname(place).length));
    makeDirectory(path);
    const reason = whyNot(lstatSync(parent), lstatSync(path));
    return reason === undefined ? new CacheDirectory(path, limits, without) : without(reason);
  } catch (error) {
    return without(reasonOf(error));
  }
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  }
}

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/** Undefined when nobody else can put or move anything there. */
function whyNot(parent: Stats, directory: Stats): string | undefined {
  if (!directory.isDirectory()) return 'it is no directory';
  const user = process.geteuid?.();
  if (user === undefined) return undefined;
  if (directory.uid !== user) return 'it belongs to another user';
  if ((directory.mode & WRITABLE_BY_OTHERS) !== 0) return 'others may write to it';
  if (parent.uid !== user && parent.uid !== 0) return 'the directory above it belongs to another user';
  const isOpen = (parent.mode & WRITABLE_BY_OTHERS) !== 0 && (parent.mode & STICKY) === 0;
  return isOpen ? 'others may write to the directory above it' : undefined;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

const RECORD = /^[0-9a-f]{64}\.layer$/;
const UNFINISHED = /^[0-9a-f]{64}\.[0-9a-f]{16}\.new$/;
/** Nobody writes a record for so long: whoever began it has ended. Milliseconds. */
const ABANDONED = 3_600_000;
/** What remains when there was too much. */
const KEPT_PART = 0.8;
/** On Windows there are none, which counts as 0. */
const { O_NOFOLLOW, O_NONBLOCK } = constants;

class CacheDirectory implements RecordStorage {
  readonly #path: string;
  readonly #limits: CacheLimits;
  readonly #tell: TellNote;
  /** What is there, as far as is known; looked at when the first record is written. */
  #bytes: number | undefined;
  #files = 0;

  constructor(path: string, limits: CacheLimits, tell: TellNote) {
    this.#path = path;
    this.#limits = limits;
    this.#tell = tell;
  }

  find(key: string): RecordFile | undefined {
    let fd: number | undefined;
    try {
      fd = openSync(this.#pathOf(key), constants.O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      const stat = fstatSync(fd);
      if (!isOurs(stat) || stat.size > this.#limits.record) {
        closeSync(fd);
        return undefined;
      }
      touch(fd);
      return openRecord(fd, stat.size);
    } catch {
      // Not there, or not to be read: it is read from the image, then.
      if (fd !== undefined) closeSync(fd);
      return undefined;
    }
  }

  create(key: string): RecordSink | undefined {
    const path = join(this.#path, `${key}.${randomBytes(8).toString('hex')}.new`);
    try {
      const fd = openSync(
        path,
        constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | O_NOFOLLOW,
        0o600,
      );
      return writeRecord(fd, path, {
        limit: this.#limits.record,
        whole: (size) => {
          renameSync(path, this.#pathOf(key));
          this.#added(size);
        },
        failed: (error) => this.#tell(reasonOf(error)),
      });
    } catch (error) {
      this.#tell(reasonOf(error));
      return undefined;
    }
  }

  #pathOf(key: string): string {
    return join(this.#path, `${key}.layer`);
  }

  /** What other processes add meanwhile is seen by the next one that looks. */
  #added(size: number): void {
    if (this.#bytes !== undefined) {
      this.#bytes += size;
      this.#files++;
      if (this.#bytes <= this.#limits.bytes && this.#files <= this.#limits.files) return;
    }
    this.#evict();
  }

  /** What was not used for the longest time goes first. */
  #evict(): void {
    const now = Date.now();
    const records: { readonly path: string; readonly size: number; readonly used: number }[] = [];
    for (const name of readdirSync(this.#path)) {
      const path = join(this.#path, name);
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (!stat) continue;
      if (UNFINISHED.test(name) && now - stat.mtimeMs > ABANDONED) removeFile(path);
      else if (RECORD.test(name)) records.push({ path, size: stat.size, used: stat.mtimeMs });
    }
    let bytes = records.reduce((sum, { size }) => sum + size, 0);
    let files = records.length;
    if (bytes > this.#limits.bytes || files > this.#limits.files) {
      for (const { path, size } of records.toSorted((a, b) => a.used - b.used)) {
        if (bytes <= this.#limits.bytes * KEPT_PART && files <= this.#limits.files * KEPT_PART) break;
        removeFile(path);
        bytes -= size;
        files--;
      }
    }
    this.#bytes = bytes;
    this.#files = files;
  }
}

/** Nobody else can have written it: not under this name, nor under another name of the same file. */
function isOurs(stat: Stats): boolean {
  if (!stat.isFile()) return false;
  const user = process.geteuid?.();
  if (user === undefined) return true;
  return stat.uid === user && stat.nlink === 1 && (stat.mode & WRITABLE_BY_OTHERS) === 0;
}

/** When it was used last. */
function touch(fd: number): void {
  try {
    const now = new Date();
    futimesSync(fd, now, now);
  } catch {
    // Where the file system is mounted to be read only, nothing has to give way.
  }
}
