/** Temporary directory trees for tests; removed when the test file ends. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';

const made: string[] = [];

afterAll(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
});

export function makeTemporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'rootaudit-test-'));
  made.push(directory);
  return directory;
}

/** What lies at a path: text or bytes of a file, or a link. */
export type Node = string | Uint8Array | { readonly link: string };

/** Makes the files and links (paths begin with `/`, below the new directory) and returns the directory. */
export function makeTree(tree: Readonly<Record<string, Node>>): string {
  const root = makeTemporaryDirectory();
  for (const [path, node] of Object.entries(tree)) {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    if (typeof node === 'string' || node instanceof Uint8Array) writeFileSync(full, node);
    else symlinkSync(node.link, full);
  }
  return root;
}
