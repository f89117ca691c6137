/**
 * A removal, and an undo, killed at every point at which another state could be left, each in turn: an undo leads back
 * to what was, and another removal to the end and, undone, back as well.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listStores } from '../../src/audit/list.ts';
import type { Action } from '../../src/core/remediation.ts';
import { listJournals } from '../../src/removal/journal.ts';
import { undo } from '../../src/removal/undo.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { addToNss, hasCertutil, makeNssDatabase, unless } from '../support/nss.ts';
import { buildChild, runChild, setAttributes, treeAt, type Tree } from '../support/removal.ts';
import { makeTemporaryDirectory, makeTree, type Node } from '../support/tree.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
const good = makeCertificate({ subject: { CN: 'Good Root' } });
const other = makeCertificate({ subject: { CN: 'Other Root' } });
const blocklist = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [advisory({ id: 'planted', severity: 'critical', certificates: [blocked(bad)] })],
  certificates: [bad.der],
});

let child = '';
beforeAll(async () => {
  child = await buildChild();
});

const made: string[] = [];
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

/** In memory where that can be: everything here is synced to the disk again and again. */
function fastDirectory(): string {
  if (!existsSync('/dev/shm')) return makeTemporaryDirectory();
  const directory = mkdtempSync('/dev/shm/rootaudit-test-');
  made.push(directory);
  return directory;
}

/** With every time, owner and attribute. */
function copyOf(root: string): string {
  const copy = fastDirectory();
  expect(spawnSync('cp', ['-a', `${root}/.`, copy]).status).toBe(0);
  return copy;
}

function discard(...directories: readonly string[]): void {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
}

function plant(files: Readonly<Record<string, Node>>): string {
  const root = copyOf(makeTree(files));
  const paths = Object.keys(files).filter((path) => typeof files[path] === 'string');
  for (const [index, path] of paths.entries()) {
    const full = join(root, path);
    chmodSync(full, index % 2 === 0 ? 0o640 : 0o604);
    setAttributes(full, `number ${index}`);
    if (process.getuid?.() === 0) chownSync(full, 1234, 5678);
    spawnSync('touch', ['-d', `2020-01-02T03:04:05.${String(123456789 + index)}`, full]);
  }
  return root;
}

function nssRoot(): string {
  const root = fastDirectory();
  const database = join(root, 'home/alice/.pki/nssdb');
  makeNssDatabase(database);
  addToNss(database, bad, 'Planted Root', 'C,,');
  addToNss(database, good, 'Good Root', 'C,,');
  return root;
}

const layouts: Readonly<Record<string, () => string>> = {
  'the layout of Debian': () =>
    plant({
      '/etc/os-release': 'ID=debian\n',
      '/etc/ca-certificates.conf': '# comment\nmozilla/Good.crt\n',
      '/usr/share/ca-certificates/mozilla/Good.crt': good.pem,
      '/usr/local/share/ca-certificates/planted.crt': bad.pem,
      '/etc/ssl/certs/ca-certificates.crt': good.pem + bad.pem + other.pem,
      '/etc/ssl/certs/Good.pem': { link: '/usr/share/ca-certificates/mozilla/Good.crt' },
      '/etc/ssl/certs/planted.pem': { link: '/usr/local/share/ca-certificates/planted.crt' },
    }),
  'a package of p11-kit': () =>
    plant({
      '/etc/pki/ca-trust/source/anchors/good.pem': good.pem,
      '/usr/share/pki/ca-trust-source/anchors/bundle.pem': bad.pem + other.pem,
    }),
  [`an NSS database${unless(hasCertutil, 'certutil')}`]: nssRoot,
};

const fully = { withAttributes: true };

function differences(a: Tree, b: Tree): readonly string[] {
  const paths = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return paths.filter((path) => a[path] !== b[path]).map((path) => `${path}: ${a[path]} / ${b[path]}`);
}

/** "store SHA-256" of what is trusted; and that everything can be read. */
function trustedIn(root: string): readonly string[] {
  const { stores, problems } = listStores({
    target: openDirectory(root),
    stores: STORE_TYPES,
    tool: { name: 'test', version: '0' },
    read: { storePasswords: [] },
  });
  expect(problems).toEqual([]);
  return stores.flatMap(({ id, entries }) =>
    entries
      .filter(({ trust }) => trust === 'trusted')
      .map(({ certificate }) => `${id} ${certificate.sha256}`),
  );
}

const othersOf = (lines: readonly string[]): readonly string[] =>
  [...new Set(lines.filter((line) => !line.includes(bad.sha256)))].toSorted();

async function undoAll(base: string): Promise<void> {
  for (const { directory, status } of listJournals(base)) {
    if (status !== 'undone') await undo({ directory, now: new Date(), force: false });
  }
}

describe.skipIf(process.platform !== 'linux')('a removal that is killed', () => {
  it.each(Object.entries(layouts))(
    'in %s can be undone, or done again, from every point',
    { timeout: 240_000 },
    async (name, make) => {
      if (name.includes('skipped')) return;
      const original = make();
      const before = treeAt(original, fully);
      const trusted = trustedIn(original);
      expect(trusted.some((line) => line.includes(bad.sha256))).toBe(true);

      const whole = copyOf(original);
      const base = fastDirectory();
      const { points } = runChild(child, { root: whole, base, blocklist });
      expect(trustedIn(whole)).toEqual(trusted.filter((line) => !line.includes(bad.sha256)));
      await undoAll(base);
      expect(differences(before, treeAt(whole, fully))).toEqual([]);
      expect(points.length).toBeGreaterThan(8);

      for (const [index, point] of points.entries()) {
        const where = `${index + 1} (${point})`;
        const root = copyOf(original);
        const base = fastDirectory();
        expect(runChild(child, { root, base, blocklist, killAt: index + 1 }).killed, where).toBe(true);
        // Nothing else is lost, and every store can be read.
        expect(othersOf(trustedIn(root)), where).toEqual(othersOf(trusted));
        const [again, againBase] = [copyOf(root), copyOf(base)];

        await undoAll(base);
        expect(differences(before, treeAt(root, fully)), `undo after ${where}`).toEqual([]);

        // The journal names the root that it is about.
        discard(root, base);
        spawnSync('mv', [again, root]);
        spawnSync('mv', [againBase, base]);
        runChild(child, { root, base, blocklist });
        expect(trustedIn(root), where).toEqual(trusted.filter((line) => !line.includes(bad.sha256)));
        await undoAll(base);
        expect(differences(before, treeAt(root, fully)), `again after ${where}`).toEqual([]);
        discard(root, base);
      }
    },
  );
});

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
