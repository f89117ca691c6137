import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { checkSarif, schemaCheck } from '../support/render.ts';
import { rootaudit, type Run } from '../support/rootaudit.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
const blocklist = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [advisory({ id: 'planted', certificates: [blocked(bad)] })],
});
const root = makeTree({ '/usr/local/share/ca-certificates/planted.crt': bad.pem });
const WHERE = ['--root', root, '--blocklist', blocklist];

const formats = (...values: readonly string[]): readonly string[] => values.flatMap((value) => ['-f', value]);

function scan(formatArgs: readonly string[], environment: Readonly<Record<string, string>> = {}): Run {
  return rootaudit(['scan', ...WHERE, ...formatArgs], environment);
}

describe('several formats at once', () => {
  it('go to standard output and into files, and change no exit code', () => {
    const directory = makeTemporaryDirectory();
    const file = (name: string): string => join(directory, name);
    const { status, stdout, stderr } = scan(
      formats(
        'table',
        `sarif=${file('out.sarif')}`,
        `json=${file('report.json')}`,
        `junit=${file('a=b.xml')}`,
        `prometheus=${file('rootaudit.prom')}`,
      ),
    );
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(stdout).toContain('CN=Planted Root');
    expect(readdirSync(directory).toSorted()).toEqual([
      'a=b.xml',
      'out.sarif',
      'report.json',
      'rootaudit.prom',
    ]);
    expect(JSON.parse(readFileSync(file('out.sarif'), 'utf8'))).toMatchObject({
      version: '2.1.0',
      runs: [{ results: [{ locations: [{ physicalLocation: { region: { startLine: 1 } } }] }] }],
    });
    expect(JSON.parse(readFileSync(file('report.json'), 'utf8'))).toMatchObject({
      findings: [{ locations: [{ lines: { first: 1, last: bad.pem.trimEnd().split('\n').length } }] }],
    });
    expect(readFileSync(file('a=b.xml'), 'utf8')).toContain('failures="1"');
    expect(readFileSync(file('rootaudit.prom'), 'utf8')).toMatch(
      /rootaudit_last_run_timestamp_seconds \d{10}\n/,
    );
  });

  it('print nothing when all of them have files', () => {
    const { stdout } = scan(formats(`json=${join(makeTemporaryDirectory(), 'r.json')}`));
    expect(stdout).toBe('');
  });

  it('are the same at each run, but for the time in Prometheus', () => {
    for (const format of ['json', 'ndjson', 'csv', 'sarif', 'junit', 'cyclonedx', 'markdown', 'table'])
      expect(scan(formats(format)).stdout).toBe(scan(formats(format)).stdout);
  });

  it('has no colour in a file', () => {
    const file = join(makeTemporaryDirectory(), 'table.txt');
    const { stdout } = scan(formats('table', `table=${file}`), { FORCE_COLOR: '1' });
    expect(stdout).toContain('\u001b[');
    expect(readFileSync(file, 'utf8')).not.toContain('\u001b[');
  });

  it.each(['ndjson', 'csv', 'cyclonedx', 'json', 'table'])('are there for a list, as %s', (format) => {
    const { status, stdout } = rootaudit(['list', '--root', root, '-f', format]);
    expect(status).toBe(0);
    expect(stdout).toContain('CN=Planted Root');
  });
});

describe('a file', () => {
  it('that is there is replaced as a whole and keeps its permissions', () => {
    const directory = makeTemporaryDirectory();
    const file = join(directory, 'r.json');
    writeFileSync(file, 'x'.repeat(100_000), { mode: 0o640 });
    const before = statSync(file).ino;
    scan(formats(`json=${file}`));
    expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveProperty('schemaVersion', 1);
    expect(statSync(file).ino).not.toBe(before);
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readdirSync(directory)).toEqual(['r.json']);
  });

  it.skipIf(process.platform === 'win32')('that a link leads to is replaced, and the link stays', () => {
    const directory = makeTemporaryDirectory();
    writeFileSync(join(directory, 'real.json'), 'old');
    symlinkSync('real.json', join(directory, 'link.json'));
    scan(formats(`json=${join(directory, 'link.json')}`));
    expect(lstatSync(join(directory, 'link.json')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(directory, 'real.json'), 'utf8')).toContain('schemaVersion');
  });

  it.skipIf(!existsSync('/dev/full'))(
    'that cannot be written ends with 2, after the rest was printed',
    () => {
      const { status, stdout, stderr } = scan(formats('table', 'json=/dev/full'));
      expect(status).toBe(2);
      expect(stdout).toContain('CN=Planted Root');
      expect(stderr).toContain('/dev/full cannot be written');
    },
  );

  it.skipIf(!existsSync('/dev/null'))('that is a device is written into and not replaced', () => {
    expect(scan(formats('json=/dev/null')).status).toBe(1);
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
  });
});

describe('wrong usage ends with 2 before anything is read', () => {
  const directory = makeTemporaryDirectory();
  it.each([
    [
      'a format that does not exist',
      ['scan', '-f', 'xml'],
      'Allowed formats are table, markdown, html, json',
    ],
    [
      'a format that a list does not have',
      ['list', '-f', 'sarif'],
      'Allowed formats are table, json, ndjson, csv',
    ],
    [
      'a format that a story does not have',
      ['explain', 'x', '-f', 'junit'],
      'Allowed formats are table, json.',
    ],
    ['two for standard output', ['scan', ...formats('json', 'sarif')], 'Standard output has json already'],
    ['two for one file', ['scan', ...formats('json=./x', 'sarif=x')], 'Two formats cannot go into one file'],
    ['a file without a name', ['scan', '-f', 'json='], 'A file name has to follow'],
    [
      'a file in no directory',
      ['scan', '-f', `json=${directory}/no/x`],
      `The directory ${directory}/no does not exist`,
    ],
    ['a directory', ['scan', '-f', `json=${directory}`], 'That is a directory'],
  ])('%s', (_what, args, message) => {
    const { status, stdout, stderr } = rootaudit(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('the exit code in SARIF', () => {
  const broken = makeTree({ '/usr/local/share/ca-certificates/broken.crt': 'junk' });
  const clean = makeTree({ '/etc/ca-certificates.conf': '' });
  const waived = makeTree({
    '/rootaudit.yaml': `version: 1
waivers:
  - advisory: planted
    reason: known
    owner: us
    expires: 2999-01-01
`,
  });
  const strict = makeTree({
    '/rootaudit.yaml': `version: 1\nrequire:\n  - sha256: ${'a'.repeat(64)}\n    reason: ours\n`,
  });

  it.each([
    ['nothing', [clean], undefined, 0, /everything could be read/],
    ['a listed root', [root], undefined, 1, /^What was found/],
    ['a waived one', [root], waived, 0, /everything/],
    ['a violated policy', [clean], strict, 1, /^What was found/],
    ['a broken store', [broken], undefined, 3, /not everything could/],
    ['a broken store, as allowed', [broken, '--allow-incomplete'], undefined, 0, /which is allowed/],
    ['several targets, each with that of all', [clean, root, broken], undefined, 1, /^What was found/],
    ['a target that cannot be opened', [clean, '/no/such/target'], undefined, 2, /A target could not/],
  ] as const)('is that of the process for %s', (_what, args, cwd, expected, meaning) => {
    const options = ['--blocklist', blocklist, '-f', 'sarif'];
    const { status, stdout } = rootaudit(['scan', ...args, ...options], {}, cwd ?? clean);
    const log: unknown = JSON.parse(stdout);
    expect(status).toBe(expected);
    expect(checkSarif(log)).toBe('No errors');
    const invocation = { exitCode: status, exitCodeDescription: expect.stringMatching(meaning) };
    const targets = args.filter((arg) => arg.startsWith('/'));
    expect(log).toMatchObject({ runs: targets.map(() => ({ invocations: [invocation] })) });
  });
});

describe('JSON of real targets', () => {
  const clean = makeTree({ '/etc/ca-certificates.conf': '' });
  it.each([
    ['one', [root]],
    ['three', [root, clean, '/no/such/target']],
  ])('follows its schema for %s', (_what, targets) => {
    const { stdout } = rootaudit(['scan', ...targets, '--blocklist', blocklist, '-f', 'json']);
    const value: unknown = JSON.parse(stdout);
    expect(schemaCheck('report')(value)).toBe('');
    expect(schemaCheck('report')({ ...Object(value), extra: 1 })).not.toBe('');
    const records = rootaudit(['scan', ...targets, '--blocklist', blocklist, '-f', 'ndjson']).stdout;
    const check = schemaCheck('records');
    expect(
      records
        .trimEnd()
        .split('\n')
        .map((line) => check(JSON.parse(line)))
        .join(''),
    ).toBe('');
  });

  it('does not take a report without findings, or reports of nothing, for whole', () => {
    const check = schemaCheck('report');
    expect(check({ schemaVersion: 1, reports: [] })).not.toBe('');
    expect(check({ schemaVersion: 1, reports: [{ schemaVersion: 1 }] })).not.toBe('');
    expect(check({ schemaVersion: 1 })).not.toBe('');
  });
});
