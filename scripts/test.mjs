// npm test [-- arguments of vitest]; with --system the tests that need Debian's own tools, which are installed first.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildIfStale, install, root } from './setup.mjs';

const args = process.argv.slice(2);
const system = args.includes('--system');

install();
buildIfStale();
if (system) (await import('./system-tools.mjs')).installSystemTools();
const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--config',
    join(root, system ? 'test/system/vitest.config.ts' : 'test/vitest.config.ts'),
    ...args.filter((arg) => arg !== '--system'),
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 2;
