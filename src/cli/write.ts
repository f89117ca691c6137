/** Writing what was rendered, piece by piece: a report of many targets is never in memory as one text. */

import { closeSync, openSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { RootauditError } from '../core/errors.ts';
import type { Pieces } from '../render/renderer.ts';

/** To standard output. A slow reader is waited for before there is more. Failures are for who listens to the stream. */
export async function writeTo(stream: NodeJS.WriteStream, pieces: Pieces): Promise<void> {
  let drained: Promise<unknown> | undefined;
  for (const piece of pieces) {
    await drained;
    const isReady = stream.write(piece);
    drained = isReady ? undefined : new Promise((resolve) => stream.once('drain', resolve));
  }
}

/** A reader sees the old file or the new one, never a part. What is no regular file (a pipe, /dev/null) is written into. */
export function writeWhole(file: string, pieces: Pieces): void {
  try {
    const old = statSync(file, { throwIfNoEntry: false });
    if (old && !old.isFile()) {
      writeInto(file, 'w', pieces);
      return;
    }
    // A link stays one: its target is what is replaced.
    replaceFile(old ? realpathSync(file) : file, pieces, old && old.mode & 0o7777);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RootauditError(`${file} cannot be written: ${reason}`, undefined, { cause: error });
  }
}

function replaceFile(file: string, pieces: Pieces, mode: number | undefined): void {
  const name = `.${basename(file).slice(0, 100)}.${process.pid}-${process.hrtime.bigint().toString(36)}.tmp`;
  const temporary = join(dirname(file), name);
  try {
    writeInto(temporary, 'wx', pieces, mode);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function writeInto(file: string, flag: 'w' | 'wx', pieces: Pieces, mode?: number): void {
  const fd = openSync(file, flag, mode);
  try {
    for (const piece of pieces) writeFileSync(fd, piece);
  } finally {
    closeSync(fd);
  }
}
