/**
 * The scripts of `rootaudit remove --script`, done by what they are for: dash on a Debian root with several stores,
 * Ansible, cmd.exe in Wine, and the lines of a Dockerfile in an image. PowerShell itself is not run: a grammar of it
 * that is not ours reads the script.
 */

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateFrom, sha1Of } from '../../src/core/certificate.ts';
import type { Action } from '../../src/core/remediation.ts';
import type { Target } from '../../src/core/target.ts';
import { canQuoteCmd } from '../../src/core/windows-shell.ts';
import { writeScript } from '../../src/scripts/index.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { instructionsIn, shellCommand } from '../support/dockerfile.ts';
import { CANARY, HOSTILE_NAMES } from '../support/hostile-names.ts';
import { jks, jksTrusted } from '../support/keystores.ts';
import { addToNss, makeNssDatabase } from '../support/nss.ts';
import { a, b, REMOVAL_CASES } from '../support/removal-cases.ts';
import { treeAt } from '../support/removal.ts';
import { makeRoot, type TestRoot } from '../support/root.ts';
import { rootaudit, scanReport } from '../support/rootaudit.ts';
import { inputOf, planOfActions, scriptFor, windowsMachine } from '../support/scripts.ts';
import { runShell, savedScript, SHELLS } from '../support/shells.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import { certificateBlob } from '../support/windows.ts';
import { copyRoot, inside, makeChroot } from './support/chroot.ts';
import { blocklistOf } from './support/lifecycle.ts';
import { describeWith, findTool, PYTHON_TOOLS, run, succeeds, TOOL_ENVIRONMENT } from './support/tools.ts';
import { hasWine, Wine } from './support/wine.ts';

const bad = makeCertificate({ subject: { C: 'KZ', O: 'State', CN: 'Planted Root' } });
const good = makeCertificate({ subject: { CN: 'Neighbour' } });
const blocklist = blocklistOf(bad);

const LOCAL = '/usr/local/share/ca-certificates';
const CERTIFI = '/usr/lib/python3/dist-packages/certifi/cacert.pem';
const NSS = '/root/.pki/nssdb';
const KAFKA = '/etc/kafka/trust.jks';
const POLICY = '/etc/chromium/policies/managed/p.json';
const base64 = ({ der }: TestCertificate): string => der.toString('base64');

/** A Debian with the root in six stores, and what its own tool has made of them. */
function debian(tools: readonly string[]): string {
  const root = makeChroot(['update-ca-certificates', 'head', 'tail', 'sha256sum', ...tools]);
  const put = (path: string, content: string | Buffer): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  put('/etc/ca-certificates.conf', '# none\n');
  mkdirSync(join(root, '/usr/share/ca-certificates'), { recursive: true });
  put(`${LOCAL}/it's "planted".crt`, bad.pem);
  put(`${LOCAL}/both.crt`, `# one\n${good.pem}# two\n${bad.pem}# end\n`);
  put(CERTIFI, `${bad.pem}\n${good.pem}`);
  put(KAFKA, jks([jksTrusted('$(touch ran)', bad.der), jksTrusted('good', good.der)]));
  put(POLICY, JSON.stringify({ CACertificates: [bad, good].map(base64) }));
  mkdirSync(join(root, NSS), { recursive: true });
  makeNssDatabase(join(root, NSS));
  addToNss(join(root, NSS), bad, '`touch ran`', 'C,,');
  addToNss(join(root, NSS), good, 'good', 'C,,');
  // The second run links what the first has made.
  for (const _ of [1, 2]) inside(root, 'update-ca-certificates', '--fresh');
  return root;
}

const scanOf = (root: string): unknown => {
  const { exitCode, findings, problems } = scanReport(['--root', root, '--blocklist', blocklist]);
  return { exitCode, findings: findings.filter(({ status }) => status === 'trusted'), problems };
};
const CLEAN = { exitCode: 0, findings: [], problems: [] };

/** Without what tools leave in /tmp, and in a /dev/null that is a file here. */
function treeOf(root: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(treeAt(root)).filter(([path]) => !path.startsWith('/tmp') && !path.startsWith('/dev')),
  );
}

const NEEDS = ['root', 'chroot', 'update-ca-certificates', 'openssl', 'certutil', 'keytool', 'dash'];

describeWith([...NEEDS, 'shellcheck'], 'a script for sh', () => {
  it('cleans a Debian root, again changes nothing, and puts everything back byte for byte', () => {
    const root = debian([]);
    expect(scanOf(root)).toMatchObject({ exitCode: 1, problems: [] });
    const before = treeOf(root);
    const script = join(makeTemporaryDirectory(), 'clean.sh');
    const backup = makeTemporaryDirectory();
    const { status, stdout, stderr } = rootaudit([
      'remove',
      '--root',
      root,
      '--blocklist',
      blocklist,
      '--script',
      'sh',
      '-o',
      script,
    ]);
    expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: '', stderr: '' });
    run('shellcheck', [script]);
    const dash = SHELLS.find(({ name }) => name === 'dash');
    if (!dash) throw new Error('no dash');

    expect(runShell(dash, script, [], { backup })).toMatchObject({ status: 0 });
    expect(scanOf(root)).toEqual(CLEAN);
    const after = treeAt(root);
    expect(runShell(dash, script, [], { backup })).toMatchObject({ status: 0 });
    expect(treeAt(root)).toEqual(after);
    expect(runShell(dash, script, ['undo'], { backup })).toMatchObject({ status: 0 });
    expect(treeOf(root)).toEqual(before);
    expect(scanOf(root)).toMatchObject({ exitCode: 1 });
  });

  it('of every store satisfies shellcheck', async () => {
    const going = [a.sha256, b.sha256];
    const files: string[] = [];
    for (const { files: inRoot, prepare } of REMOVAL_CASES.filter(({ needs = true }) => needs)) {
      const root = makeRoot(inRoot());
      prepare?.(root);
      files.push(savedScript(await scriptFor('sh', root.target, going)));
    }
    run('shellcheck', files);
  });
});

describe('a script for sh that is killed', () => {
  const stores = new Set(['rhel-anchors', 'chrome-policy', 'chrome-user']);
  const combined = REMOVAL_CASES.filter(({ store, needs = true }) => needs && stores.has(store));
  const going = [a.sha256, b.sha256];

  it('at any moment can be run again, and undone', async () => {
    const root: TestRoot = makeRoot(Object.assign({}, ...combined.map(({ files }) => files())));
    const before = untimed(treeAt(root.path));
    const text = await scriptFor('sh', root.target, going);
    const script = savedScript(text);
    const [shell] = SHELLS;
    if (!shell) throw new Error('no shell');
    const whole = makeTemporaryDirectory();
    runShell(shell, script, [], { backup: whole });
    const after = untimed(treeAt(root.path));
    runShell(shell, script, ['undo'], { backup: whole });
    // Before every line that writes something down, and before each that puts something in its place.
    const moments = [...text.matchAll(/^ +(?:record|mv|cp|mkdir|rm|cat) .*$/gm)].map(({ index }) => index);
    expect(moments.length).toBeGreaterThan(20);
    for (const moment of moments) {
      const killed = savedScript(`${text.slice(0, moment)}\nkill -9 $$\n${text.slice(moment)}`);
      const backup = makeTemporaryDirectory();
      runShell(shell, killed, [], { backup });
      runShell(shell, script, ['undo'], { backup });
      expect(untimed(treeAt(root.path))).toEqual(before);
      runShell(shell, killed, [], { backup });
      runShell(shell, script, [], { backup });
      expect(untimed(treeAt(root.path))).toEqual(after);
      runShell(shell, killed, ['undo'], { backup });
      runShell(shell, script, ['undo'], { backup });
      expect(untimed(treeAt(root.path))).toEqual(before);
    }
  });
});

/** A directory that something came into and left has another time. */
function untimed(tree: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tree).map(([path, text]) => [path, text.replace(/( \d+:\d+) \d+/, '$1')]),
  );
}

describeWith([...NEEDS, 'umoci'], 'the lines of a Dockerfile', () => {
  /** What a builder does with them, in the root itself. */
  function build(root: string, text: string): void {
    const found = instructionsIn(text).filter(({ word }) => word === 'RUN');
    for (const instruction of found) inside(root, 'sh', '-e', '-c', shellCommand(instruction));
  }

  /** The root as an image, with the history that a build leaves. */
  function imageOf(root: string): string {
    const layout = join(makeTemporaryDirectory(), 'layout');
    const [image, bundle] = [`${layout}:app`, join(makeTemporaryDirectory(), 'bundle')];
    run('umoci', ['init', '--layout', layout]);
    run('umoci', ['new', '--image', image]);
    run('umoci', ['unpack', '--image', image, bundle]);
    cpSync(root, join(bundle, 'rootfs'), { recursive: true, verbatimSymlinks: true });
    run('umoci', [
      'repack',
      '--image',
      image,
      '--history.created_by',
      'COPY corp.crt /usr/local/share/',
      bundle,
    ]);
    return `oci:${image}`;
  }

  const remove = (image: string, ...args: readonly string[]): ReturnType<typeof rootaudit> =>
    rootaudit(['remove', '--image', image, '--blocklist', blocklist, ...args]);
  const scanImage = (image: string): ReturnType<typeof scanReport> =>
    scanReport([image, '--blocklist', blocklist]);

  let root = '';
  let image = '';
  beforeAll(() => {
    root = debian([]);
    image = imageOf(root);
  });

  it('tell which instruction brought the root, and make an image that scans clean', () => {
    expect(scanImage(image).exitCode).toBe(1);
    const { status, stdout } = remove(image, '--script', 'dockerfile');
    expect(status).toBe(1);
    expect(stdout).toContain('COPY corp.crt');
    for (const tool of ['keytool', 'certutil']) expect(stdout).toContain(`# ${tool} is not in the image`);
    const copy = copyRoot(root);
    build(copy, stdout);
    // What the image has no tool for is left, as the comment says.
    const left = scanImage(imageOf(copy)).findings.flatMap(({ locations }) => locations);
    expect(left.map(({ path }) => path).toSorted()).toEqual([KAFKA, `${NSS}/cert9.db`]);
    expect(readFileSync(join(copy, CERTIFI), 'utf8')).toContain(good.pem.trim());
    expect(existsSync(join(copy, CANARY))).toBe(false);
  });

  it('of a scan do the same', () => {
    const lines = scanImage(image).findings.flatMap(({ remediations }) =>
      remediations.flatMap(({ dockerfile = [] }) => [...dockerfile]),
    );
    const copy = copyRoot(root);
    build(copy, lines.join('\n'));
    const left = scanImage(imageOf(copy)).findings.flatMap(({ locations }) => locations);
    expect(left.map(({ path }) => path).toSorted()).toEqual([KAFKA, `${NSS}/cert9.db`]);
  });

  it('are what a scan shows instead of commands for this machine', () => {
    const { stdout } = rootaudit(['scan', image, '--blocklist', blocklist]);
    expect(stdout).toContain('Remove, in a Dockerfile, as root:');
    expect(stdout).toContain('RUN update-ca-certificates --fresh');
    expect(stdout).not.toContain('mkdir -p /var/backups');
  });

  it('are not written over the image itself', () => {
    const { status, stderr } = remove(image, '--apply', '--yes');
    expect(status).toBe(2);
    expect(stderr).toContain('an image is not changed');
    expect(remove(image, '--script', 'sh')).toMatchObject({ status: 2 });
    expect(remove(image).stdout).toContain('--script dockerfile writes what builds one without them');
  });
});

/** The second number of its version 2; 0 where there is none. */
function ansibleIn(directory: string): number {
  const isWhole = ['ansible-playbook', 'ansible-lint'].every((name) => existsSync(join(directory, name)));
  if (!isWhole) return 0;
  const { stdout } = spawnSync(join(directory, 'ansible-playbook'), ['--version'], { encoding: 'utf8' });
  return Number(/core 2\.(\d+)/.exec(stdout)?.[1] ?? 0);
}

const OLDEST = 16;
const systemAnsible = dirname(findTool('ansible-playbook') ?? '/nonexistent/x');
/** Debian 12 has 2.14. */
const isOld = ((minor) => minor > 0 && minor < OLDEST)(ansibleIn(systemAnsible));
const ansible = [PYTHON_TOOLS, systemAnsible].find((directory) => ansibleIn(directory) >= OLDEST);

describe.skipIf(!isOld)('a playbook, where Ansible is too old', () => {
  it('stops before it touches anything', async () => {
    const { path: root } = makeRoot({
      '/etc/os-release': 'ID=debian\n',
      '/usr/local/share/ca-certificates/a.crt': bad.pem,
    });
    const before = readdirSync(root, { recursive: true });
    const file = join(makeTemporaryDirectory(), 'playbook.yml');
    writeFileSync(file, await scriptFor('ansible', openDirectory(root), [bad.sha256]));
    const backup = join(makeTemporaryDirectory(), 'backup');
    const variables = JSON.stringify({ ansible_become: false, rootaudit_backup: backup });
    const words = ['-i', 'localhost,', '-c', 'local', '-e', variables, file];
    const { status, stdout } = spawnSync(join(systemAnsible, 'ansible-playbook'), words, {
      encoding: 'utf8',
      env: { ...TOOL_ENVIRONMENT, HOME: makeTemporaryDirectory(), LC_ALL: 'C.UTF-8' },
    });
    expect(status).toBe(2);
    expect(stdout).toContain('needs ansible-core 2.16');
    expect(readdirSync(root, { recursive: true })).toEqual(before);
    expect(existsSync(backup)).toBe(false);
  });
});

describe.skipIf(ansible === undefined)(`a playbook (needs ansible-core 2.${OLDEST} and ansible-lint)`, () => {
  const at = (name: string): string => join(ansible ?? '', name);
  const python = existsSync(at('python')) ? at('python') : '/usr/bin/python3';
  const environment = {
    ...TOOL_ENVIRONMENT,
    PATH: `${ansible}:${TOOL_ENVIRONMENT.PATH}`,
    HOME: makeTemporaryDirectory(),
  };

  function play(
    file: string,
    backup: string,
    ...args: readonly string[]
  ): { changed: number; output: string } {
    const variables = { ansible_become: false, ansible_python_interpreter: python, rootaudit_backup: backup };
    const words = ['-i', 'localhost,', '-c', 'local', '-e', JSON.stringify(variables), ...args, file];
    const { status, stdout, stderr } = spawnSync(at('ansible-playbook'), words, {
      env: environment,
      encoding: 'utf8',
    });
    expect({ status, stdout: status === 0 ? '' : stdout, stderr: status === 0 ? '' : stderr }).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
    return { changed: Number(/changed=(\d+)/.exec(stdout)?.[1]), output: stdout };
  }

  function saved(text: string): string {
    const file = join(makeTemporaryDirectory(), 'playbook.yml');
    writeFileSync(file, text);
    return file;
  }

  /** Without a link to the bundle itself, which openssl makes or not as the bundle was there before. */
  const contents = (root: string): Record<string, string> =>
    Object.fromEntries(
      Object.entries(untimed(treeOf(root))).filter(([, text]) => !text.endsWith('-> ca-certificates.crt')),
    );

  it('cleans a Debian root, tells beforehand, again changes nothing, and puts everything back', async () => {
    const root = debian([]);
    const before = contents(root);
    const file = saved(await scriptFor('ansible', openDirectory(root), [bad.sha256]));
    const backup = join(makeTemporaryDirectory(), 'backup');
    expect(play(file, backup, '--check').changed).toBeGreaterThan(5);
    expect(contents(root)).toEqual(before);
    expect(play(file, backup).changed).toBeGreaterThan(5);
    expect(scanOf(root)).toEqual(CLEAN);
    const after = treeAt(root);
    expect(play(file, backup).changed).toBe(0);
    expect(treeAt(root)).toEqual(after);
    play(file, backup, '--tags', 'undo');
    expect(contents(root)).toEqual(before);
  });

  it('satisfies ansible-lint, whatever store it is for', async () => {
    const files: string[] = [];
    for (const { files: inRoot, prepare } of REMOVAL_CASES.filter(({ needs = true }) => needs)) {
      const root = makeRoot(inRoot());
      prepare?.(root);
      files.push(saved(await scriptFor('ansible', root.target, [a.sha256, b.sha256])));
    }
    const { status, stdout } = spawnSync(
      at('ansible-lint'),
      ['--offline', '--profile', 'production', ...files],
      {
        env: environment,
        cwd: makeTemporaryDirectory(),
        encoding: 'utf8',
      },
    );
    expect({ status, stdout: status === 0 ? '' : stdout }).toEqual({ status: 0, stdout: '' });
  });

  it('hands hostile names to programs as they are, and runs none of them', async () => {
    const words = HOSTILE_NAMES.filter((name) => !name.includes('\0') && !/[\ud800-\udfff]/u.test(name));
    const file = join(makeTemporaryDirectory(), 'words');
    const program = String.raw`file=$1; shift; printf '%s\0' "$@" > "$file"`;
    const noting: Action = { kind: 'run', argv: ['sh', '-c', program, 'sh', file, ...words], changes: [] };
    const plan = planOfActions([noting], HOSTILE_NAMES.join(' '), {
      kind: 'directory',
      reference: 'x',
      platform: 'linux',
    });
    play(saved(await writeScript('ansible', inputOf(plan, ''))), join(makeTemporaryDirectory(), 'backup'));
    const found = readFileSync(file, 'latin1').split('\0').slice(0, -1);
    const expected = words.map((word) => Buffer.from(word).toString('latin1'));
    expect(found).toEqual(expected);
    expect(readdirSync('.').filter((name) => name === CANARY)).toEqual([]);
  });
});

const python = join(PYTHON_TOOLS, 'python');
const parses = existsSync(python) && succeeds(python, ['-c', 'import tree_sitter_powershell']);

describe.skipIf(!parses)(`a script for PowerShell${parses ? '' : ' (needs tree-sitter-powershell)'}`, () => {
  const check = [
    'import sys, tree_sitter_powershell as grammar',
    'from tree_sitter import Language, Parser',
    'tree = Parser(Language(grammar.language())).parse(open(sys.argv[1], "rb").read())',
    'sys.exit(1 if tree.root_node.has_error else 0)',
  ].join('\n');

  it('has no mistake of grammar, whatever names are in it', async () => {
    const words = HOSTILE_NAMES.filter((name) => !name.includes('\0'));
    const steps: readonly Action[] = [
      { kind: 'delete', path: '/C:/x', sha256: '0' },
      { kind: 'write', path: '/C:/y', sha256: null, content: Buffer.from('x'), mode: 0o644 },
      {
        kind: 'edit',
        path: '/C:/z',
        directory: false,
        files: [{ path: '/C:/z', sha256: '0' }],
        argv: ['keytool', ...words],
      },
      { kind: 'run', argv: ['reg', ...words], changes: [], undo: [['reg', ...words]] },
    ];
    const plan = planOfActions(steps, HOSTILE_NAMES.join(' '), {
      kind: 'live',
      reference: '/',
      platform: 'win32',
    });
    const file = savedScript(await writeScript('powershell', inputOf(plan, '')));
    expect(readFileSync(file, 'latin1')).toMatch(/^[\x20-\x7e\n]+$/);
    expect(succeeds(python, ['-c', check, file])).toBe(true);
  });
});

describe.skipIf(!hasWine)(`a batch file${hasWine ? '' : ' (needs wine)'}`, () => {
  let wine: Wine;
  beforeAll(() => {
    wine = new Wine();
  });
  afterAll(() => {
    wine.remove();
  });

  const ROOTS = String.raw`HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates`;
  const blob = certificateBlob(bad.der);
  const environment = { SystemRoot: String.raw`C:\windows`, ProgramData: String.raw`C:\ProgramData` };
  const machine = (key: string): Target => windowsMachine({ environment, keys: { [key]: { Blob: blob } } });
  const plant = (key: string, content: Buffer): void => {
    wine.must('reg', 'add', key, '/v', 'Blob', '/t', 'REG_BINARY', '/d', content.toString('hex'), '/f');
  };
  const holds = (key: string): boolean => wine.run('reg', 'query', key, '/v', 'Blob').status === 0;
  const runCmd = (text: string, ...args: readonly string[]): ReturnType<Wine['run']> => {
    writeFileSync(join(wine.prefix, 'drive_c', 'clean.cmd'), text);
    return wine.run('cmd', '/c', String.raw`C:\clean.cmd`, ...args);
  };
  const sha1 = sha1Of(certificateFrom(bad.der)).toUpperCase();

  it('takes the root out of the registry, again changes nothing, and brings it back', async () => {
    const key = `${ROOTS}\\${sha1}`;
    const script = await scriptFor('cmd', machine(key), [bad.sha256]);
    plant(key, blob);
    const before = wine.must('reg', 'query', key, '/v', 'Blob');
    expect([runCmd(script).status, holds(key)]).toEqual([0, false]);
    expect([runCmd(script).status, holds(key)]).toEqual([0, false]);
    expect(runCmd(script, '/undo').status).toBe(0);
    expect(wine.must('reg', 'query', key, '/v', 'Blob')).toBe(before);
    wine.must('reg', 'delete', key, '/f');
  });

  it('does not touch a key that holds another certificate', async () => {
    const key = `${ROOTS}\\${sha1}`;
    const script = await scriptFor('cmd', machine(key), [bad.sha256]);
    plant(key, certificateBlob(good.der));
    const { status, output } = runCmd(script);
    expect([status, holds(key)]).toEqual([1, true]);
    expect(output).toContain('does not hold the certificate');
    wine.must('reg', 'delete', key, '/f');
  });

  it('carries hostile names of keys, or is refused, and runs none of them', async () => {
    const names = HOSTILE_NAMES.filter((name) => /^[^\\/\0\r\n]{1,200}$/.test(name) && name.trim() !== '');
    const possible = names.filter((name) => canQuoteCmd(name) && /^[\x20-\x7e]+$/.test(name));
    for (const name of names.filter((each) => !possible.includes(each))) {
      await expect(scriptFor('cmd', machine(`${ROOTS}\\${name}`), [bad.sha256])).rejects.toThrow(
        /cmd\.exe|no cmd script/,
      );
    }
    expect(possible.length).toBeGreaterThan(20);
    // Each takes several starts of Wine.
    for (const name of possible.filter((_, index) => index % 3 === 0)) {
      const key = `${ROOTS}\\${name}`;
      // What reg.exe of Wine itself cannot make is no key.
      if (
        wine.run('reg', 'add', key, '/v', 'Blob', '/t', 'REG_BINARY', '/d', blob.toString('hex'), '/f')
          .status !== 0
      )
        continue;
      const script = await scriptFor('cmd', machine(key), [bad.sha256]);
      expect({ name, ...runCmd(script), holds: holds(key) }).toMatchObject({ name, status: 0, holds: false });
    }
    expect(readdirSync(wine.home)).not.toContain(CANARY);
    expect(readdirSync(join(wine.prefix, 'drive_c'))).not.toContain(CANARY);
  });
});
