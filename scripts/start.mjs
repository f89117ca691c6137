// npm start [-- arguments of `rootaudit scan`]
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildIfStale, install, root } from './setup.mjs';

install();
buildIfStale();
const { status } = spawnSync(
  process.execPath,
  [join(root, 'bin/rootaudit.js'), 'scan', ...process.argv.slice(2)],
  {
    stdio: 'inherit',
  },
);
process.exitCode = status ?? 2;
