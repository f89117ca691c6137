/** One removal or undo at a time for each place of journals; a lock whose process has ended counts for nothing. */

import { linkSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RootauditError } from '../core/errors.ts';
import { codeOf, explained } from './failure.ts';

const NAME = 'lock';

/** Runs `work` alone. */
export async function withLock<T>(base: string, work: () => Promise<T>): Promise<T> {
  const path = join(base, NAME);
  explained(path, () => take(path));
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** The file appears with its content, so that nobody ever sees an empty one. */
function take(path: string): void {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, `${process.pid} ${startOf(process.pid) ?? ''}\n`, { mode: 0o600 });
  try {
    if (tryLink(own, path)) return;
    const holder = holderOf(path);
    if (holder !== undefined) {
      throw new RootauditError(
        `another removal or undo is at work (process ${holder})`,
        'Wait until it has ended, then run the same command again.',
      );
    }
    unlinkSync(path);
    if (!tryLink(own, path)) throw new RootauditError('another removal or undo has just begun');
  } finally {
    unlinkSync(own);
  }
}

function tryLink(own: string, path: string): boolean {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** The process that holds the lock; undefined when it has ended. Its number may have been given to another since. */
function holderOf(path: string): number | undefined {
  const [pid = '', start = ''] = readFileSync(path, 'utf8').trim().split(' ');
  const number = Number(pid);
  if (!Number.isSafeInteger(number) || number <= 0) return undefined;
  try {
    process.kill(number, 0);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') return undefined;
  }
  const now = startOf(number);
  return now !== undefined && start !== '' && now !== start ? undefined : number;
}

/** When a process began, in ticks since the start of the system; undefined where it cannot be known. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program, in brackets, may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
