/**
 * A disk image through guestmount, of libguestfs: a small virtual machine with Linux reads the disk, and shows its
 * systems with all their partitions as a directory. It is slow to start, and reads what 7-Zip does not.
 */

import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { RootauditError } from '../core/errors.ts';
import type { Target } from '../core/target.ts';
import { visible } from '../core/text.ts';
import { openDirectory } from '../targets/directory.ts';
import { makeWorkplace, type Workplace } from './disk-parts.ts';
import { findProgram } from './find-program.ts';
import { tidyUp } from './tidy-up.ts';

/** Without virtualisation by the processor, its machine needs a minute. */
const MOUNT_TIME = 10 * 60_000;
const UNMOUNT_TIME = 60_000;
const MAX_WORDS = 64 << 10;

/** As qemu calls the formats. Guessing would let a disk say that it is another format. */
const FORMATS: Readonly<Record<string, string>> = {
  qcow2: 'qcow2',
  VMDK: 'vmdk',
  VHD: 'vpc',
  VHDX: 'vhdx',
  VDI: 'vdi',
};

export class Guestmount {
  readonly #program: string;
  readonly #time: number;

  constructor(program: string, time = MOUNT_TIME) {
    this.#program = program;
    this.#time = time;
  }

  static find(): Guestmount | undefined {
    const program = process.platform === 'linux' ? findProgram(['guestmount']) : undefined;
    return program === undefined ? undefined : new Guestmount(program);
  }

  /** The system on the disk `path`, unmounted again when the target is closed. Throws RootauditError. */
  open(path: string, format: string, reference: string): Target {
    const what = visible(reference);
    refuseReferences(path, format, what);
    const workplace = makeWorkplace();
    const mountPoint = join(workplace.directory, 'root');
    mkdirSync(mountPoint);
    const disk = [`--format=${FORMATS[format] ?? 'raw'}`, '-a', resolve(path)];
    const failure = this.#run(
      this.#program,
      [...disk, '-i', '--ro', mountPoint],
      workplace.directory,
      this.#time,
    );
    const close = tidyUp(() => {
      this.#unmount(mountPoint, workplace);
    });
    try {
      if (failure === undefined) return asDiskImage(openDirectory(mountPoint), reference, close);
    } catch (error) {
      close();
      throw error;
    }
    close();
    throw new RootauditError(
      `${what} cannot be mounted: guestmount says: ${failure}`,
      'An encrypted disk has to be unlocked and mounted first; give its directory with --root.',
    );
  }

  #unmount(mountPoint: string, workplace: Workplace): void {
    const program = join(dirname(this.#program), 'guestunmount');
    this.#run(program, ['--quiet', mountPoint], workplace.directory, UNMOUNT_TIME);
    try {
      // Only when nothing is mounted there: what is must not be deleted.
      rmdirSync(mountPoint);
      workplace.close();
    } catch {
      // It is still mounted, and its directory stays.
    }
  }

  /** Why it failed; undefined when it did not. */
  #run(program: string, args: readonly string[], directory: string, timeout: number): string | undefined {
    // Not a pipe: what stays in the background would keep it open.
    const log = join(directory, 'log');
    const fd = openSync(log, 'w+', 0o600);
    try {
      const { status, error } = spawnSync(program, args, {
        env: { ...process.env, LC_ALL: 'C.UTF-8' },
        stdio: ['ignore', 'ignore', fd],
        timeout,
        killSignal: 'SIGKILL',
      });
      if (error)
        return 'code' in error && error.code === 'ETIMEDOUT' ? 'nothing, for too long' : error.message;
      if (status === 0) return undefined;
      const words = Buffer.alloc(MAX_WORDS);
      return reasonIn(words.toString('utf8', 0, readSync(fd, words, 0, MAX_WORDS, 0)));
    } finally {
      closeSync(fd);
      rmSync(log, { force: true });
    }
  }
}

function asDiskImage(mounted: Target, reference: string, close: () => void): Target {
  return {
    ...mounted,
    kind: 'disk-image',
    reference,
    hostPath: (path) => path,
    close: () => Promise.resolve(close()),
  };
}

/** The line that says most, without the name of the program. */
function reasonIn(words: string): string {
  const lines = words.split('\n').filter((line) => line.trim() !== '');
  const telling =
    lines.find((line) => /error|no operating system|more than one/i.test(line)) ?? lines[0] ?? 'nothing';
  return visible(telling.replace(/^(?:libguestfs|guestmount): (?:error: )?/, ''), 300);
}

const HEAD = 64 << 10;
const BACKING_FILE = 8;
const INCOMPATIBLE_FEATURES = 72;
const EXTERNAL_DATA = 4n;

/**
 * Some formats can name other files, which qemu would open: the image of a stranger could name any file of this
 * computer.
 */
export function refuseReferences(path: string, format: string, what: string): void {
  const head = Buffer.alloc(HEAD);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, head, 0, HEAD, 0);
  } finally {
    closeSync(fd);
  }
  if (!namesOthers(head, format)) return;
  throw new RootauditError(
    `${what} needs another file, which it names`,
    'Make one image of both that you trust, such as with: qemu-img convert -O qcow2 IMAGE WHOLE.qcow2',
  );
}

function namesOthers(head: Buffer, format: string): boolean {
  if (format === 'qcow2') {
    const hasFeatures = head.readUInt32BE(4) >= 3;
    const features = hasFeatures ? head.readBigUInt64BE(INCOMPATIBLE_FEATURES) : 0n;
    return head.readBigUInt64BE(BACKING_FILE) !== 0n || (features & EXTERNAL_DATA) !== 0n;
  }
  if (format !== 'VMDK') return false;
  const text = head.toString('latin1');
  return !text.startsWith('KDMV') || /parentFileNameHint|parentCID=(?!ffffffff)/i.test(text);
}
