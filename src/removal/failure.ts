/** What stops a removal, in words that say what a person can do about it. */

import { RootauditError } from '../core/errors.ts';

const EXPLANATIONS: Readonly<Record<string, readonly [string, string]>> = {
  ENOSPC: ['the disk is full', 'Make room, then run the same command again.'],
  EDQUOT: ['the disk quota is used up', 'Make room, then run the same command again.'],
  EROFS: [
    'the file system is read-only',
    'Mount it for writing. A system that is made as an image has to be changed where the image is made.',
  ],
  EACCES: ['permission refused', 'Run it with sudo, or as the owner of the file.'],
  EPERM: [
    'the system does not allow it',
    'The file may be protected: look at it with lsattr, ls -lO, or in the log of the security module.',
  ],
  ELOOP: ['a link lies where there was none', 'Scan again, and see who puts links there.'],
  ENOTDIR: [
    'a link, or no directory, lies where a directory was',
    'Scan again, and see who puts links there.',
  ],
  EBUSY: ['it is in use', 'End the program that uses it, then run the same command again.'],
  ETXTBSY: ['it is in use', 'End the program that uses it, then run the same command again.'],
  ENAMETOOLONG: ['the name is too long', 'Give a shorter --journal directory.'],
};

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** A refusal of the system as a {@link RootauditError}; every other error as it is. */
function explain(error: unknown, path: string): unknown {
  if (error instanceof RootauditError) return error;
  const code = codeOf(error);
  if (code === undefined) return error;
  const [what, hint] = EXPLANATIONS[code] ?? [`the system says ${code}`, undefined];
  return new RootauditError(`${path} cannot be changed: ${what}`, hint, { cause: error });
}

/** Runs `call`; what the system refuses is told with the path. */
export function explained<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw explain(error, path);
  }
}
