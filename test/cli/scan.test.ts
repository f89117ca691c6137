import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { PROJECT, rootaudit, scanReport } from '../support/rootaudit.ts';
import { makeTemporaryDirectory, makeTree, type Node } from '../support/tree.ts';

const bad = makeCertificate({ subject: { C: 'KZ', O: 'State', CN: 'Planted Root' } });
const shipped = makeCertificate({ subject: { CN: 'Shipped Root' } });
const good = makeCertificate({ subject: { CN: 'Good Root' } });

const BLOCKLIST = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [
    advisory({
      id: 'planted',
      title: 'Planted',
      severity: 'critical',
      certificates: [blocked(bad, { id: 'planted' })],
    }),
    advisory({
      id: 'shipped',
      severity: 'low',
      certificates: [blocked(shipped, { id: 'shipped', stillShippedBy: ['apple', 'microsoft'] })],
    }),
  ],
  certificates: [bad.der, shipped.der],
});

/** A Debian root with the given local certificates, as update-ca-certificates leaves it. */
function debian(tree: Readonly<Record<string, Node>> = {}): string {
  return makeTree({
    '/etc/os-release': 'ID=debian\n',
    '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
    '/etc/ca-certificates.conf': '# comment\nmozilla/Good.crt\n!mozilla/Off.crt\n',
    '/usr/share/ca-certificates/mozilla/Good.crt': good.pem,
    '/etc/ssl/certs/ca-certificates.crt': good.pem,
    '/etc/ssl/certs/Good.pem': { link: '/usr/share/ca-certificates/mozilla/Good.crt' },
    '/etc/ssl/certs/0a1b2c3d.0': { link: 'Good.pem' },
    ...tree,
  });
}

const planted = {
  '/usr/local/share/ca-certificates/planted.crt': bad.pem,
  '/etc/ssl/certs/ca-certificates.crt': good.pem + bad.pem,
  '/etc/ssl/certs/planted.pem': { link: '/usr/local/share/ca-certificates/planted.crt' },
};

const scan = (root: string, ...args: readonly string[]): ReturnType<typeof scanReport> =>
  scanReport(['--root', root, '--blocklist', BLOCKLIST, ...args]);

describe('exit codes', () => {
  const broken = {
    '/usr/local/share/ca-certificates/broken.crt':
      '-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n',
  };
  it.each([
    ['0 when everything was read and nothing found', {}, [], 0],
    ['1 when a listed root is trusted', planted, [], 1],
    ['1 when one is found, though a store is broken', { ...planted, ...broken }, [], 1],
    ['3 when nothing is found but a store is broken', broken, [], 3],
    ['0 for a broken store that may be', broken, ['--allow-incomplete'], 0],
    [
      '0 for a root below the severity asked for',
      { '/usr/local/share/ca-certificates/s.crt': shipped.pem },
      [],
      0,
    ],
    [
      '1 for the same root when low is asked for',
      { '/usr/local/share/ca-certificates/s.crt': shipped.pem },
      ['--fail-on', 'low'],
      1,
    ],
    [
      '0 for a root that is held and not trusted',
      { '/usr/share/ca-certificates/mozilla/Off.crt': bad.pem },
      [],
      0,
    ],
  ] as const)('%s', (_what, tree, args, expected) => {
    expect(rootaudit(['scan', '--root', debian(tree), '--blocklist', BLOCKLIST, ...args]).status).toBe(
      expected,
    );
  });

  it.each([
    ['an unknown option', ['scan', '--nonsense']],
    ['an unknown command', ['scna']],
    ['an unknown severity', ['scan', '--fail-on', 'terrible']],
    ['a root that does not exist', ['scan', '--root', '/no/such/directory']],
    ['a root that is a file', ['scan', '--root', '/etc/passwd']],
    ['a blocklist that does not exist', ['scan', '--blocklist', '/no/such/list']],
    ['something that cannot be explained', ['explain', 'no-such-thing']],
  ])('2 for %s, with a hint on standard error', (_what, args) => {
    const { status, stdout, stderr } = rootaudit(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.split('\n').length).toBeGreaterThan(1);
  });

  it('2 for a blocklist that was tampered with', () => {
    const list = writeBlocklist(makeTemporaryDirectory(), { advisories: [advisory({ id: 'a' })] });
    const file = join(list, 'advisories/a.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('critical', 'info'));
    const { status, stderr } = rootaudit(['scan', '--blocklist', list]);
    expect(status).toBe(2);
    expect(stderr).toContain('advisories/a.json differs from the digest');
  });

  it.each([['--help'], ['scan', '--help'], ['--version']])('0 for %s', (...args) => {
    expect(rootaudit(args).status).toBe(0);
  });
});

describe('the report', () => {
  it('makes one finding of one planted root, with every location and the remedy at its source', () => {
    const root = debian(planted);
    const { findings, stores, complete } = scan(root);
    expect(complete).toBe(true);
    expect(stores.map(({ type, status, anchors }) => [type, status, anchors])).toEqual([
      ['debian-ca-certificates', 'read', 1],
      ['debian-local-anchors', 'read', 1],
      ['debian-bundle', 'read', 2],
      ['debian-bundle', 'read', 2],
    ]);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({
      advisory: 'planted',
      severity: 'critical',
      match: 'certificate',
      status: 'trusted',
      certificate: {
        sha256: bad.sha256,
        subject: 'CN=Planted Root,O=State,C=KZ',
        notBefore: '2020-01-01T00:00:00Z',
      },
    });
    const source = 'debian-local-anchors:/usr/local/share/ca-certificates';
    expect(findings[0]?.locations.map(({ path, generatedFrom }) => [path, generatedFrom])).toEqual([
      ['/usr/local/share/ca-certificates/planted.crt', []],
      ['/etc/ssl/certs/ca-certificates.crt', [source]],
      ['/etc/ssl/certs/planted.pem', [source]],
    ]);
    expect(findings[0]?.remediations.map(({ store, disposition }) => [store, disposition])).toEqual([
      [source, 'safe'],
    ]);
  });

  it('has no removal command for a root that clean systems ship, unless asked', () => {
    const root = debian({ '/usr/local/share/ca-certificates/s.crt': shipped.pem });
    expect(scan(root).findings).toMatchObject([{ advisory: 'shipped', remediations: [] }]);
    expect(scan(root, '--remove-shipped').findings[0]?.remediations).toHaveLength(1);
  });

  it('lists a root held without trust as present', () => {
    const root = debian({ '/usr/share/ca-certificates/mozilla/Off.crt': bad.pem });
    expect(scan(root).findings).toMatchObject([{ status: 'present', remediations: [] }]);
  });

  it('never names a path of this machine for what lies in the image', () => {
    const report = scan(debian(planted));
    for (const { path } of [...report.stores, ...report.findings.flatMap(({ locations }) => locations)]) {
      expect(path).toMatch(/^\/(?:etc|usr)\//);
    }
  });

  it.each([
    ['a clean system', {}],
    ['a planted root', planted],
    ['a broken store', { '/usr/local/share/ca-certificates/broken.crt': 'junk' }],
    ['nothing at all', { '/etc/ca-certificates.conf': '' }],
  ] as const)('follows its schema for %s', (_what, tree) => {
    const validate = new Ajv2020({ allErrors: true });
    addFormats.default(validate);
    const schema: unknown = JSON.parse(readFileSync(join(PROJECT, 'docs/report.schema.json'), 'utf8'));
    if (typeof schema !== 'object' || schema === null) throw new Error('schema expected');
    const { exitCode: _exit, ...report } = scan(debian(tree));
    expect(validate.validate(schema, report), JSON.stringify(validate.errors)).toBe(true);
  });
});

describe('problems', () => {
  it.each([
    ['a truncated certificate block', '-----BEGIN CERTIFICATE-----\nMIIB\n', /crt.*:1: /],
    [
      'bad base64',
      `x\n-----BEGIN CERTIFICATE-----\nMI!B\n-----END CERTIFICATE-----\n${good.pem}`,
      /crt.*:\d+: /,
    ],
    ['binary junk', Buffer.from('ff00ff00ff00', 'hex'), /crt.*: /],
  ])('%s is one problem with path and place, and the scan goes on', (_what, content, expected) => {
    const root = debian({ '/usr/local/share/ca-certificates/bad.crt': content, ...planted });
    const { problems, findings, complete } = scan(root);
    expect(problems.map(({ path }) => path)).toEqual(['/usr/local/share/ca-certificates/bad.crt']);
    expect({ complete, findings: findings.length }).toEqual({ complete: false, findings: 1 });
    const { stdout } = rootaudit(['scan', '--root', root, '--blocklist', BLOCKLIST]);
    expect(stdout).toMatch(expected);
  });

  it('a link out of the root, a link loop and a directory in place of a file do no harm', () => {
    const root = debian({
      '/usr/local/share/ca-certificates/loop.crt': { link: 'loop.crt' },
      '/usr/local/share/ca-certificates/out.crt': {
        link: '../../../../../../../../etc/ssl/certs/ca-certificates.crt',
      },
      '/usr/local/share/ca-certificates/directory.crt/file.crt': bad.pem,
    });
    const { problems, findings, stores } = scan(root);
    expect(problems).toMatchObject([{ code: 'link-loop' }]);
    expect(findings).toHaveLength(1);
    expect(stores.find(({ type }) => type === 'debian-local-anchors')?.anchors).toBe(2);
  });

  it.skipIf(process.getuid?.() === 0)('a file without permission is unreadable, never clean', () => {
    const root = debian(planted);
    chmodSync(join(root, 'usr/local/share/ca-certificates/planted.crt'), 0);
    expect(scan(root)).toMatchObject({ complete: false, problems: [{ code: 'unreadable' }] });
  });
});

describe('text for people', () => {
  const evil = makeCertificate({ subject: { CN: '\u001b]0;owned\u0007\u202eevil', O: '`id`' } });
  const list = writeBlocklist(makeTemporaryDirectory(), {
    advisories: [advisory({ id: 'evil', certificates: [blocked(evil)] })],
  });

  it.each(['table', 'json'])(
    'never sends a control character of a certificate or a path to the terminal (%s)',
    (format) => {
      const root = debian({ '/usr/local/share/ca-certificates/a\u001b[2Jb\n.crt': evil.pem });
      const { stdout } = rootaudit([
        'scan',
        '--root',
        root,
        '--blocklist',
        list,
        '--format',
        format,
        '--verbose',
      ]);
      expect(stdout).toContain('evil');
      expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    },
  );

  it.each([
    ['no colour into a pipe', {}, false],
    ['colour when forced', { FORCE_COLOR: '1' }, true],
    ['no colour with NO_COLOR', { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ] as const)('has %s', (_what, environment, coloured) => {
    const { stdout } = rootaudit(['scan', '--root', debian(planted), '--blocklist', BLOCKLIST], environment);
    expect(stdout.includes('\u001b[')).toBe(coloured);
  });

  it('says what was found, where, and how to remove it and put it back', () => {
    const { stdout } = rootaudit(['scan', '--root', debian(planted), '--blocklist', BLOCKLIST]);
    for (const part of [
      'CRITICAL',
      'CN=Planted Root',
      'https://example.org/incident',
      'Remove, as root:',
      'Undo:',
    ]) {
      expect(stdout).toContain(part);
    }
    expect(stdout.trimEnd().split('\n').at(-3)).toBe(
      '4 stores read, 6 certificates in them. 1 listed root trusted: 1 critical.',
    );
  });

  it('does not call an empty root clean', () => {
    const { stdout, status } = rootaudit([
      'scan',
      '--root',
      makeTree({ '/file': '' }),
      '--blocklist',
      BLOCKLIST,
    ]);
    expect(stdout).toContain('No trust store was found');
    expect(status).toBe(0);
  });
});
