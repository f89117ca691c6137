/** Removals that are killed at any point, and trees that are compared with all that belongs to them. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { decodePath, encodePath } from '../../src/core/shell.ts';
import type { Order } from './removal-child.ts';
import { makeTemporaryDirectory } from './tree.ts';

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
export const hasAttributeTools = ['getfattr', 'setfattr', 'setfacl'].every(
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

/** An attribute that any user may set, and an access list. */
export function setAttributes(path: string, value: string): void {
  if (!hasAttributeTools) return;
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
