import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/report/report.ts';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { PROJECT, rootaudit, type Run } from '../support/rootaudit.ts';
import { makeTemporaryDirectory, makeTree, type Node } from '../support/tree.ts';

const bad = makeCertificate({ subject: { O: 'State', CN: 'Planted Root' } });
const own = makeCertificate({ subject: { O: 'Example', CN: 'Own Root' } });
const evil = makeCertificate({ subject: { O: '\u001b]0;x\u0007\u202eevil', CN: 'Evil' } });

const BLOCKLIST = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [advisory({ id: 'planted', certificates: [blocked(bad, { id: 'planted' })] })],
  certificates: [bad.der],
});

const LOCAL = '/usr/local/share/ca-certificates';
const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';

/** A Debian root that trusts these. */
function rootWith(...certificates: readonly { readonly pem: string }[]): string {
  const files: Record<string, Node> = {
    '/etc/ca-certificates.conf': '',
    [BUNDLE]: certificates.map(({ pem }) => pem).join(''),
  };
  for (const [i, { pem }] of certificates.entries()) files[`${LOCAL}/${i}.crt`] = pem;
  return makeTree(files);
}

const clean = rootWith(own);
const planted = rootWith(own, bad);

/** A directory with this policy, and others' files beside it. */
function project(policy: string, tree: Readonly<Record<string, Node>> = {}): string {
  return makeTree({ '/.git/HEAD': '', '/rootaudit.yaml': `version: 1\n${policy}`, ...tree });
}

function scan(cwd: string, root: string, ...args: readonly string[]): Run & { readonly report?: Report } {
  const run = rootaudit(['scan', '--root', root, '--blocklist', BLOCKLIST, ...args], {}, cwd);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it promises is checked below
  return args.includes('json') ? { ...run, report: JSON.parse(run.stdout) as Report } : run;
}

const WAIVER = '    reason: replaced in June\n    owner: me@example.org\n';
const waiver = (expires: string, rule = 'advisory: planted'): string =>
  `waivers:\n  - ${rule}\n${WAIVER}    expires: ${expires}\n`;

describe('the exit code with a policy', () => {
  it.each([
    ['is 1 for a finding', '', planted, 1],
    ['is 0 for a finding that is waived', waiver('2999-01-01'), planted, 0],
    ['is 1 when the waiver has ended', waiver('2020-01-01'), planted, 1],
    ['is 0 for a waiver that has ended and is not needed', waiver('2020-01-01'), clean, 0],
    ['is 0 when nothing is as bad', 'fail-on: critical', clean, 0],
    ['is 1 for what is forbidden', 'forbid:\n  - organisation: Example', clean, 1],
    ['is 0 for what is forbidden elsewhere', 'forbid:\n  - organisation: Example\n    paths: /opt', clean, 0],
    ['is 1 for what only does not name', 'only:\n  - organisation: Other', clean, 1],
    ['is 0 for what only names', `only:\n  - sha256: ${own.sha256}`, clean, 0],
    ['is 1 for what is missing', `require:\n  - sha256: ${bad.sha256}`, clean, 1],
    [
      'is 0 for what is there',
      'require:\n  - organisation: Example\n    paths: [/usr/local, /etc/ssl/certs/ca-certificates.crt]',
      clean,
      0,
    ],
    ['is 2 for a policy with a mistake', 'requires: []', clean, 2],
  ])('%s', (_what, policy, root, expected) => {
    expect(scan(project(policy), root).status).toBe(expected);
  });

  it('follows --fail-on rather than the policy', () => {
    const strict = writeBlocklist(makeTemporaryDirectory(), {
      advisories: [advisory({ id: 'low', severity: 'low', certificates: [blocked(bad, { id: 'low' })] })],
      certificates: [bad.der],
    });
    const status = (policy: string, ...args: readonly string[]): number | null =>
      rootaudit(['scan', '--root', planted, '--blocklist', strict, ...args], {}, project(policy)).status;
    expect([
      status(''),
      status('fail-on: low'),
      status('fail-on: low', '--fail-on', 'high'),
      status('fail-on: high', '--fail-on', 'low'),
      status('fail-on: low', '--no-policy'),
    ]).toEqual([0, 1, 0, 1, 0]);
  });
});

describe('--fail-on unrecognised', () => {
  it.each([
    ['fails on a root that no root programme ships', '', clean, ['--fail-on', 'unrecognised'], 1],
    ['is asked for by the policy', 'fail-on: [critical, unrecognised]', clean, [], 1],
    ['needs no policy', '', clean, ['--no-policy', '--fail-on', 'high,unrecognised'], 1],
    [
      'does not mind a root that the policy allows',
      'fail-on: unrecognised\nallow:\n  - organisation: Example',
      clean,
      [],
      0,
    ],
    [
      'still fails on the blocklist',
      'fail-on: unrecognised\nallow:\n  - organisation: Example',
      planted,
      [],
      1,
    ],
    ['is not asked for', '', clean, [], 0],
  ] as const)('%s', (_what, policy, root, args, expected) => {
    expect(scan(project(policy), root, ...args).status).toBe(expected);
  });

  it('says which', () => {
    const { report } = scan(makeTemporaryDirectory(), clean, '--fail-on', 'unrecognised', '-f', 'json');
    expect(report?.policy).toMatchObject({
      file: '',
      violations: [{ kind: 'unrecognised', certificate: { sha256: own.sha256 } }],
      notes: [],
    });
    const { stdout } = scan(makeTemporaryDirectory(), clean, '--fail-on', 'unrecognised');
    expect(stdout).toContain(' UNRECOGNISED  CN=Own Root,O=Example\n');
  });
});

describe('a policy', () => {
  it('is found above the working directory, named, or left aside', () => {
    const directory = project('forbid:\n  - organisation: Example');
    mkdirSync(join(directory, 'a/b'), { recursive: true });
    const below = join(directory, 'a/b');
    const nowhere = makeTemporaryDirectory();
    expect(scan(below, clean).stdout).toContain('policy ../../rootaudit.yaml,');
    expect(scan(below, clean, '--no-policy').status).toBe(0);
    expect(scan(nowhere, clean).status).toBe(0);
    const named = scan(nowhere, clean, '--policy', join(directory, 'rootaudit.yaml'));
    expect(named.status).toBe(1);
    expect(scan(nowhere, clean, '--policy', 'gone.yaml')).toMatchObject({ status: 2, stdout: '' });
  });

  it('with mistakes has each told with its place, and nothing is scanned', () => {
    const { status, stdout, stderr } = scan(project('forbids: []\nfail-on: hihg'), planted);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(
      [
        'rootaudit: 2 mistakes in rootaudit.yaml',
        'rootaudit.yaml:2:1: unknown key "forbids" in the policy: did you mean "forbid"?',
        'rootaudit.yaml:3:10: fail-on is one of info, low, medium, high, critical, unrecognised, not "hihg": did you mean "high"?',
        'docs/policy.md has every key; rootaudit init writes an example.',
        '',
      ].join('\n'),
    );
  });

  it('sends no control character of its text to the terminal', () => {
    const hostile = 'forbid:\n  - organisation: Example\n    reason: "\\e]0;x\\a\\u202e why"\n';
    const { stdout } = scan(project(hostile), rootWith(own, evil));
    expect(stdout).toContain('why');
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    const { stderr } = scan(project('"\\e]0;x\\a": 1'), clean);
    expect(stderr.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('tells how a forbidden root leaves, at its source', () => {
    const { report } = scan(
      project('forbid:\n  - organisation: Example\n    stores: debian-bundle'),
      clean,
      '-f',
      'json',
    );
    const [violation] = report?.policy?.violations ?? [];
    expect(violation).toMatchObject({ kind: 'forbidden', line: 3, certificate: { sha256: own.sha256 } });
    expect(violation?.locations.map(({ path }) => path)).toEqual([BUNDLE]);
    expect(violation?.remediations.map(({ store }) => store)).toEqual([`debian-local-anchors:${LOCAL}`]);
  });

  it('has only read from a file of certificates beside it', () => {
    const directory = project('only:\n  - file: roots/ours.pem', { '/roots/ours.pem': own.pem });
    expect(scan(directory, clean).status).toBe(0);
    const { report, status } = scan(directory, rootWith(own, evil), '-f', 'json');
    expect(status).toBe(1);
    expect(report?.policy?.violations.map(({ kind, certificate }) => [kind, certificate?.sha256])).toEqual([
      ['not-allowed', evil.sha256],
    ]);
  });

  it('makes a report that follows its schema', () => {
    const validate = new Ajv2020({ allErrors: true });
    addFormats.default(validate);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- validating by it is the check
    const schema = JSON.parse(readFileSync(join(PROJECT, 'docs/report.schema.json'), 'utf8')) as object;
    const policies = [
      waiver('2999-01-01'),
      waiver('2020-01-01'),
      `only: []\nrequire:\n  - organisation: X\n  - organisation: Y\n    stores: debian-*\nforbid:\n  - organisation: Example\n${waiver('2999-01-01', `sha256: ${own.sha256}`)}`,
    ];
    for (const policy of policies) {
      const { report } = scan(project(policy), planted, '-f', 'json');
      expect(validate.validate(schema, report), JSON.stringify(validate.errors)).toBe(true);
    }
  });
});

describe('text about a policy', () => {
  it('has a waived finding in a line', () => {
    const { stdout } = scan(project(waiver('2999-01-01')), planted);
    expect(stdout).toMatch(
      /Accepted\n {2}critical +[0-9a-f]{8} +Planted Root +planted +waived until 2999-01-01 by me@example.org: replaced in June\n/,
    );
    expect(stdout).not.toContain('Remove');
    expect(stdout.trimEnd().split('\n').at(-1)).toContain('1 of them waived.');
  });

  it('says that a waiver has ended, and what it was', () => {
    const { stdout } = scan(project(waiver('2020-01-01')), planted);
    for (const part of [
      ' EXPIRED WAIVER  CN=Planted Root,O=State  rootaudit.yaml:3',
      'It was waived until 2020-01-01, which is past.',
      'Reason: replaced in June',
      'Owner: me@example.org',
      'CRITICAL',
      '1 violation of the policy.',
    ]) {
      expect(stdout).toContain(part);
    }
  });

  it('has violations in full', () => {
    const policy =
      'forbid:\n  - organisation: Example\n    reason: not here\nrequire:\n  - organisation: X\n    stores: debian-bundle';
    const { stdout } = scan(project(policy), clean);
    for (const part of [
      ' FORBIDDEN  CN=Own Root,O=Example  rootaudit.yaml:3',
      'The policy forbids it: organisation Example.',
      'Reason: not here',
      `SHA-256 ${own.sha256}`,
      'Remove, as root:',
      ' MISSING  organisation X  rootaudit.yaml:6',
      `missing  ${BUNDLE}`,
      'None of them trusts a root on the blocklist. 2 violations of the policy.',
    ]) {
      expect(stdout).toContain(part);
    }
  });

  it('does not fill the screen with a policy that permits nothing', () => {
    const many = Array.from({ length: 25 }, (_, i) =>
      makeCertificate({ subject: { CN: `Root ${i}` }, key: own.key }),
    );
    const { stdout } = scan(project('only: []'), rootWith(...many));
    expect(stdout.match(/ NOT ALLOWED /g)).toHaveLength(20);
    expect(stdout).toContain('… and 5 more violations of the policy (--verbose prints them)');
  });
});

describe('--baseline', () => {
  function save(root: string, cwd: string, ...args: readonly string[]): string {
    const file = join(makeTemporaryDirectory(), 'baseline.json');
    writeFileSync(file, scan(cwd, root, '-f', 'json', ...args).stdout);
    return file;
  }
  const nowhere = makeTemporaryDirectory();

  it('fails only on what is new', () => {
    const baseline = save(planted, nowhere);
    expect(scan(nowhere, planted, '--baseline', baseline).status).toBe(0);
    expect(scan(nowhere, planted, '--baseline', save(clean, nowhere)).status).toBe(1);
    const { stdout } = scan(nowhere, planted, '--baseline', baseline);
    expect(stdout).toMatch(
      /Accepted\n {2}critical +[0-9a-f]{8} +Planted Root +planted +known from the baseline\n/,
    );
    const elsewhere = makeTree({ '/etc/ca-certificates.conf': '', [`${LOCAL}/new.crt`]: bad.pem });
    expect(scan(nowhere, elsewhere, '--baseline', baseline).status).toBe(1);
  });

  it('knows violations of the policy', () => {
    const directory = project('forbid:\n  - organisation: Example');
    const baseline = save(clean, directory);
    expect(scan(directory, clean, '--baseline', baseline).status).toBe(0);
    expect(scan(directory, rootWith(own, own), '--baseline', baseline).status).toBe(1);
  });

  it.each([
    ['a file that is missing', 'gone.json', 'gone.json does not exist'],
    ['a directory', '.', '. is not a file'],
    ['a policy', 'rootaudit.yaml', 'rootaudit.yaml is not JSON'],
    ['a snapshot', 'snapshot.json', 'snapshot.json is a snapshot: it does not say what is on the blocklist'],
    ['something else', 'other.json', 'other.json is no report or snapshot: schemaVersion must be 1'],
  ])('refuses %s', (_what, file, message) => {
    const snapshot = rootaudit(['list', '--root', clean, '-f', 'json']).stdout;
    const directory = project('', { '/snapshot.json': snapshot, '/other.json': '{}' });
    const { status, stdout, stderr } = scan(directory, clean, '--baseline', file);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});

describe('rootaudit init', () => {
  it('writes a policy that changes nothing, once', () => {
    const directory = makeTemporaryDirectory();
    expect(rootaudit(['init'], {}, directory)).toMatchObject({ status: 0, stderr: '' });
    expect(scan(directory, planted).status).toBe(1);
    expect(scan(directory, clean).status).toBe(0);
    const file = join(directory, 'rootaudit.yaml');
    writeFileSync(file, 'mine');
    expect(rootaudit(['init'], {}, directory)).toMatchObject({
      status: 2,
      stderr: 'rootaudit: rootaudit.yaml is there already\n--force replaces it.\n',
    });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(rootaudit(['init', '--force'], {}, directory).status).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain('version: 1');
  });

  it('does not write through a link that leads nowhere', () => {
    const directory = makeTree({ '/rootaudit.yaml': { link: '/no/such/place' } });
    expect(rootaudit(['init'], {}, directory).status).toBe(2);
  });
});
