/** Does what the actions of a remediation say, in a root of a test: the plainest way there is. */

import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { sha256 } from '../../src/core/certificate.ts';
import type { Action } from '../../src/core/remediation.ts';
import { makeTemporaryDirectory } from './tree.ts';

interface Place {
  /** The path on this machine. */
  at(path: string): string;
}

/** Returns what it has not run: the update tools of the target. */
export function performActions(root: Place, actions: readonly Action[]): string[] {
  const left: string[] = [];
  for (const action of actions) {
    if (action.kind === 'run') left.push(action.argv.join(' '));
    else if (action.kind === 'edit') edit(root, action);
    else change(root, action);
  }
  return left;
}

/** Where links lead to, an action would touch another file than it names. */
function checked(root: Place, path: string, expected: string | null): string {
  const full = root.at(path);
  const directory = dirname(full);
  if (existsSync(directory) && realpathSync(directory) !== directory) throw new Error(`${path}: a link`);
  const found = existsSync(full) ? sha256(readFileSync(full)) : null;
  if (found !== expected) throw new Error(`${path} is not the file that was planned for`);
  return full;
}

function change(root: Place, action: Action & { kind: 'delete' | 'cut' | 'write' }): void {
  const path = checked(root, action.path, action.sha256);
  if (action.kind === 'delete') rmSync(path);
  else if (action.kind === 'cut') writeFileSync(path, without(readFileSync(path), action.ranges));
  else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, action.content, { mode: action.mode });
  }
}

function without(bytes: Buffer, ranges: (Action & { kind: 'cut' })['ranges']): Buffer {
  const kept: Buffer[] = [];
  let at = 0;
  for (const { start, end } of ranges) {
    if (start < at || end <= start || end > bytes.length) throw new Error(`not in order: ${start}..${end}`);
    kept.push(bytes.subarray(at, start));
    at = end;
  }
  return Buffer.concat([...kept, bytes.subarray(at)]);
}

function edit(root: Place, action: Action & { kind: 'edit' }): void {
  const directory = makeTemporaryDirectory();
  const copies = action.files.map(({ path, sha256: expected }) => {
    const copy = join(directory, basename(path));
    copyFileSync(checked(root, path, expected), copy);
    return { copy, path: root.at(path) };
  });
  const place = action.directory ? directory : join(directory, basename(action.path));
  for (const argv of [action.argv, ...(action.afterwards ?? [])]) {
    const [command = '', ...words] = argv.map((word) =>
      word.replaceAll(action.placeholder ?? '{}', () => place),
    );
    execFileSync(command, words, { stdio: 'pipe' });
  }
  for (const { copy, path } of copies) {
    if (existsSync(copy)) copyFileSync(copy, path);
    else rmSync(path);
  }
}

/** Every file below a directory with its content; copies that commands made are left out. */
export function contentsOf(directory: string): Map<string, string> {
  const paths = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('/rootaudit/backup/') && !path.includes('/backups/rootaudit/'));
  return new Map(
    paths.toSorted().map((path) => [path.slice(directory.length), readFileSync(path, 'latin1')]),
  );
}
