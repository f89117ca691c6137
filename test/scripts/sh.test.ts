import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { a, b, REMOVAL_CASES } from '../support/removal-cases.ts';
import { treeAt } from '../support/removal.ts';
import { makeRoot } from '../support/root.ts';
import { planOn, scriptFor } from '../support/scripts.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const SHELLS = [['dash'], ['bash'], ['bash', '--posix'], ['busybox', 'sh'], ['ksh'], ['zsh', '--emulate', 'sh']].filter(
  ([command = '', ...options]) => spawnSync(command, [...options, '-c', ':']).status === 0,
);

interface Ran {
  readonly status: number | null;
  readonly output: string;
}

function runWith(shell: readonly string[], script: string, args: readonly string[], backup: string): Ran {
  const [command = '', ...options] = shell;
  const { status, stdout, stderr } = spawnSync(command, [...options, script, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ROOTAUDIT_BACKUP: backup },
  });
  return { status, output: stdout + stderr };
}

function saved(text: string): string {
  const file = join(makeTemporaryDirectory(), 'script.sh');
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

const going = [a.sha256, b.sha256];

describe.each(SHELLS.map((shell) => ({ shell, name: shell.join(' ') })))('a script in $name', ({ shell }) => {
  it.each(REMOVAL_CASES.filter(({ needs = true }) => needs))(
    'empties $store, again changes nothing, and puts everything back',
    async ({ files, prepare }) => {
      const root = makeRoot(files());
      prepare?.(root);
      const before = treeAt(root.path);
      const script = saved(await scriptFor('sh', root.target, going));
      const backup = makeTemporaryDirectory();

      const first = runWith(shell, script, [], backup);
      const left = /NOT DONE/.test(first.output);
      expect(first).toMatchObject({ status: left ? 1 : 0 });
      const after = treeAt(root.path);
      expect(after).not.toEqual(before);
      const again = planOn(root.target, going).plan;
      if (!left) expect(again.stores.filter(({ method }) => method !== 'hand')).toEqual([]);

      const second = runWith(shell, script, [], backup);
      expect(second.output).not.toMatch(/deleted|wrote|cut|changed/);
      expect(second.status).toBe(first.status);
      expect(treeAt(root.path)).toEqual(after);

      const undone = runWith(shell, script, ['undo'], backup);
      expect(undone).toMatchObject({ status: 0 });
      expect(treeAt(root.path)).toEqual(before);
      expect(runWith(shell, script, ['undo'], backup)).toMatchObject({ status: 0 });
      expect(runWith(shell, script, [], backup)).toMatchObject({ status: first.status });
    },
  );
});
