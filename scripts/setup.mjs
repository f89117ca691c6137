// What `npm start` and `npm test` need beforehand: the dependencies, and a build that is not older than its sources.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a command in the project; ends this process when it fails. Its output goes to standard error. */
function must(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status === 0) return;
  console.error(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`);
  process.exit(2);
}

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function modified(path) {
  return existsSync(join(root, path)) ? statSync(join(root, path)).mtimeMs : 0;
}

export function install() {
  const stale = modified('node_modules/.package-lock.json') < modified('package-lock.json');
  if (stale) must('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

export function buildIfStale() {
  const sources = ['src', 'blocklists', 'package.json', 'scripts/build.mjs'].map((path) =>
    newest(join(root, path)),
  );
  if (modified('dist/blocklist.json') < Math.max(...sources)) must('npm', ['run', '--silent', 'build']);
}
