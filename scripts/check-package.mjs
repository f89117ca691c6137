// npm run package: what npm would publish, looked at with publint and "are the types wrong".
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildIfStale, root } from './setup.mjs';

buildIfStale();
const directory = mkdtempSync(join(tmpdir(), 'rootaudit-package-'));
try {
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', directory]);
  const [name] = readdirSync(directory);
  if (name === undefined) throw new Error('npm pack wrote nothing');
  const file = join(directory, name);
  tool('publint/src/cli.js', ['run', file, '--strict']);
  // There are ES modules only: what CommonJS would make of them is not asked.
  tool('@arethetypeswrong/cli/dist/index.js', [file, '--profile', 'esm-only', '--no-emoji']);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function tool(script, args) {
  run(process.execPath, [join(root, 'node_modules', script), ...args]);
}

function run(command, args) {
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (status !== 0) process.exitCode = 1;
}
