/** Removals that are killed at any point, and trees that are compared with all that belongs to them. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll } from 'vitest';
import { decodePath, encodePath } from '../../src/core/shell.ts';
import type { Order } from './removal-child.ts';
import { listJournals } from '../../src/removal/journal.ts';
import { undo } from '../../src/removal/undo.ts';
import { makeTemporaryDirectory, makeTree, type Node } from './tree.ts';

export type Tree = Readonly<Record<string, string>>;

/** Every path below `root` with kind, mode, owner, time to the nanosecond, content and, if wanted, extended attributes. */
export function treeAt(root: string, { withAttributes = false } = {}): Tree {
  const tree: Record<string, string> = {};
  const attributes = withAttributes ? attributesBelow(root) : {};
  const visit = (path: string): void => {
    const full = encodePath(root + path);
    const stat = lstatSync(full, { bigint: true });
    const owned = `${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${stat.mtimeNs} ${attributes[path] ?? ''}`;
    if (stat.isSymbolicLink()) tree[path] = `link ${owned} -> ${readlinkSync(full)}`;
    else if (stat.isDirectory()) {
      tree[path] = `directory ${owned}`;
      const names = readdirSync(full, { encoding: 'buffer' }).map(decodePath);
      for (const name of names.toSorted()) visit(`${path}/${name}`);
    } else {
      tree[path] = `file ${owned} ${createHash('sha256').update(readFileSync(full)).digest('hex')}`;
    }
  };
  visit('');
  return tree;
}

/** getfattr(1) and its family; without them nothing is said of attributes. */
const hasAttributeTools = ['getfattr', 'setfattr', 'setfacl'].every(
  (tool) => spawnSync(tool, ['--version']).status === 0,
);

/** With access lists and the labels of SELinux, which are attributes too. */
function attributesBelow(root: string): Readonly<Record<string, string>> {
  if (!hasAttributeTools) return {};
  const options = ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '--absolute-names'];
  const { stdout } = spawnSync('getfattr', [...options, root], { encoding: 'utf8' });
  return Object.fromEntries(
    stdout.split('\n\n').flatMap((block) => {
      const [head = '', ...lines] = block.trim().split('\n');
      const path = /^# file: (.*)$/.exec(head)?.[1];
      return path === undefined ? [] : [[path.slice(root.length), lines.toSorted().join(' ')]];
    }),
  );
}

/** An attribute that any user may set, an access list, and (where root runs this) a label as SELinux has them. */
export function setAttributes(path: string, value: string): void {
  if (!hasAttributeTools) return;
  spawnSync('setfattr', ['-n', 'security.selinux', '-v', 'system_u:object_r:cert_t:s0', path]);
  spawnSync('setfattr', ['-n', 'user.origin', '-v', value, path]);
  spawnSync('setfacl', ['-m', 'u:1000:r', path]);
}

/** The entry of a process that can be killed, built once for each test file. Returns its path. */
export async function buildChild(): Promise<string> {
  const file = join(makeTemporaryDirectory(), 'child.cjs');
  await build({
    entryPoints: [fileURLToPath(new URL('removal-child.ts', import.meta.url))],
    outfile: file,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    define: { 'import.meta.url': '__moduleUrl' },
    banner: { js: "const __moduleUrl=require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'silent',
  });
  return file;
}

export interface ChildRun {
  readonly killed: boolean;
  /** The points that it came by; empty for one that was killed. */
  readonly points: readonly string[];
}

/** Throws when the work fails by itself. */
export function runChild(child: string, order: Order): ChildRun {
  const actions = order.actions?.map((action) =>
    action.kind === 'write'
      ? { ...action, content: { base64: Buffer.from(action.content).toString('base64') } }
      : action,
  );
  const text = JSON.stringify({ ...order, actions });
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [child, text], { encoding: 'utf8' });
  if (signal === 'SIGKILL') return { killed: true, points: [] };
  if (status !== 0) throw new Error(stderr);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the child prints
  return { killed: false, points: JSON.parse(stdout) as string[] };
}

const made: string[] = [];
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

/** In memory where that can be: everything here is synced to the disk again and again. */
export function fastDirectory(): string {
  if (!existsSync('/dev/shm')) return makeTemporaryDirectory();
  const directory = mkdtempSync('/dev/shm/rootaudit-test-');
  made.push(directory);
  return directory;
}

/** With every time, owner and attribute. */
export function copyOf(root: string): string {
  const copy = fastDirectory();
  if (spawnSync('cp', ['-a', `${root}/.`, copy]).status !== 0) throw new Error(`no copy of ${root}`);
  return copy;
}

export function discard(...directories: readonly string[]): void {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
}

export function plant(files: Readonly<Record<string, Node>>): string {
  const root = copyOf(makeTree(files));
  markFiles(root);
  return root;
}

/** Gives each file a mode, an owner, a time, an attribute and an access list that nothing new would have. */
export function markFiles(root: string): void {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  for (const [index, entry] of entries.filter((each) => each.isFile()).entries()) {
    const full = join(entry.parentPath, entry.name);
    chmodSync(full, index % 2 === 0 ? 0o640 : 0o604);
    setAttributes(full, `number ${index}`);
    if (process.getuid?.() === 0) chownSync(full, 1234, 5678);
    spawnSync('touch', ['-d', `2020-01-02T03:04:05.${String(123456789 + index)}`, full]);
  }
}

export function differences(a: Tree, b: Tree): readonly string[] {
  const paths = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return paths.filter((path) => a[path] !== b[path]).map((path) => `${path}: ${a[path]} / ${b[path]}`);
}

export async function undoAll(base: string): Promise<void> {
  for (const { directory, status } of listJournals(base)) {
    if (status !== 'undone') await undo({ directory, now: new Date(), force: false });
  }
}
