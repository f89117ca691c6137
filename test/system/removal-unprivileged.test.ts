/** `rootaudit remove --apply` by somebody who is not root, on this machine: what is theirs goes, the rest is named. */

import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { makeCertificate } from '../support/certificates.ts';
import { differences, treeAt, type Tree } from '../support/removal.ts';
import { PROJECT, type Run } from '../support/rootaudit.ts';
import { overlayOfThisMachine } from './support/overlay.ts';
import { describeWith, run, TOOL_ENVIRONMENT } from './support/tools.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
const elsewhere = makeCertificate({ subject: { CN: 'Root of the system alone' } });
const LOCAL = '/usr/local/share/ca-certificates';
const ANN = 47_11;
const BOB = 47_12;
const npmrc = `# mine\nca="${bad.pem.trimEnd().replaceAll('\n', String.raw`\n`)}"\n`;

describeWith(['root', 'chroot', 'mount', 'update-ca-certificates'], 'without root', () => {
  let root = '';
  const rootaudit = (...args: readonly string[]): Run => {
    const command = [process.execPath, join(PROJECT, 'bin/rootaudit.js'), ...args];
    const { status, stdout, stderr } = spawnSync('chroot', [`--userspec=${ANN}:${ANN}`, root, ...command], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: { ...TOOL_ENVIRONMENT, HOME: '/home/ann' },
    });
    return { status, stdout, stderr };
  };
  const trees = (): readonly Tree[] => ['/etc', LOCAL, '/home/bob'].map((path) => treeAt(root + path));
  const ownTree = (): Tree => {
    const tree = Object.entries(treeAt(`${root}/home/ann`));
    // The journal is kept in the home; it came while a directory was made for it.
    return Object.fromEntries(tree.filter(([path]) => path !== '' && !path.startsWith('/.local')));
  };

  beforeAll(() => {
    root = overlayOfThisMachine() ?? '';
    if (root === '') return;
    appendFileSync(
      join(root, 'etc/passwd'),
      `ann:x:${ANN}:${ANN}::/home/ann:/bin/sh\nbob:x:${BOB}:${BOB}::/home/bob:/bin/sh\n`,
    );
    mkdirSync(join(root, LOCAL), { recursive: true });
    writeFileSync(join(root, LOCAL, 'planted.crt'), bad.pem);
    writeFileSync(join(root, LOCAL, 'elsewhere.crt'), elsewhere.pem);
    run('chroot', [root, 'update-ca-certificates', '--fresh']);
    for (const [name, uid] of [
      ['ann', ANN],
      ['bob', BOB],
    ] as const) {
      mkdirSync(join(root, 'home', name), { recursive: true });
      writeFileSync(join(root, 'home', name, '.npmrc'), npmrc);
      run('chown', ['-R', `${uid}:${uid}`, join(root, 'home', name)]);
      run('chmod', ['755', join(root, 'home', name)]);
    }
  });

  it('what belongs to the user goes, what does not is named with the command, and the undo needs no root', (context) => {
    if (root === '') context.skip('such file systems cannot be mounted here');
    if (rootaudit('--version').status !== 0) context.skip('the command is out of reach for others');
    const [before, own] = [trees(), ownTree()];

    const planned = rootaudit('remove', bad.sha256);
    expect(planned.stdout).toMatch(
      /To do it: sudo rootaudit remove .*\nWithout root or administrator, 1 of \d steps can be done\./,
    );

    const { status, stdout, stderr } = rootaudit('remove', bad.sha256, '--apply', '--yes');
    expect(status).toBe(1);
    expect(stderr).toContain(`delete ${LOCAL}/planted.crt`);
    expect(stderr).toContain('/home/bob/.npmrc');
    expect(stdout).toMatch(
      /Left out, because root or administrator is needed\n(?: {2}.*\n)+Do it with: sudo rootaudit remove/,
    );
    expect(readFileSync(join(root, 'home/ann/.npmrc'), 'utf8')).toBe('# mine\n');
    expect(trees().flatMap((tree, index) => differences(tree, before[index] ?? {}))).toEqual([]);

    expect(rootaudit('undo')).toMatchObject({ status: 0, stderr: '' });
    expect(differences(own, ownTree())).toEqual([]);
  });

  it('nothing is tried when root is needed for all of it', (context) => {
    if (root === '') context.skip('such file systems cannot be mounted here');
    if (rootaudit('--version').status !== 0) context.skip('the command is out of reach for others');
    const before = trees();
    expect(rootaudit('remove', elsewhere.sha256, '--apply', '--yes')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        /root or administrator is needed[^]*Nothing was changed\. Run: sudo rootaudit/,
      ),
    });
    expect(trees().flatMap((tree, index) => differences(tree, before[index] ?? {}))).toEqual([]);
    expect(existsSync(join(root, LOCAL, 'elsewhere.crt'))).toBe(true);
  });
});
