// The tools of Debian that test/system holds rootaudit against. What is missing is installed with apt.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Command to the package that has it. */
const COMMANDS = {
  'update-ca-certificates': 'ca-certificates',
  openssl: 'openssl',
  certutil: 'libnss3-tools',
  trust: 'p11-kit',
  keytool: 'default-jre-headless',
  sqlite3: 'sqlite3',
  dash: 'dash',
};

const DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** p11-kit's module has no command of its own. */
function hasTrustModule() {
  const directories = existsSync('/usr/lib') ? readdirSync('/usr/lib') : [];
  return ['', ...directories].some((name) => existsSync(join('/usr/lib', name, 'pkcs11/p11-kit-trust.so')));
}

function isThere(command) {
  return DIRECTORIES.some((directory) => existsSync(join(directory, command)));
}

/** Never fails: tests whose tool is missing are skipped, and say which. */
export function installSystemTools() {
  const packages = [
    ...Object.keys(COMMANDS)
      .filter((command) => !isThere(command))
      .map((command) => COMMANDS[command]),
    ...(hasTrustModule() ? [] : ['p11-kit-modules']),
  ];
  if (packages.length === 0) return;
  const missing = `${packages.join(', ')} missing: tests that need them are skipped`;
  if (process.platform !== 'linux' || !isThere('apt-get')) {
    console.error(`${missing}; there is no apt to install them.`);
    return;
  }
  if (process.getuid?.() !== 0) {
    console.error(`${missing}; run as root, or: apt-get install ${packages.join(' ')}`);
    return;
  }
  console.error(`installing ${packages.join(', ')}`);
  const install = ['install', '--yes', '--quiet=2', '--no-install-recommends', ...packages];
  if (!apt('update', '--quiet=2') || !apt(...install)) console.error(`${missing}; apt-get failed.`);
}

function apt(...args) {
  const { status } = spawnSync('apt-get', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return status === 0;
}
