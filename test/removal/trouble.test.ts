/** Disks that are full, file systems that may not be written, owners who refuse: it stops, and the way back is open. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Action } from '../../src/core/remediation.ts';
import { Removal, RemovalInterrupted } from '../../src/removal/apply.ts';
import { listJournals } from '../../src/removal/journal.ts';
import { runTool } from '../../src/removal/tool.ts';
import { undo } from '../../src/removal/undo.ts';
import { buildChild, treeAt } from '../support/removal.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

const hash = (content: string): string => createHash('sha256').update(content).digest('hex');

const mounted: string[] = [];
afterAll(() => {
  for (const path of mounted.toReversed()) spawnSync('umount', [path]);
});

/** A file system in memory; undefined where that cannot be made. */
function mount(size: string): string | undefined {
  const path = makeTemporaryDirectory();
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]).status !== 0) return undefined;
  mounted.push(path);
  return path;
}

const small = mount('64k');
const needs = small === undefined ? ' (skipped: a file system cannot be mounted)' : '';

const CONTENT = 'a line of a bundle\n'.repeat(1000);

function actionsOn(content = CONTENT): readonly Action[] {
  return [
    { kind: 'delete', path: '/etc/first.pem', sha256: hash('first') },
    { kind: 'cut', path: '/etc/bundle.pem', sha256: hash(content), ranges: [{ start: 0, end: 19 }] },
  ];
}

function fill(root: string, content = CONTENT): void {
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc/first.pem'), 'first');
  writeFileSync(join(root, 'etc/bundle.pem'), content);
}

async function failureOf(
  root: string,
  base: string,
  actions: readonly Action[],
  fault?: (point: string) => void,
): Promise<unknown> {
  const options = {
    root: { host: root, drives: false },
    base,
    certificates: [],
    tool: 'test',
    now: new Date(),
  };
  const removal = new Removal({ ...options, ...(fault && { fault }) });
  return removal
    .perform(actions, () => undefined)
    .then(
      () => undefined,
      (error: unknown) => error,
    );
}

async function undoNewest(base: string): Promise<void> {
  await undo({ directory: listJournals(base)[0]?.directory ?? '', now: new Date(), force: false });
}

describe(`a disk that is full${needs}`, () => {
  it.skipIf(small === undefined)('stops before the file is touched, and the undo needs no room', async () => {
    const root = small ?? '';
    fill(root);
    const before = treeAt(root);
    const base = makeTemporaryDirectory();
    writeFileSync(join(root, 'filler'), Buffer.alloc(1 << 20).subarray(0, 32 << 10));
    const whole = treeAt(root);
    const error = await failureOf(root, base, actionsOn());
    expect(error).toBeInstanceOf(RemovalInterrupted);
    expect(error).toMatchObject({
      message: expect.stringContaining('the disk is full'),
      done: ['deleted /etc/first.pem'],
    });
    expect(readFileSync(join(root, 'etc/bundle.pem'), 'utf8')).toBe(CONTENT);
    expect(readdirSync(join(root, 'etc'))).toEqual(['bundle.pem']);
    await undoNewest(base);
    expect(treeAt(root)).toEqual(whole);
    expect(Object.keys(whole).length).toBe(Object.keys(before).length + 1);
  });

  it.skipIf(small === undefined)('where the journal is changes nothing at all', async () => {
    const base = mount('48k') ?? '';
    const root = makeTemporaryDirectory();
    const content = 'x'.repeat(200_000);
    fill(root, content);
    const before = treeAt(root);
    const error = await failureOf(root, base, actionsOn(content));
    expect(error).toMatchObject({ message: expect.stringContaining('the disk is full') });
    expect(error).not.toBeInstanceOf(RemovalInterrupted);
    expect(treeAt(root)).toEqual(before);
    expect(readdirSync(base)).toEqual([]);
  });
});

describe(`a file system that may not be written${needs}`, () => {
  it.skipIf(small === undefined)('from the beginning: nothing is changed', async () => {
    const root = mount('256k') ?? '';
    fill(root);
    spawnSync('mount', ['-o', 'remount,ro', root]);
    const before = treeAt(root);
    const base = makeTemporaryDirectory();
    const error = await failureOf(root, base, actionsOn());
    expect(error).toMatchObject({ message: expect.stringContaining('read-only') });
    expect(treeAt(root)).toEqual(before);
    // What was about to be done has left nothing to undo.
    await undoNewest(base);
  });

  it.skipIf(small === undefined)('from the middle on: the rest is as it was', async () => {
    const root = mount('256k') ?? '';
    fill(root);
    const before = treeAt(root);
    const base = makeTemporaryDirectory();
    const error = await failureOf(root, base, actionsOn(), (point) => {
      if (point === 'step confirmed') spawnSync('mount', ['-o', 'remount,ro', root]);
    });
    expect(error).toMatchObject({
      message: expect.stringContaining('read-only'),
      done: ['deleted /etc/first.pem'],
    });
    spawnSync('mount', ['-o', 'remount,rw', root]);
    await undoNewest(base);
    expect(treeAt(root)).toEqual(before);
  });
});

const NOBODY = 65_534;

describe.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)(
  'a permission that is refused',
  () => {
    let child = '';
    beforeAll(async () => {
      child = await buildChild();
    });

    it('in the middle stops it there, with words that tell what to do', async () => {
      // Everything belongs to somebody without rights, but for the directory of the second file.
      const place = makeTree({ '/root/etc/first.pem': 'first', '/root/opt/second.pem': 'second' });
      const root = join(place, 'root');
      const base = join(place, 'journal');
      mkdirSync(base);
      cpSync(child, join(place, 'child.cjs'));
      for (const path of [place, root, base, join(root, 'etc'), join(root, 'etc/first.pem')]) {
        chownSync(path, NOBODY, NOBODY);
        chmodSync(path, 0o755);
      }
      const actions: readonly Action[] = [
        { kind: 'delete', path: '/etc/first.pem', sha256: hash('first') },
        { kind: 'delete', path: '/opt/second.pem', sha256: hash('second') },
      ];
      const order = JSON.stringify({ root, base, actions });
      const { status, stderr } = spawnSync(process.execPath, [join(place, 'child.cjs'), order], {
        encoding: 'utf8',
        uid: NOBODY,
        gid: NOBODY,
      });
      expect(status).toBe(2);
      expect(stderr).toContain('/opt/second.pem cannot be changed: permission refused');
      expect(readdirSync(join(root, 'etc'))).toEqual([]);
      expect(readFileSync(join(root, 'opt/second.pem'), 'utf8')).toBe('second');
      // Root does not undo what somebody else may have written.
      const [journal = ''] = readdirSync(base);
      await expect(undo({ directory: join(base, journal), now: new Date(), force: false })).rejects.toThrow(
        /belongs to another user/,
      );
      const again = spawnSync(
        process.execPath,
        [join(place, 'child.cjs'), JSON.stringify({ root, base, undo: join(base, journal) })],
        { encoding: 'utf8', uid: NOBODY, gid: NOBODY },
      );
      expect(again.stderr).toBe('');
      expect(readFileSync(join(root, 'etc/first.pem'), 'utf8')).toBe('first');
    });

    it('to keep the owner stops it: a file never changes hands', () => {
      const place = makeTree({ '/root/etc/bundle.pem': 'one two' });
      const root = join(place, 'root');
      const base = join(place, 'journal');
      mkdirSync(base);
      cpSync(child, join(place, 'child.cjs'));
      for (const path of [place, root, base, join(root, 'etc')]) {
        chownSync(path, NOBODY, NOBODY);
        chmodSync(path, 0o755);
      }
      const ranges = [{ start: 0, end: 4 }];
      const actions = [{ kind: 'cut', path: '/etc/bundle.pem', sha256: hash('one two'), ranges }];
      const { status, stderr } = spawnSync(
        process.execPath,
        [join(place, 'child.cjs'), JSON.stringify({ root, base, actions })],
        { encoding: 'utf8', uid: NOBODY, gid: NOBODY },
      );
      expect([status, stderr]).toEqual([2, expect.stringMatching(/bundle.pem/)]);
      expect(readFileSync(join(root, 'etc/bundle.pem'), 'utf8')).toBe('one two');
      expect(readdirSync(join(root, 'etc'))).toEqual(['bundle.pem']);
    });
  },
);

describe.skipIf(process.platform === 'win32')('a tool', () => {
  it('gets no shell, no secrets of the environment, and speaks in UTF-8', async () => {
    const { output } = await runTool(['printenv']);
    expect(output).toContain('LC_ALL=C.UTF-8');
    expect(output).not.toContain('VITEST');
    expect((await runTool(['echo', '$(id)', '`id`', ';id'])).output).toBe('$(id) `id` ;id');
  });

  it('is ended with all that it started when it hangs', async () => {
    const begun = Date.now();
    const { status, output } = await runTool(['sh', '-c', 'sleep 60 & sleep 60'], { timeout: 300 });
    expect(status).toBe(null);
    expect(output).toContain('ended after');
    expect(Date.now() - begun).toBeLessThan(10_000);
  });

  it('may say more than anybody reads', async () => {
    const { status, output } = await runTool(['sh', '-c', 'yes | head -c 5000000; echo end']);
    expect(status).toBe(0);
    expect(output.length).toBeLessThan(70_000);
    expect(output.endsWith('end')).toBe(true);
  });
});
