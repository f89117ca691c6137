/** Removals that are killed at every point at which another state could be left, each in turn. */

import { spawnSync } from 'node:child_process';
import { expect } from 'vitest';
import { listStores } from '../../src/audit/list.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import type { TestCertificate } from './certificates.ts';
import {
  copyOf,
  differences,
  discard,
  fastDirectory,
  runChild,
  treeAt,
  undoAll,
  type Tree,
} from './removal.ts';

function stateOf(root: string, { besides = [] }: Pick<Crashing, 'besides'>): Tree {
  const tree = Object.entries(treeAt(root, { withAttributes: true }));
  return Object.fromEntries(tree.filter(([path]) => !besides.includes(path)));
}

/** "store SHA-256" of what is trusted; and that everything can be read. */
export function trustedIn(root: string): readonly string[] {
  const { stores, problems } = listStores({
    target: openDirectory(root),
    stores: STORE_TYPES,
    tool: { name: 'test', version: '0' },
    read: { storePasswords: [] },
    programs: () => [],
  });
  expect(problems).toEqual([]);
  return stores.flatMap(({ id, entries }) =>
    entries
      .filter(({ trust }) => trust === 'trusted')
      .map(({ certificate }) => `${id} ${certificate.sha256}`),
  );
}

export interface Crashing {
  /** The entry of the process that is killed. */
  readonly child: string;
  readonly original: string;
  /** With nothing but the certificate. */
  readonly blocklist: string;
  readonly certificate: Pick<TestCertificate, 'sha256'>;
  /** Has to be among the points. */
  readonly passes?: string;
  /** Paths that a tool of the system changes besides, such as its temporary directory. */
  readonly besides?: readonly string[];
  /** What a real tool has to say of each state. */
  readonly check?: (root: string) => void;
}

/**
 * From each point an undo leads back to what was; another removal leads to the end and, undone, back as well. No store
 * is ever unreadable, and nothing else is lost.
 */
export async function expectRecoveryFromEveryPoint(crashing: Crashing): Promise<void> {
  const { child, original, blocklist, passes = 'saved' } = crashing;
  const before = stateOf(original, crashing);
  const trusted = trustedIn(original);
  expect(trusted.some((line) => line.includes(crashing.certificate.sha256))).toBe(true);

  const whole = copyOf(original);
  const base = fastDirectory();
  const { points } = runChild(child, { root: whole, base, blocklist });
  expect(trustedIn(whole)).toEqual(withoutIt(trusted, crashing));
  await undoAll(base);
  expect(differences(before, stateOf(whole, crashing))).toEqual([]);
  discard(whole, base);
  expect(points.length).toBeGreaterThan(8);
  expect(points).toContain(passes);

  for (const [index, point] of points.entries()) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, so that little lies on the disk at once
    await expectRecoveryFrom(index + 1, point, { ...crashing, before, trusted });
  }
}

interface Before {
  readonly before: Tree;
  readonly trusted: readonly string[];
}

async function expectRecoveryFrom(killAt: number, point: string, crashing: Crashing & Before): Promise<void> {
  const { child, original, blocklist, before, trusted, check } = crashing;
  const where = `${killAt} (${point})`;
  const root = copyOf(original);
  const base = fastDirectory();
  expect(runChild(child, { root, base, blocklist, killAt }).killed, where).toBe(true);
  expect(othersIn(trustedIn(root), crashing), where).toEqual(othersIn(trusted, crashing));
  check?.(root);
  const [again, againBase] = [copyOf(root), copyOf(base)];

  await undoAll(base);
  expect(differences(before, stateOf(root, crashing)), `undo after ${where}`).toEqual([]);

  // The journal names the root that it is about.
  discard(root, base);
  spawnSync('mv', [again, root]);
  spawnSync('mv', [againBase, base]);
  runChild(child, { root, base, blocklist });
  expect(trustedIn(root), where).toEqual(withoutIt(trusted, crashing));
  check?.(root);
  await undoAll(base);
  expect(differences(before, stateOf(root, crashing)), `again after ${where}`).toEqual([]);
  discard(root, base);
}

function withoutIt(lines: readonly string[], { certificate }: Crashing): readonly string[] {
  return lines.filter((line) => !line.includes(certificate.sha256));
}

function othersIn(lines: readonly string[], crashing: Crashing): readonly string[] {
  return [...new Set(withoutIt(lines, crashing))].toSorted();
}
