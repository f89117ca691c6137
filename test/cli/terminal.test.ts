import { mkdirSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { PROJECT, rootaudit } from '../support/rootaudit.ts';
import { hasCommand, onTerminal } from '../support/terminal.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root', O: 'State' } });
const minor = makeCertificate({ subject: { CN: 'Retired Root' } });
const good = makeCertificate({ subject: { CN: 'Good Root' } });
const list = (severity: 'critical' | 'low'): string =>
  writeBlocklist(makeTemporaryDirectory(), {
    advisories: [
      advisory({ id: 'planted', severity, certificates: [blocked(bad, { id: 'planted' })] }),
      advisory({ id: 'retired', severity: 'info', certificates: [blocked(minor, { id: 'retired' })] }),
    ],
    certificates: [bad.der, minor.der],
  });
const BLOCKLIST = list('critical');
const MILD = list('low');
const clean = makeTree({ '/usr/local/share/ca-certificates/good.crt': good.pem });
const planted = makeTree({ '/usr/local/share/ca-certificates/a.crt': bad.pem + minor.pem });
const broken = makeTree({ '/usr/local/share/ca-certificates/a.crt': 'junk' });
const at = (root: string): readonly string[] => ['--root', root, '--blocklist', BLOCKLIST];

describe('--quiet', () => {
  it.each([
    ['nothing for a clean system', ['scan', ...at(clean)], 0, /^$/],
    [
      'a line for each reason to fail',
      ['scan', ...at(planted)],
      1,
      new RegExp(`^critical  trusted  ${bad.sha256.slice(0, 16)}  Planted Root  planted\n$`),
    ],
    [
      'a line for each at the severity asked for',
      ['scan', '--fail-on', 'info', ...at(planted)],
      1,
      /^critical .*\ninfo .*\n$/,
    ],
    ['nothing for what could not be read: the exit code tells', ['scan', ...at(broken)], 3, /^$/],
    ['the report for a program', ['scan', '-f', 'json', ...at(clean)], 0, /^\{\n/],
    ['stores and certificates of a list, without sums', ['list', '--root', clean], 0, /Good Root.*\n$/],
    ['nothing when nothing changed', ['diff', clean, clean], 0, /^$/],
    ['what changed', ['diff', clean, planted], 1, /^Became trusted\n[^]*Planted Root/],
    ['nothing when nothing has to go', ['remove', ...at(clean)], 0, /^$/],
    [
      'what has to go, and no hint',
      ['remove', ...at(planted)],
      1,
      /^ CRITICAL (?:(?!To do it)[^])*To know(?:(?!To do it)[^])*$/,
    ],
  ])('prints %s', (_, args, status, expected) => {
    const run = rootaudit([...args, '--quiet']);
    expect(run).toMatchObject({ status, stderr: '' });
    expect(run.stdout).toMatch(expected);
  });

  it('names the target of each line where there are several', () => {
    const { stdout } = rootaudit(['scan', '-q', clean, planted, '--blocklist', BLOCKLIST]);
    expect(stdout).toMatch(/^\S+ {2}critical {2}trusted .* planted\n$/);
    expect(stdout).toContain(planted);
  });

  it('prints violations of the policy', () => {
    const directory = makeTree({
      '/rootaudit.yaml': `version: 1\nforbid:\n  - sha256: ${good.sha256}\n    reason: not ours\n`,
    });
    const { stdout, status } = rootaudit(['scan', '-q', ...at(clean)], {}, directory);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^forbidden .* Good Root .*\n$/);
  });

  it('says nothing of a snapshot that was written, and still of what is wrong', () => {
    const file = join(makeTemporaryDirectory(), 's.json');
    expect(rootaudit(['snapshot', '-q', '--root', clean, '-o', file])).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
    expect(rootaudit(['snapshot', '-q', '--root', '/no/such', '-o', file]).stderr).toContain('/no/such');
  });

  it('does not go with --verbose', () => {
    expect(rootaudit(['scan', '-q', '-v', ...at(clean)]).status).toBe(2);
  });
});

describe('the options of every command', () => {
  it.each([
    ['after the command', ['scan', '-q', ...at(clean)]],
    ['before it', ['-q', 'scan', ...at(clean)]],
  ])('are understood %s', (_, args) => {
    expect(rootaudit(args)).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('leave to --deep and --adb what belongs to them', () => {
    const { stdout } = rootaudit(['scan', '--blocklist', BLOCKLIST, '--deep', '-v', clean]);
    expect(stdout).toContain(`blocklist 2026.1.1, ${clean}\n`);
    expect(rootaudit(['scan', '--deep', '--color', 'never', '--root', planted]).status).not.toBe(2);
  });

  it.each([
    [['--color', 'always', 'scan'], [], true],
    [['scan'], ['--color', 'always'], true],
    [['--color', 'never', 'scan'], ['--color', 'always'], true],
    [['--color', 'always', 'scan'], ['--color', 'never'], false],
  ])('%j with %j: colour %s', (before, after, coloured) => {
    const { stdout } = rootaudit([...before, ...at(planted), ...after]);
    expect(stdout.includes('\u001b[')).toBe(coloured);
  });
});

describe('variables of the environment', () => {
  const scan = (args: readonly string[], environment: Readonly<Record<string, string>>, cwd?: string) =>
    rootaudit(['scan', ...args], environment, cwd);
  const policy = makeTree({ '/rootaudit.yaml': 'version: 1\nfail-on: low\n' });
  const other = makeTree({
    '/strict.yaml': `version: 1\nforbid:\n  - sha256: ${good.sha256}\n    reason: x\n`,
  });
  const mild = ['--root', planted, '--blocklist', MILD];

  it.each([
    ['the default', [], {}, undefined, 0],
    ['the policy before the default', [], {}, policy, 1],
    ['the environment before the default', [], { ROOTAUDIT_FAIL_ON: 'low' }, undefined, 1],
    ['the environment before the policy', [], { ROOTAUDIT_FAIL_ON: 'high' }, policy, 0],
    [
      'the command line before the environment',
      ['--fail-on', 'low'],
      { ROOTAUDIT_FAIL_ON: 'high' },
      policy,
      1,
    ],
    ['the policy again when the variable is empty', [], { ROOTAUDIT_FAIL_ON: '' }, policy, 1],
  ] as const)('--fail-on is taken from %s', (_, args, environment, cwd, status) => {
    expect(scan([...mild, ...args], environment, cwd ?? makeTemporaryDirectory()).status).toBe(status);
  });

  it.each([
    ['ROOTAUDIT_POLICY', [], { ROOTAUDIT_POLICY: join(other, 'strict.yaml') }, 1],
    [
      '--no-policy before ROOTAUDIT_POLICY',
      ['--no-policy'],
      { ROOTAUDIT_POLICY: join(other, 'strict.yaml') },
      0,
    ],
    ['ROOTAUDIT_BASELINE, which has to be there', [], { ROOTAUDIT_BASELINE: '/no/such.json' }, 2],
    ['ROOTAUDIT_NO_PROGRESS', [], { ROOTAUDIT_NO_PROGRESS: '1' }, 0],
    ['a ROOTAUDIT_FAIL_ON that makes no sense', [], { ROOTAUDIT_FAIL_ON: 'terrible' }, 2],
    ['a ROOTAUDIT_COLOR that makes no sense', [], { ROOTAUDIT_COLOR: 'red' }, 2],
    ['a variable that nobody knows', [], { ROOTAUDIT_NONSENSE: '1' }, 0],
  ] as const)('%s', (_, args, environment, status) => {
    expect(scan([...at(clean), ...args], environment, makeTemporaryDirectory()).status).toBe(status);
  });

  it('ROOTAUDIT_BLOCKLIST is the list, unless --blocklist names one', () => {
    const environment = { ROOTAUDIT_BLOCKLIST: BLOCKLIST };
    expect(scan(['--root', planted], environment).status).toBe(1);
    expect(scan(mild, environment).status).toBe(0);
  });

  it('ROOTAUDIT_FORMAT may name several, one in each line, and -f goes before all of them', () => {
    const file = join(makeTemporaryDirectory(), 'out.sarif');
    const environment = { ROOTAUDIT_FORMAT: `json\n sarif=${file}\n` };
    expect(scan(at(clean), environment).stdout).toMatch(/^\{\n/);
    expect(rootaudit(['list', '--root', clean], { ROOTAUDIT_FORMAT: 'csv' }).stdout).toMatch(/^"record",/);
    expect(scan([...at(clean), '-f', 'csv'], environment).stdout).not.toContain('{');
  });

  it('says which variable is wrong', () => {
    const { stderr } = scan(at(clean), { ROOTAUDIT_FORMAT: 'jsno' });
    expect(stderr).toContain("value 'jsno' from env 'ROOTAUDIT_FORMAT' is invalid");
    expect(stderr).toContain('Did you mean json?');
  });
});

describe('passwords of keystores', () => {
  const file = (text: string): string => {
    const path = join(makeTemporaryDirectory(), 'password');
    writeFileSync(path, text);
    return path;
  };

  it.skipIf(!hasCommand('openssl')).each([
    ['the command line', ['--store-password', 'not so secret'], {}, 1],
    ['a variable', [], { ROOTAUDIT_STORE_PASSWORD: 'not so secret' }, 1],
    ['a file', ['--store-password-file', file('one\r\nnot so secret\r\n')], {}, 1],
    ['a file with a mark of its encoding', ['--store-password-file', file('\ufeffnot so secret')], {}, 1],
    ['a file that a variable names', [], { ROOTAUDIT_STORE_PASSWORD_FILE: file('not so secret\n') }, 1],
    ['nowhere', [], {}, 3],
    ['a file with another', ['--store-password-file', file('wrong\n')], {}, 3],
  ] as const)('come from %s (needs openssl)', (_, args, environment, status) => {
    const root = makeTemporaryDirectory();
    const directory = join(root, 'usr/lib/jvm/java-21/lib/security');
    mkdirSync(directory, { recursive: true });
    const made = spawnSync(
      'openssl',
      [
        'pkcs12',
        '-export',
        '-nokeys',
        '-jdktrust',
        'anyExtendedKeyUsage',
        '-passout',
        'pass:not so secret',
        '-out',
        join(directory, 'cacerts'),
      ],
      { input: bad.pem, encoding: 'utf8' },
    );
    // Older versions cannot mark a certificate as trusted; it is found all the same.
    if (made.status !== 0) {
      const plain = [
        'pkcs12',
        '-export',
        '-nokeys',
        '-passout',
        'pass:not so secret',
        '-out',
        join(directory, 'cacerts'),
      ];
      expect(spawnSync('openssl', plain, { input: bad.pem, encoding: 'utf8' }).status).toBe(0);
    }
    const run = rootaudit(['list', '-f', 'json', '--root', root, ...args], environment);
    expect(run.stdout.includes(bad.sha256)).toBe(status === 1);
    expect(run.stdout + run.stderr).not.toContain('not so secret');
  });

  it.each([
    ['that is not there', '/no/such/file', 'ENOENT'],
    ['that is a directory', '/', 'EISDIR'],
    ['without a password', '/dev/null', 'There is no password in that file.'],
    ['that never ends', '/dev/zero', 'too large to hold passwords'],
  ])('a file %s is wrong usage', (_, path, words) => {
    const { status, stderr } = rootaudit(['list', '--root', clean, '--store-password-file', path]);
    expect(status).toBe(2);
    expect(stderr).toContain(words);
  });
});

describe('a slip of the keys', () => {
  it.each([
    [['scna'], 'Did you mean scan?'],
    [['explain', 'qaznet'], 'Did you mean kazakhstan?'],
    [['scan', '--fial-on', 'high'], 'Did you mean --fail-on?'],
    [['scan', '--fail-on', 'hgih'], 'Did you mean high?'],
    [['scan', '-f', 'sraif'], 'Did you mean sarif?'],
    [['explain', 'suprefish'], 'Did you mean superfish?'],
    [['explain', 'trustcor_'], 'Did you mean trustcor'],
    [['remove', 'suprefish'], 'Did you mean superfish?'],
    [['explain', 'symantec-'], 'Did you mean symantec'],
    [['/mnt/disk'], 'To look at it: rootaudit scan /mnt/disk'],
    [['-q', 'registry:debian:12'], 'To look at it: rootaudit scan registry:debian:12'],
    [['\u001b[2J/evil'], String.raw`To look at it: rootaudit scan \x1b[2J/evil`],
  ])('%j', (args, words) => {
    const { status, stdout, stderr } = rootaudit(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(words);
  });
});

describe.skipIf(!hasCommand('script'))('on a terminal (needs script)', () => {
  const scan = (environment: Readonly<Record<string, string>>): string =>
    onTerminal(
      `'${process.execPath}' '${PROJECT}bin/rootaudit.js' diff '${clean}' '${planted}' --color never`,
      environment,
    );

  it.each(['40', '60', '80', '120'])('breaks tables of %s columns', (COLUMNS) => {
    const command = `'${process.execPath}' '${PROJECT}bin/rootaudit.js' list --root '${planted}' --color never`;
    const lines = onTerminal(command, { COLUMNS }).split('\r\n');
    const rows = lines.filter((line) => line.startsWith('  trusted'));
    expect(rows.length).toBe(2);
    for (const line of rows) expect(line.length).toBeLessThanOrEqual(Number(COLUMNS));
  });

  it('draws with what the terminal knows', () => {
    expect(scan({ LANG: 'C.UTF-8' })).toContain('→');
    expect(scan({ LANG: 'C' })).toMatch(/ -> /);
    expect(scan({ LANG: 'C' })).toMatch(/^[\r\n -~]*$/);
  });
});
