/**
 * 7-Zip, which reads partition tables, containers of disks and file systems. A file that it is given is a disk, a
 * partition or a file system; a member is what it finds in it.
 */

import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { RootauditError } from '../core/errors.ts';
import { quoteSh } from '../core/shell.ts';
import { visible } from '../core/text.ts';
import { findProgram, plainEnvironment } from './find-program.ts';
import { toLatin1 } from './latin1.ts';
import { ListParser, type ListedMember } from './seven-zip-list.ts';

/** Older ones print line feeds of names as they are, and do not know VHDX and APFS. */
const LEAST_VERSION = 21;
const MAX_WORDS = 2000;
/** For the list of a whole file system, and for getting files. */
const LIST_TIME = 15 * 60_000;
const READ_TIME = 5 * 60_000;
/** A program that says nothing for so long hangs. */
const SILENCE = 2 * 60_000;

export interface Times {
  readonly list: number;
  readonly read: number;
  readonly silence: number;
}

const TIMES: Times = { list: LIST_TIME, read: READ_TIME, silence: SILENCE };

export interface Listing {
  /** How many members there were. */
  readonly count: number;
  /** Why there may be more than these. */
  readonly failure?: string;
}

/** No more members are wanted. */
export type Visitor = (member: ListedMember) => boolean;

export class SevenZip {
  readonly #program: string;
  readonly #times: Times;

  constructor(program: string, times: Times = TIMES) {
    this.#program = program;
    this.#times = times;
  }

  /** Undefined when it is not there; throws RootauditError when it is too old. */
  static find(times?: Times): SevenZip | undefined {
    const program = findProgram(['7zz', '7z']);
    if (program === undefined) return undefined;
    const { stdout } = spawnSync(program, { ...quiet(), timeout: 20_000, maxBuffer: 1 << 20 });
    const [, version = ''] = /^7-Zip\b[^\n]*? (\d+)\.\d\d\b/m.exec(stdout.toString('latin1')) ?? [];
    if (Number(version) >= LEAST_VERSION) return new SevenZip(program, times);
    const told = version === '' ? 'does not tell its version' : `is of version ${version}`;
    throw new RootauditError(
      `${visible(program)} ${told}: disk images need 7-Zip ${LEAST_VERSION} or later`,
      INSTALL,
    );
  }

  /** Hands over all members of `file`, until `visit` returns false. */
  list(file: string, visit: Visitor): Promise<Listing> {
    const parser = new ListParser(process.platform === 'win32');
    let count = 0;
    let isOver = false;
    const take = (member: ListedMember): void => {
      if (isOver) return;
      count++;
      if (!visit(member)) isOver = true;
    };
    const args = ['l', '-slt', '-ba', ...COMMON, '--', file];
    return this.#run(args, this.#times.list, (piece) => {
      for (const member of parser.push(piece.toString('latin1'))) take(member);
      return !isOver && !parser.isBroken;
    }).then((failure) => {
      const last = failure === undefined ? parser.end() : undefined;
      if (last) take(last);
      if (isOver) return { count };
      if (parser.isBroken) return { count, failure: '7-Zip prints what is no list of files' };
      return { count, ...(failure !== undefined && { failure }) };
    });
  }

  /** Hands over the content of one member as it comes, until `take` returns false; why it may not be all of it. */
  stream(file: string, member: string, take: (piece: Buffer) => boolean): Promise<string | undefined> {
    return this.#run(['x', '-so', '-spd', ...COMMON, `-i!${member}`, '--', file], undefined, take);
  }

  /** The first `length` bytes of a member, or all where there are fewer. */
  head(file: string, member: string, length: number): Buffer {
    const { stdout } = this.#sync(extract(file, [member]), length);
    return stdout.subarray(0, length);
  }

  /**
   * The contents of members, one behind the other in the order of the list. Undefined when it cannot give them.
   * `fd`: where to write them instead.
   */
  read(file: string, members: readonly string[], size: number, fd?: number): Buffer | undefined {
    // Each is named when it is begun: they have to be those that were asked for, in their order.
    const args = extract(file, members, '-bb1', '-bso2');
    const { status, stdout, stderr, error } = this.#sync(args, size, fd);
    if (error ?? (status !== 0 && status !== 1)) return undefined;
    const begun = stderr
      .toString('latin1')
      .split(/\r?\n/)
      .filter((line) => line.startsWith('- '));
    const isAsked =
      begun.length === members.length &&
      begun.every((line, index) => line === `- ${toLatin1(members[index] ?? '')}`);
    if (!isAsked) return undefined;
    if (fd !== undefined) return Buffer.alloc(0);
    return stdout.length === size ? stdout : undefined;
  }

  /** The same for one member whose name the list may have changed: line feeds are shown as `_`. */
  readAltered(file: string, member: string, size: number): Buffer | undefined {
    if (!member.includes('_')) return undefined;
    // Each `?` stands for one character. Did more fit, they would be longer together.
    const pattern = member.replaceAll('_', '?');
    const args = ['x', '-so', ...COMMON, `-i!${pattern}`, '--', file];
    const { status, stdout, error } = this.#sync(args, size);
    return !error && status === 0 && stdout.length === size ? stdout : undefined;
  }

  #sync(args: readonly string[], size: number, fd?: number): SpawnSyncReturns<Buffer> {
    const result = spawnSync(...this.#command(args), {
      ...quiet(),
      stdio: ['ignore', fd ?? 'pipe', 'pipe'],
      timeout: this.#times.read,
      killSignal: 'SIGKILL',
      // Of what it says beside, too.
      maxBuffer: size + (1 << 20),
    });
    // Where it could not be started, there is no output at all.
    const nothing = Buffer.alloc(0);
    return result.pid > 0 ? result : { ...result, stdout: nothing, stderr: nothing };
  }

  /** What it says when it fails; undefined when all went well or `take` had enough. */
  #run(
    args: readonly string[],
    time: number | undefined,
    take: (piece: Buffer) => boolean,
  ): Promise<string | undefined> {
    const child = spawn(...this.#command(args), { ...quiet(), stdio: ['ignore', 'pipe', 'pipe'] });
    const timers: NodeJS.Timeout[] = [];
    const result = new Promise<string | undefined>((resolve, reject) => {
      let words = '';
      const late = (): void => resolve('it took too long');
      const silence = setTimeout(late, this.#times.silence);
      timers.push(silence, ...(time === undefined ? [] : [setTimeout(late, time)]));
      child.stderr.on('data', (piece: Buffer) => {
        if (words.length < MAX_WORDS) words += piece.toString('latin1', 0, MAX_WORDS);
      });
      child.stdout.on('data', (piece: Buffer) => {
        silence.refresh();
        try {
          if (!take(piece)) resolve(undefined);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
      child.once('error', (error) => resolve(error.message));
      child.once('close', (status, signal) => {
        const isGood = status === 0 || status === 1;
        resolve(isGood ? undefined : firstWords(words) || endOf(status ?? signal));
      });
    });
    return result.finally(() => {
      for (const timer of timers) clearTimeout(timer);
      child.kill('SIGKILL');
      // What the program started may still hold them.
      child.stdout.destroy();
      child.stderr.destroy();
    });
  }

  /** Names that are not UTF-8 can be handed over by a shell only. */
  #command(args: readonly string[]): [string, readonly string[]] {
    if (!args.some((word) => /\p{Cs}/u.test(word))) return [this.#program, args];
    return ['/bin/sh', ['-c', `exec ${[this.#program, ...args].map(quoteSh).join(' ')}`]];
  }
}

/** For each platform on which people read disk images. */
export const INSTALL =
  'Install 7-Zip (Debian, Ubuntu, Fedora: the package 7zip; macOS: brew install sevenzip; Windows: https://7-zip.org) or guestmount (Debian, Ubuntu: guestmount; Fedora: guestfs-tools). Or mount it read-only and give its directory with --root.';

/** No questions, no streams beside the content, exact case, names in UTF-8. */
const COMMON = ['-y', '-p', '-sns-', '-ssc', '-sccUTF-8', '-bd'];

/** No wildcards; a name is a name, whatever it begins with. */
function extract(file: string, members: readonly string[], ...further: readonly string[]): string[] {
  return ['x', '-so', '-spd', ...COMMON, ...further, ...members.map((member) => `-i!${member}`), '--', file];
}

function quiet(): { env: Record<string, string | undefined>; windowsHide: true } {
  return { env: plainEnvironment(), windowsHide: true };
}

/** Of a list without a head, it says no more. */
function endOf(status: number | string | null): string {
  return status === 2 ? 'there are errors in it' : `it ended with ${status ?? 'nothing'}`;
}

/** The lines in which it says what went wrong, without empty ones. */
function firstWords(words: string): string {
  const lines = words.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  return visible(lines.slice(0, 4).join('; '), 300);
}
