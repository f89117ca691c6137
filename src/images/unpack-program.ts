/** What Node has nothing for: xz, bzip2, and zstd in versions before 22.15. The system's own programs do it, where they are. */

import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { FormatError, RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';
import { findProgram } from './find-program.ts';
import { through, type Bytes } from './through.ts';

const PROGRAMS = {
  xz: { command: 'xz', args: ['-dc', '--memlimit-decompress=256MiB'], package: 'xz-utils' },
  bzip2: { command: 'bzip2', args: ['-dc'], package: 'bzip2' },
  zstd: { command: 'zstd', args: ['-dcq', '--memory=128MiB'], package: 'zstd' },
} as const;

const MAX_WORDS = 500;

/** Throws {@link FormatError} when the program refuses the bytes, RootauditError when there is no such program. */
export async function* throughProgram(
  kind: keyof typeof PROGRAMS,
  input: AsyncIterable<Uint8Array>,
  what: string,
): Bytes {
  const { command, args } = PROGRAMS[kind];
  const program = findProgram([command]);
  if (program === undefined) throw missing(kind, what);
  // Nothing but the path: its options can be set by the environment too.
  const child = spawn(program, args, { env: { PATH: process.env['PATH'] }, stdio: 'pipe' });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (words.length < MAX_WORDS) words += text;
  });
  const ended = new Promise<number | null | Error>((resolve) => {
    child.once('error', resolve);
    child.once('close', resolve);
  });
  // A program that stops reading is heard of by its exit.
  child.stdin.on('error', () => {});
  let isOver = false;
  try {
    yield* through(Duplex.from({ writable: child.stdin, readable: child.stdout }), input);
    isOver = true;
  } catch (error) {
    if (error instanceof RootauditError || error instanceof FormatError) throw error;
  } finally {
    if (!isOver) child.kill();
  }
  const status = await ended;
  if (status === 0) return;
  if (status instanceof Error) throw missing(kind, what, status);
  throw new FormatError('malformed', `${command} says: ${visible(words.trim(), MAX_WORDS)}`);
}

function missing(kind: keyof typeof PROGRAMS, what: string, cause?: Error): RootauditError {
  const { command, package: packageName } = PROGRAMS[kind];
  return new RootauditError(
    `${what} is compressed with ${kind}, and there is no program ${command} here to unpack it`,
    `Install ${packageName}, or unpack it first: ${command} -d FILE`,
    { cause },
  );
}
