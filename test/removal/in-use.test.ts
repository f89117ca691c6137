import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findUsers } from '../../src/removal/in-use.ts';
import { hasPython, unless } from '../support/nss.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
});

/** A program of that name that runs until the tests are over. */
function start(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'ignore' });
    started.push(child);
    child.once('error', reject);
    child.once('spawn', () => setTimeout(() => resolve(child.pid ?? 0), 50));
  });
}

function startAs(name: string): Promise<number> {
  const program = join(makeTemporaryDirectory(), name);
  copyFileSync('/bin/sleep', program);
  chmodSync(program, 0o755);
  return start(program, ['120']);
}

const here = { host: '', drives: false };

describe.skipIf(process.platform !== 'linux')('a program that has a store open', () => {
  it('is known by its name, and named with its number', async () => {
    const pid = await startAs('rootaudit-fox-very-long');
    const file = join(makeTree({ '/cert9.db': 'x' }), 'cert9.db');
    const users = await findUsers(here, [{ names: ['rootaudit-fox-very-long'], files: [file] }]);
    expect(users).toEqual([`rootaudit-fox-very-long (process ${pid})`]);
    expect(await findUsers(here, [{ names: ['rootaudit-fox'], files: [file] }])).toEqual([]);
  });

  it.skipIf(process.getuid?.() !== 0)('of another user has another store', async () => {
    const { chownSync } = await import('node:fs');
    await startAs('rootaudit-cat');
    const file = join(makeTree({ '/cert9.db': 'x' }), 'cert9.db');
    chownSync(file, 4321, 4321);
    expect(await findUsers(here, [{ names: ['rootaudit-cat'], files: [file] }])).toEqual([]);
  });

  it('is known by the lock of a Mozilla profile, as long as it runs', async () => {
    const profile = makeTree({ '/cert9.db': 'x' });
    const pid = await startAs('firefox-bin-of-a-test');
    symlinkSync(`127.0.1.1:+${pid}`, join(profile, 'lock'));
    const use = [{ names: [], files: [join(profile, 'cert9.db')] }];
    expect(await findUsers(here, use)).toEqual([`firefox-bin-of-a-test (process ${pid})`]);
    const old = makeTree({ '/cert9.db': 'x', '/lock': { link: '127.0.1.1:+4194304' } });
    expect(await findUsers(here, [{ names: [], files: [join(old, 'cert9.db')] }])).toEqual([]);
  });

  it.skipIf(!hasPython).each(['cert9.db', '.parentlock'])(
    `is known by its lock on %s${unless(hasPython, 'python3')}`,
    async (name) => {
      const profile = makeTree({ '/cert9.db': 'x', '/.parentlock': '' });
      const ready = join(profile, 'ready');
      const script = `
import fcntl, sys, time
held = open(sys.argv[1], 'r+')
fcntl.lockf(held, fcntl.LOCK_EX)
open(sys.argv[2], 'w').close()
time.sleep(120)`;
      await start('python3', ['-c', script, join(profile, name), ready]);
      await expect
        .poll(() => findUsers(here, [{ names: [], files: [join(profile, 'cert9.db')] }]), {
          timeout: 10_000,
        })
        .toEqual([expect.stringMatching(/^python.* \(process \d+\)$/)]);
      writeFileSync(ready, '');
    },
  );
});
