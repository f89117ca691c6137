/** `rootaudit scan --deep`: loaded when it is asked for. */

import { resolve } from 'node:path';
import type { Certificate } from '../core/certificate.ts';
import type { DeepResult } from '../core/embedded.ts';
import { RootauditError } from '../core/errors.ts';
import { FsError, type Target } from '../core/target.ts';
import { count, visible } from '../core/text.ts';
import { scanPrograms, type DeepProgress } from '../deep/deep.ts';
import { fromWindowsPath } from '../targets/windows-paths.ts';

/** `insideRoot`: the paths are those of the root that was named, not of this machine. */
export async function runDeep(
  target: Target,
  paths: readonly string[],
  insideRoot: boolean,
  wanted: (certificate: Certificate) => boolean,
): Promise<DeepResult> {
  const directories = paths.map((path) => targetPath(target, path, insideRoot));
  const progress = progressOn(process.stderr);
  try {
    return await scanPrograms({ target, directories, wanted, ...(progress && { progress: progress.show }) });
  } finally {
    progress?.clear();
  }
}

function targetPath(target: Target, path: string, insideRoot: boolean): string {
  if (path === '') throw new RootauditError('--deep needs a directory or a file, or no name at all');
  const inTarget = insideRoot ? resolve('/', path) : resolve(path);
  const full = process.platform === 'win32' ? withoutDrive(inTarget, insideRoot) : inTarget;
  try {
    if (target.fs.kind(full) !== undefined) return full;
  } catch (error) {
    // It is there; the report says what is wrong with it.
    if (error instanceof FsError) return full;
    throw error;
  }
  const hint = insideRoot ? 'With --root, give the path as the audited system names it.' : 'Check the path.';
  throw new RootauditError(`${path} does not exist`, hint);
}

/** Inside of a root no drive has a letter. */
function withoutDrive(path: string, insideRoot: boolean): string {
  const full = fromWindowsPath(path);
  return insideRoot ? full.replace(/^\/[A-Za-z]:/, '') || '/' : full;
}

interface Progress {
  readonly show: (state: DeepProgress) => void;
  readonly clear: () => void;
}

/** Milliseconds until the first line, and between two. */
const PATIENCE = 1000;
const INTERVAL = 100;
const CLEAR_LINE = '\r\u001b[K';

/** A line that is written over; nothing at all into a file or a pipe. */
function progressOn(stream: NodeJS.WriteStream): Progress | undefined {
  if (!stream.isTTY) return undefined;
  let next = Date.now() + PATIENCE;
  let shown = false;
  return {
    show: ({ path, files, bytes }) => {
      const now = Date.now();
      if (now < next) return;
      next = now + INTERVAL;
      shown = true;
      const done = `${count(files, 'file')}, ${count(Math.round(bytes / 1e6), 'megabyte')}: ${visible(path)}`;
      stream.write(CLEAR_LINE + done.slice(0, (stream.columns || 80) - 1));
    },
    clear: () => {
      if (shown) stream.write(CLEAR_LINE);
    },
  };
}
