import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Drift } from '../../src/report/drift.ts';
import { jks, jksTrusted } from '../../src/selftest/keystores.ts';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { schemaCheck } from '../support/render.ts';
import { PROJECT, rootaudit } from '../support/rootaudit.ts';
import { makeTemporaryDirectory, makeTree, type Node } from '../support/tree.ts';

const one = makeCertificate({ subject: { CN: 'One' } });
const two = makeCertificate({ subject: { CN: '\u001b[31mTwo' } });

const BLOCKLIST = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [advisory({ id: 'two', certificates: [blocked(two, { id: 'two' })] })],
  certificates: [two.der],
});

const LOCAL = '/usr/local/share/ca-certificates';
const rootWith = (files: Readonly<Record<string, Node>>): string =>
  makeTree({ '/etc/ca-certificates.conf': '', ...files });

const before = rootWith({ [`${LOCAL}/one.crt`]: one.pem });
const after = rootWith({ [`${LOCAL}/one.crt`]: one.pem, [`${LOCAL}/two.crt`]: two.pem });
const broken = rootWith({ [`${LOCAL}/one.crt`]: one.pem, [`${LOCAL}/x.crt`]: 'junk' });

const scratch = makeTemporaryDirectory();
function snapshot(root: string, name: string): string {
  const file = join(scratch, name);
  rootaudit(['snapshot', '--root', root, '-o', file]);
  return file;
}
function report(root: string, name: string): string {
  const file = join(scratch, name);
  writeFileSync(
    file,
    rootaudit(['scan', '--no-policy', '--root', root, '--blocklist', BLOCKLIST, '-f', 'json']).stdout,
  );
  return file;
}

describe('rootaudit snapshot', () => {
  it('saves what list prints, and leaves nothing else behind', () => {
    const directory = makeTemporaryDirectory();
    const file = join(directory, 'a.json');
    const { status, stdout } = rootaudit(['snapshot', '--root', before, '-o', file]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${file}: 1 store, 1 certificate.\n` });
    expect(readFileSync(file, 'utf8')).toBe(rootaudit(['list', '--root', before, '-f', 'json']).stdout);
    rootaudit(['snapshot', '--root', after, '-o', file]);
    expect(readFileSync(file, 'utf8')).toContain('Two');
    expect(readdirSync(directory)).toEqual(['a.json']);
  });

  it.each([
    ['2 without a place to write to', [], 2],
    ['2 for a directory that does not exist', ['-o', '/no/such/directory/a.json'], 2],
    ['2 for a directory', ['-o', '/tmp'], 2],
  ])('ends with %s', (_what, args, expected) => {
    expect(rootaudit(['snapshot', '--root', before, ...args]).status).toBe(expected);
  });

  it('says when not everything could be read', () => {
    const file = join(scratch, 'broken.json');
    const run = rootaudit(['snapshot', '--root', broken, '-o', file]);
    expect(run).toMatchObject({
      status: 3,
      stdout: expect.stringContaining('Not everything could be read.'),
    });
    expect(existsSync(file)).toBe(true);
    expect(rootaudit(['snapshot', '--root', broken, '-o', file, '--allow-incomplete']).status).toBe(0);
  });
});

describe('rootaudit diff', () => {
  const pairs = {
    directories: [before, after],
    snapshots: [snapshot(before, 'before.json'), snapshot(after, 'after.json')],
    reports: [report(before, 'before-report.json'), report(after, 'after-report.json')],
    'a snapshot and a directory': [snapshot(before, 'before2.json'), after],
    'a report and a directory': [report(before, 'before-report2.json'), after],
  } as const;

  it.each(Object.entries(pairs))('tells what changed between %s', (_what, [old, now]) => {
    const run = (...args: readonly string[]): ReturnType<typeof rootaudit> =>
      rootaudit(['diff', '--blocklist', BLOCKLIST, ...args]);
    const { status, stdout } = run(old, now, '-f', 'json');
    expect(status).toBe(1);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it promises is checked below
    const drift = JSON.parse(stdout) as Drift;
    expect(drift.becameTrusted).toMatchObject([{ certificate: { sha256: two.sha256 }, everywhere: true }]);
    expect(run(now, old, '-f', 'json')).toMatchObject({ status: 1 });
    expect(run(old, old)).toMatchObject({ status: 0, stdout: expect.stringContaining('Nothing changed.') });
  });

  it('says the same to people, and nothing to their terminals', () => {
    const { stdout } = rootaudit(['diff', before, after]);
    expect(stdout).toContain('Became trusted\n  + CN=\\x1b[31mTwo  trusted nowhere before\n');
    expect(stdout).toContain(`${LOCAL}/two.crt`);
    expect(stdout).toContain('not there → trusted');
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(
      'Roots: 1 became trusted, 0 stopped, 0 trusted otherwise. 0 stores appeared, 0 vanished.',
    );
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    const { stdout: reverse } = rootaudit(['diff', after, before]);
    expect(reverse).toContain('No longer trusted\n  - CN=\\x1b[31mTwo  trusted nowhere now\n');
    const { stdout: reports } = rootaudit(['diff', ...pairs.reports]);
    expect(reports).toContain('Only roots on the blocklist were compared: reports know no others.');
  });

  it('puts what is on the blocklist first, and shows of each store no more than can be read', () => {
    const many = Array.from({ length: 24 }, (_, k) =>
      makeCertificate({ subject: { CN: `Many ${String.fromCodePoint(65 + k)}` } }),
    );
    const single = makeCertificate({ subject: { CN: 'Zero' } });
    const worse = makeCertificate({ subject: { CN: 'Zulu' } });
    const listed = writeBlocklist(makeTemporaryDirectory(), {
      advisories: [
        advisory({ id: 'mild', severity: 'low', certificates: [blocked(two, { id: 'two' })] }),
        advisory({ id: 'bad', severity: 'critical', certificates: [blocked(worse, { id: 'worse' })] }),
      ],
    });
    const full = rootWith({
      [`${LOCAL}/all.crt`]: [...many, two, worse].map(({ pem }) => pem).join(''),
      '/opt/java/lib/security/cacerts': jks([jksTrusted('zero', single.der)]),
    });
    const run = (...args: readonly string[]): string =>
      rootaudit(['diff', '--blocklist', listed, ...args], {}, '/').stdout;
    const names = (text: string): string[] =>
      [...text.matchAll(/^ {2}[+-] CN=(.*?)(?: {2}|$)/gm)].map(([, name]) => name ?? '');
    const first = ['Zulu', String.raw`\x1b[31mTwo`];
    const ten = 'ABCDEFGHIJ'.split('').map((letter) => `Many ${letter}`);
    const empty = rootWith({});
    for (const args of [
      [empty, full],
      [full, empty],
      [snapshot(empty, 'empty.json'), full],
    ]) {
      const text = run(...args);
      expect(names(text)).toEqual([...first, ...ten, 'Zero']);
      expect(text).toContain('Zulu  critical: bad  trusted nowhere');
      expect(text).toContain('  … and 14 more; -f json has them all\n');
      expect(names(run(...args, '--verbose'))).toHaveLength(27);
      expect(run(...args, '--verbose')).not.toContain(' more;');
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it promises is checked below
    const drift = JSON.parse(run(empty, full, '-f', 'json')) as Drift;
    expect(drift.becameTrusted).toHaveLength(27);
    expect(drift.becameTrusted.slice(0, 3)).toMatchObject([
      { certificate: { sha256: worse.sha256 }, advisories: ['bad'], severity: 'critical' },
      { certificate: { sha256: two.sha256 }, advisories: ['mild'], severity: 'low' },
      { certificate: { subject: 'CN=Many A' }, advisories: [] },
    ]);
    expect(schemaCheck('drift')(drift)).toBe('');
  });

  it('names the first places of a root that is in many', () => {
    const stores = Array.from({ length: 8 }, (_, k) => `/opt/jdk-${k}/lib/security/cacerts`);
    const content = jks([jksTrusted('one', one.der)]);
    const many = makeTree(Object.fromEntries(stores.map((path) => [path, content])));
    const run = (...args: readonly string[]): string =>
      rootaudit(['diff', rootWith({}), many, ...args]).stdout;
    expect(run().match(/not there → trusted/g)).toHaveLength(5);
    expect(run()).toContain('    … and 3 more; -f json has them all\n');
    expect(run('--verbose').match(/not there → trusted/g)).toHaveLength(8);
  });

  it('does not call two targets alike of which it did not see all', () => {
    const run = rootaudit(['diff', broken, broken]);
    expect(run).toMatchObject({ status: 3, stdout: expect.stringContaining('could be read') });
    expect(rootaudit(['diff', broken, broken, '--allow-incomplete']).status).toBe(0);
    expect(rootaudit(['diff', before, broken]).status).toBe(3);
  });

  it('compares images, each by its own name', () => {
    const archive = (root: string, name: string): string => {
      const file = join(scratch, name);
      execFileSync('tar', ['-cf', file, '-C', root, '.']);
      return file;
    };
    const [old, now] = [archive(before, 'before.tar'), archive(after, 'after.tar')];
    expect(rootaudit(['diff', old, now])).toMatchObject({ status: 1, stderr: '' });
    expect(rootaudit(['diff', old, before])).toMatchObject({ status: 0, stderr: '' });
    const file = join(scratch, 'image.json');
    expect(rootaudit(['snapshot', '-o', file, now]).status).toBe(0);
    expect(rootaudit(['diff', file, after]).status).toBe(0);
  });

  it('compares this machine as it is', () => {
    const { status, stdout } = rootaudit(['diff', 'live', 'live', '--allow-incomplete', '-f', 'json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ before: { kind: 'live' }, compared: 'roots' });
  });

  it.each([
    ['one side', [before]],
    ['a file that is missing', [before, '/no/such/file.json']],
    ['a target that is missing', [before, './no-such-target']],
    ['a file that is no report', [before, '/etc/passwd']],
    ['JSON of another kind', [before, join(PROJECT, 'package.json')]],
    ['a snapshot with a report', [pairs.snapshots[0], pairs.reports[0]]],
    ['a format that there is not', [before, after, '-f', 'sarif']],
  ])('ends with 2 for %s', (_what, args) => {
    const { status, stdout, stderr } = rootaudit(['diff', ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.split('\n').length).toBeGreaterThan(1);
  });
});
