/**
 * This machine as it is, below another path: what is written there is kept in memory and forgotten. Removals can be
 * tried on the real stores of a running system with its real tools.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { makeTemporaryDirectory } from '../../support/tree.ts';

const mounted: string[] = [];

afterAll(() => {
  for (const path of mounted.splice(0).toReversed()) spawnSync('umount', ['-R', path]);
});

function mount(path: string, ...args: readonly string[]): boolean {
  const { status } = spawnSync('mount', [...args, path], { stdio: 'ignore' });
  if (status === 0) mounted.push(path);
  return status === 0;
}

/** Path of the root to enter; undefined where such file systems cannot be mounted. */
export function overlayOfThisMachine(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const memory = makeTemporaryDirectory();
  if (!mount(memory, '-t', 'tmpfs', '-o', 'size=1g', 'tmpfs')) return undefined;
  const [upper = '', work = '', root = ''] = ['upper', 'work', 'root'].map((name) => join(memory, name));
  for (const path of [upper, work, root]) mkdirSync(path);
  const options = `lowerdir=/,upperdir=${upper},workdir=${work}`;
  if (!mount(root, '-t', 'overlay', 'overlay', '-o', options)) return undefined;
  const isWhole = ['/proc', '/dev'].every(
    (path) =>
      mount(root + path, '--rbind', path) &&
      // What is unmounted here stays mounted there.
      spawnSync('mount', ['--make-rslave', root + path]).status === 0,
  );
  return isWhole ? root : undefined;
}
