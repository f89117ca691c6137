/** A look inside of the programs of a target: loaded when it is asked for. */

import { resolve } from 'node:path';
import type { DeepResult } from '../core/embedded.ts';
import { RootauditError } from '../core/errors.ts';
import { FsError, type Target } from '../core/target.ts';
import { scanPrograms, type DeepProgress } from '../deep/deep.ts';
import type { Matcher } from '../match/matcher.ts';
import { fromWindowsPath } from '../targets/windows-paths.ts';

export interface DeepChoice {
  readonly target: Target;
  readonly matcher: Matcher;
  /** Where to look; where programs usually lie without any. */
  readonly paths: readonly string[];
  readonly progress?: (state: DeepProgress) => void;
}

export function runDeep({ target, matcher, paths, progress }: DeepChoice): Promise<DeepResult> {
  return scanPrograms({
    target,
    directories: paths.map((path) => targetPath(target, path)),
    wanted: (certificate) => matcher(certificate).length > 0,
    ...(progress && { progress }),
  });
}

/** Paths are those of the root that was named, as its own system names them; on this machine, those of this process. */
function targetPath(target: Target, path: string): string {
  if (path === '') throw new RootauditError('--deep needs a directory or a file, or no name at all');
  const insideRoot = target.kind !== 'live';
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
