import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jks, jksTrusted } from '../../src/selftest/keystores.ts';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { checkSarif, schemaCheck } from '../support/render.ts';
import { rootaudit } from '../support/rootaudit.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
const shipped = makeCertificate({ subject: { CN: 'Shipped Root' } });
const good = makeCertificate({ subject: { CN: 'Good Root' } });
const blocklist = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [
    advisory({
      id: 'planted',
      title: 'Planted',
      severity: 'high',
      certificates: [blocked(bad), blocked(shipped, { id: 'shipped', stillShippedBy: ['apple'] })],
    }),
  ],
});
const files = makeTree({
  '/bad.pem': bad.pem,
  '/certs/bad.pem': bad.pem,
  '/bad.der': bad.der,
  '/bad.jks': jks([jksTrusted('planted', bad.der)]),
  '/shipped.pem': shipped.pem,
  '/bundle.pem': good.pem + bad.pem,
  '/good.pem': good.pem,
  '/key.pem': good.key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  '/cut.pem': good.pem.slice(0, 200),
  '/--version': bad.pem,
});
const check = (...args: readonly string[]): ReturnType<typeof rootaudit> =>
  rootaudit(['check', '--blocklist', blocklist, ...args], {}, files);

describe('check', () => {
  it.each([
    ['a PEM file', ['bad.pem'], 1, 'bad.pem: high: CN=Planted Root (planted: Planted)\n'],
    ['a DER file', ['bad.der'], 1, 'bad.der: high: CN=Planted Root (planted: Planted)\n'],
    ['a keystore', ['bad.jks'], 1, 'bad.jks: high: CN=Planted Root (planted: Planted)\n'],
    ['a root that clean systems ship not', ['shipped.pem'], 0, ''],
    ['a bundle', ['bundle.pem'], 1, 'bundle.pem: high: CN=Planted Root (planted: Planted)\n'],
    [
      'a name like an option',
      ['--', '--version'],
      1,
      '--version: high: CN=Planted Root (planted: Planted)\n',
    ],
    ['nothing at or above --fail-on', ['--fail-on', 'critical', 'bad.pem'], 0, ''],
    ['nothing', ['good.pem', 'key.pem'], 0, ''],
    [
      'nothing readable',
      ['good.pem', 'cut.pem'],
      3,
      'cut.pem: not read: the block "CERTIFICATE" is not terminated\n',
    ],
    [
      'nothing readable, as allowed',
      ['--allow-incomplete', 'cut.pem'],
      0,
      'cut.pem: not read: the block "CERTIFICATE" is not terminated\n',
    ],
  ])('tells of %s', (_what, args, status, stdout) => {
    expect(check('--quiet', ...args)).toEqual({ status, stdout, stderr: '' });
  });

  it('says how much it looked at', () => {
    const { stdout } = check('bad.pem', 'bundle.pem', 'key.pem');
    expect(stdout.split('\n').at(-2)).toBe('3 files, 3 certificates: 2 on the blocklist at or above medium.');
    expect(check('good.pem').stdout).toBe(
      '1 file, 1 certificate: none on the blocklist at or above medium.\n',
    );
  });

  it('tells with --verbose of a root that clean systems ship', () => {
    const { status, stdout } = check('--verbose', 'shipped.pem');
    expect(status).toBe(0);
    expect(stdout).toContain('shipped.pem: high: CN=Shipped Root (planted: Planted, shipped by apple)\n');
  });

  describe('with a policy', () => {
    const waiver = (more: string): string =>
      `version: 1\nwaivers:\n  - ${more}\n    reason: old tests\n    owner: us\n`;
    const policies = makeTree({
      '/by-fingerprint.yaml': `${waiver(`sha256: ${bad.sha256}`)}    expires: 2999-01-01\n`,
      '/by-path.yaml': `${waiver('advisory: planted\n    paths: /certs')}    expires: 2999-01-01\n`,
      '/past.yaml': `${waiver('advisory: planted')}    expires: 2020-01-01\n`,
      '/severity.yaml': 'version: 1\nfail-on: critical\n',
      '/unrecognised.yaml': 'version: 1\nfail-on: [critical, unrecognised]\n',
      '/forbid.yaml': `version: 1\nforbid:\n  - sha256: ${good.sha256}\n    reason: ours no longer\n`,
      '/forbid-shipped.yaml': `version: 1\nforbid:\n  - sha256: ${shipped.sha256}\n`,
      '/machines.yaml': `version: 1\nonly: []\nrequire:\n  - sha256: ${shipped.sha256}\n`,
    });
    const line = 'high: CN=Planted Root (planted: Planted)\n';
    it.each([
      ['waives by fingerprint', 'by-fingerprint', ['bad.pem', 'bad.jks'], 0, ''],
      ['waives by path', 'by-path', ['certs/bad.pem'], 0, ''],
      ['waives nothing elsewhere', 'by-path', ['certs/bad.pem', 'bad.pem'], 1, `bad.pem: ${line}`],
      [
        'ends what is past',
        'past',
        ['bad.pem'],
        1,
        `bad.pem: ${line}bad.pem: expired-waiver: CN=Planted Root (It was waived until 2020-01-01, which is past.)\n`,
      ],
      ['has the severity', 'severity', ['bad.pem'], 0, ''],
      ['goes after the command line', 'severity', ['--fail-on', 'low', 'bad.pem'], 1, `bad.pem: ${line}`],
      ['asks files for no programme', 'unrecognised', ['good.pem'], 0, ''],
      [
        'forbids',
        'forbid',
        ['good.pem'],
        1,
        `good.pem: forbidden: CN=Good Root (The policy forbids it: sha256 ${good.sha256}.)\n`,
      ],
      [
        'forbids also what clean systems ship',
        'forbid-shipped',
        ['shipped.pem'],
        1,
        `shipped.pem: forbidden: CN=Shipped Root (The policy forbids it: sha256 ${shipped.sha256}.)\n`,
      ],
      ['asks of files nothing that is for machines', 'machines', ['good.pem'], 0, ''],
    ])('%s', (_what, policy, args, status, stdout) => {
      const run = check('--quiet', '--policy', join(policies, `${policy}.yaml`), ...args);
      expect(run).toEqual({ status, stdout, stderr: '' });
    });

    it('finds rootaudit.yaml, and leaves it with --no-policy', () => {
      const project = makeTree({
        '/rootaudit.yaml': 'version: 1\nfail-on: critical\n',
        '/sub/x.pem': bad.pem,
      });
      const run = (...args: readonly string[]): number | null =>
        rootaudit(['check', '--blocklist', blocklist, ...args, 'x.pem'], {}, join(project, 'sub')).status;
      expect([run(), run('--no-policy')]).toEqual([0, 1]);
    });

    it('tells with --verbose what is waived', () => {
      const { stdout } = check('-v', '--policy', join(policies, 'by-fingerprint.yaml'), 'bad.pem');
      expect(stdout).toBe(
        'bad.pem: high: CN=Planted Root (planted: Planted, waived until 2999-01-01)\n1 file, 1 certificate: none on the blocklist at or above medium.\n',
      );
    });
  });

  describe('for programs', () => {
    const json = (...args: readonly string[]): unknown => JSON.parse(check('-f', 'json', ...args).stdout);

    it('is the report of a scan that takes each file for a store', () => {
      const report = json('bundle.pem', './certs/bad.pem', 'shipped.pem', 'cut.pem', 'bad.jks');
      expect(schemaCheck('report')(report)).toBe('');
      expect(report).toMatchObject({
        target: { kind: 'files', reference: realpathSync(files) },
        complete: false,
        stores: [
          { type: 'certificate-file', path: 'bundle.pem', anchors: 2 },
          { path: 'certs/bad.pem', anchors: 1 },
          { path: 'shipped.pem' },
          { path: 'cut.pem', status: 'malformed' },
          { path: 'bad.jks' },
        ],
        findings: [
          {
            advisory: 'planted',
            status: 'trusted',
            certificate: { sha256: bad.sha256 },
            locations: [
              {
                path: 'bundle.pem',
                entry: 'certificate 2 of 2',
                lines: { first: good.pem.split('\n').length },
              },
              { path: 'certs/bad.pem' },
              { path: 'bad.jks', entry: 'planted' },
            ],
            remediations: [{ disposition: 'manual' }, {}, {}],
          },
          { status: 'present', certificate: { sha256: shipped.sha256 }, stillShippedBy: ['apple'] },
        ],
        problems: [{ path: 'cut.pem', line: 1 }],
      });
    });

    it('has whole paths when a file is elsewhere', () => {
      const other = makeTree({ '/other.pem': bad.pem });
      const report = json('good.pem', join(other, 'other.pem'));
      const here = realpathSync(files);
      expect(report).toMatchObject({
        target: { reference: '/' },
        stores: [{ path: `${here}/good.pem` }, { path: join(other, 'other.pem') }],
      });
      const { stdout } = check('-q', 'good.pem', join(other, 'other.pem'));
      expect(stdout).toBe(`${join(other, 'other.pem')}: high: CN=Planted Root (planted: Planted)\n`);
    });

    it('is SARIF with lines of files in the repository, and the exit code', () => {
      const { status, stdout } = check('-f', 'sarif', 'bundle.pem', 'certs/bad.pem', 'good.pem');
      const log: unknown = JSON.parse(stdout);
      expect(checkSarif(log)).toBe('No errors');
      const place = (uri: string, startLine: number): object => ({
        message: { text: expect.stringContaining(`CN=Planted Root is held in ${uri} `) },
        locations: [{ physicalLocation: { artifactLocation: { uri }, region: { startLine } } }],
      });
      expect(log).toMatchObject({
        runs: [
          {
            invocations: [{ exitCode: status, executionSuccessful: true }],
            originalUriBaseIds: { ROOTPATH: { uri: `file://${realpathSync(files)}/` } },
            results: [place('bundle.pem', good.pem.split('\n').length), place('certs/bad.pem', 1)],
          },
        ],
      });
    });

    it('is JUnit with a test for each file', () => {
      const { stdout } = check('-f', 'junit', 'bad.pem', 'good.pem', 'cut.pem');
      expect(stdout).toContain('tests="4" failures="1" errors="1"');
      expect(stdout).toContain('name="good.pem holds no listed root of severity medium or worse"');
      expect(stdout).toContain('name="bad.pem does not hold Planted Root');
    });

    it('is a line for each record, after the schema', () => {
      const { stdout } = check('-f', 'ndjson', 'bad.pem', 'cut.pem');
      const records = stdout
        .trimEnd()
        .split('\n')
        .map((each): unknown => JSON.parse(each));
      expect(records.map(schemaCheck('records')).join('')).toBe('');
      expect(records).toMatchObject([
        { type: 'scan', complete: false },
        { type: 'store' },
        { type: 'store' },
        { type: 'finding', location: { path: 'bad.pem' } },
        { type: 'problem' },
      ]);
    });

    it.each([
      ['json', ['bad.pem'], 1],
      ['json', ['good.pem'], 0],
      ['sarif', ['--fail-on', 'critical', 'bad.pem'], 0],
      ['ndjson', ['good.pem', 'cut.pem'], 3],
      ['csv', ['--allow-incomplete', 'cut.pem'], 0],
      ['json', ['--fail-on', 'low', 'shipped.pem'], 0],
    ])('ends as ever, as %s of %j', (format, args, status) => {
      expect(check('-f', format, ...args).status).toBe(status);
    });

    it('goes into a file beside what people read', () => {
      const file = join(makeTemporaryDirectory(), 'out.json');
      const { stdout } = check('-q', '-f', 'table', '-f', `json=${file}`, 'bad.pem');
      expect(stdout).toBe('bad.pem: high: CN=Planted Root (planted: Planted)\n');
      expect(schemaCheck('report')(JSON.parse(readFileSync(file, 'utf8')))).toBe('');
    });
  });

  it.each([
    ['a format that speaks of machines', ['-f', 'html', 'bad.pem'], 'check does not print html'],
    ['what only a scan can fail on', ['--fail-on', 'unrecognised', 'bad.pem'], 'Allowed are info, low'],
    ['a file that is not there', ['nothing.pem'], 'there is no nothing.pem'],
    ['a directory', ['.'], '. is not a file'],
    ['no file at all', [], "missing required argument 'files'"],
    ['a severity that there is none of', ['--fail-on', 'bad', 'bad.pem'], 'Allowed are info, low'],
  ])('refuses %s', (_what, args, message) => {
    const { status, stdout, stderr } = check(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});
