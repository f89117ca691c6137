/** Roots that can be entered with chroot, made of this machine's own files: no network, no package manager. */

import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { makeTemporaryDirectory } from '../../support/tree.ts';
import { findTool, run, succeeds } from './tools.ts';

/** What the shell scripts of the distributions call. */
const BASICS = [
  'sh',
  'basename',
  'cat',
  'chmod',
  'cp',
  'find',
  'grep',
  'ln',
  'ls',
  'mkdir',
  'mktemp',
  'mv',
  'openssl',
  'readlink',
  'rm',
  'run-parts',
  'sed',
  'sort',
  'test',
  'touch',
  'wc',
];

const LIBRARY_DIRECTORIES = ['/usr/lib', '/usr/lib64'];

/** A library below the directories of the architectures: "pkcs11/p11-kit-trust.so". */
export function findLibrary(name: string): string | undefined {
  const directories = LIBRARY_DIRECTORIES.flatMap((directory) =>
    existsSync(directory) ? [directory, ...readdirSync(directory).map((each) => join(directory, each))] : [],
  );
  return directories.map((directory) => join(directory, name)).find((path) => existsSync(path));
}

/** A root with a shell, the given tools, and the given files and directories of this machine. */
export function makeChroot(tools: readonly string[], paths: readonly string[] = []): string {
  const root = makeTemporaryDirectory();
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(root, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  for (const directory of ['tmp', 'dev', 'etc/ssl/certs', 'usr/local/share/ca-certificates', 'root']) {
    mkdirSync(join(root, directory), { recursive: true });
  }
  // A file is enough: what is written to it is never read.
  writeFileSync(join(root, 'dev/null'), '');
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  const copied = new Set<string>();
  for (const tool of [...BASICS, ...tools]) copyProgram(root, tool, copied);
  for (const path of paths) copyIn(root, path, copied);
  return root;
}

function copyProgram(root: string, tool: string, copied: Set<string>): void {
  const path = tool.startsWith('/') ? tool : findTool(tool);
  if (path === undefined) throw new Error(`${tool} is not installed`);
  copyIn(root, path, copied);
  // A script has no libraries.
  if (!succeeds('ldd', [path])) return;
  for (const [, library] of run('ldd', [path]).matchAll(/(\/\S+) \(0x/g)) {
    if (library !== undefined) copyIn(root, library, copied);
  }
}

function copyIn(root: string, path: string, copied: Set<string>): void {
  if (copied.has(path)) return;
  copied.add(path);
  const destination = join(root, path);
  if (existsSync(destination)) return;
  mkdirSync(dirname(destination), { recursive: true });
  cpSync(realpathSync(path), destination, {
    recursive: true,
    preserveTimestamps: true,
    verbatimSymlinks: true,
  });
}

/** A copy with all modes, times and links. */
export function copyRoot(root: string): string {
  const copy = makeTemporaryDirectory();
  run('cp', ['-a', `${root}/.`, copy]);
  return copy;
}

/** Standard output of a command inside the root. */
export function inside(root: string, command: string, ...args: readonly string[]): string {
  return run('chroot', [root, command, ...args]);
}

export function succeedsInside(root: string, command: string, ...args: readonly string[]): boolean {
  return succeeds('chroot', [root, command, ...args]);
}
