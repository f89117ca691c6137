/** A removal that has commands of the system in it, and an undo of it, killed at every point, each in turn. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Action } from '../../src/core/remediation.ts';
import { listJournals } from '../../src/removal/journal.ts';
import {
  buildChild,
  copyOf,
  differences,
  discard,
  fastDirectory,
  plant,
  runChild,
  treeAt,
  undoAll,
} from '../support/removal.ts';

let child = '';
beforeAll(async () => {
  child = await buildChild();
});

const fully = { withAttributes: true };

const hash = (content: string): string => createHash('sha256').update(content).digest('hex');

/** Files, a command that makes copies anew, and one in the registry, as it were. */
function actionsIn(root: string): readonly Action[] {
  const script =
    'cd "$1/etc/made" && rm b.pem old && echo c > c.pem && ln -s c.pem hash.0 && echo new > a.pem';
  return [
    { kind: 'delete', path: '/etc/source/bad.pem', sha256: hash('bad') },
    { kind: 'write', path: '/etc/deep/er/refused.pem', sha256: null, content: Buffer.from('x'), mode: 0o644 },
    { kind: 'run', argv: ['sh', '-c', script, 'sh', root], changes: ['/etc/made'] },
    {
      kind: 'run',
      argv: ['sh', '-c', 'echo off > "$1/setting"', 'sh', root],
      changes: [],
      undo: [['sh', '-c', 'echo on > "$1/setting"; touch -d 2020-01-01 "$1/setting" "$1"', 'sh', root]],
    },
    { kind: 'write', path: '/etc/conf', sha256: hash('conf'), content: Buffer.from('# conf'), mode: 0o644 },
  ];
}

function commandRoot(): string {
  const root = plant({
    '/setting': 'on\n',
    '/etc/source/bad.pem': 'bad',
    '/etc/conf': 'conf',
    '/etc/made/a.pem': 'a',
    '/etc/made/b.pem': 'b',
    '/etc/made/old': { link: 'b.pem' },
  });
  chownSync(join(root, 'setting'), 0, 0);
  spawnSync('touch', ['-d', '2020-01-01', join(root, 'setting'), root]);
  return root;
}

describe.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)('with commands in it', () => {
  it('a removal that is killed can be undone from every point', { timeout: 240_000 }, async () => {
    const original = commandRoot();
    const before = treeAt(original, fully);
    const whole = copyOf(original);
    const { points } = runChild(child, { root: whole, base: fastDirectory(), actions: actionsIn(whole) });
    expect(points).toContain('run begun');
    for (const [index, point] of points.entries()) {
      const root = copyOf(original);
      const base = fastDirectory();
      runChild(child, { root, base, actions: actionsIn(root), killAt: index + 1 });
      await undoAll(base);
      expect(differences(before, treeAt(root, fully)), `${index + 1} (${point})`).toEqual([]);
      discard(root, base);
    }
  });

  it('an undo that is killed can be run again from every point', { timeout: 240_000 }, () => {
    const original = commandRoot();
    const before = treeAt(original, fully);
    const undoIn = (killAt?: number): readonly string[] => {
      const root = copyOf(original);
      const base = fastDirectory();
      runChild(child, { root, base, actions: actionsIn(root) });
      const journal = listJournals(base)[0]?.directory ?? '';
      if (killAt !== undefined) {
        expect(runChild(child, { root, base, undo: journal, killAt }).killed).toBe(true);
      }
      const { points } = runChild(child, { root, base, undo: journal });
      expect(differences(before, treeAt(root, fully)), `${killAt}`).toEqual([]);
      discard(root, base);
      return points;
    };
    const points = undoIn();
    expect(points.length).toBeGreaterThan(8);
    for (const [index] of points.entries()) undoIn(index + 1);
  });
});
