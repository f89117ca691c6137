// npm run recall: plants every certificate in a store of each type, and prints how many of them are found.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildIfStale, install, root } from './setup.mjs';
import { installSystemTools } from './system-tools.mjs';

install();
buildIfStale();
installSystemTools();
const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--config',
    join(root, 'test/system/vitest.config.ts'),
    '--reporter=dot',
    join(root, 'test/system/recall.test.ts'),
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 2;
