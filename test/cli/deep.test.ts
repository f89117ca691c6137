import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { scan as scanTarget } from '../../src/audit/scan.ts';
import { openBlocklist } from '../../src/blocklist/load.ts';
import type { Certificate } from '../../src/core/certificate.ts';
import { scanPrograms } from '../../src/deep/deep.ts';
import { createMatcher } from '../../src/match/matcher.ts';
import { nssDatabase } from '../../src/selftest/nss-database.ts';
import { PLANTS } from '../../src/selftest/plants.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { makeRoot } from '../support/root.ts';
import { PROJECT, rootaudit, scanReport } from '../support/rootaudit.ts';
import { makeTemporaryDirectory, makeTree, type Node } from '../support/tree.ts';

const bad = makeCertificate({ subject: { C: 'KZ', O: 'State', CN: 'Built-in Root' } });
const shipped = makeCertificate({ subject: { CN: 'Shipped Root' } });

const BLOCKLIST = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [
    advisory({ id: 'bad', severity: 'high', certificates: [blocked(bad, { id: 'bad' })] }),
    advisory({
      id: 'shipped',
      severity: 'low',
      certificates: [blocked(shipped, { id: 'shipped', stillShippedBy: ['apple'] })],
    }),
  ],
  certificates: [bad.der, shipped.der],
});

const program = Buffer.concat([Buffer.alloc(4096), bad.der]);
const LOCAL = '/usr/local/share/ca-certificates/a.crt';

const scan = (
  tree: Readonly<Record<string, Node>>,
  ...args: readonly string[]
): ReturnType<typeof scanReport> => scanReport(['--root', makeTree(tree), '--blocklist', BLOCKLIST, ...args]);

const compare = (a: string, b: string): number => a.localeCompare(b);

describe('scan --deep', () => {
  it('reports a program that has a listed root built in, as a location of its own kind', () => {
    const { exitCode, findings, stores } = scan({ '/opt/browser/browser': program }, '--deep');
    expect(exitCode).toBe(1);
    expect(stores).toMatchObject([
      { type: 'embedded', path: '/opt/browser/browser', anchors: 1, trusted: 0, scope: 'application' },
    ]);
    const store = 'embedded:/opt/browser/browser';
    expect(findings).toMatchObject([
      {
        advisory: 'bad',
        status: 'embedded',
        locations: [
          { store, path: '/opt/browser/browser', entry: 'offset 0x1000', trust: 'embedded', purposes: [] },
        ],
        remediations: [{ store, disposition: 'manual', commands: [], undo: [] }],
      },
    ]);
  });

  it('prints what docs/report.schema.json describes', () => {
    const schema: unknown = JSON.parse(readFileSync(join(PROJECT, 'docs/report.schema.json'), 'utf8'));
    const ajv = new Ajv2020({ allErrors: true });
    addFormats.default(ajv);
    const { exitCode: _, ...report } = scan({ '/opt/a': program, [LOCAL]: bad.pem }, '--deep');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is a JSON Schema
    const validate = ajv.compile(schema as object);
    validate(report);
    expect(validate.errors).toBeNull();
  });

  it('says nothing about programs when it is not asked', () => {
    const { exitCode, findings } = scan({ '/opt/a': program });
    expect({ exitCode, findings }).toEqual({ exitCode: 0, findings: [] });
  });

  it('leaves files that a store has judged to that store', () => {
    const { findings } = scan({ [LOCAL]: bad.pem, '/opt/a': program }, '--deep');
    expect(findings).toMatchObject([
      {
        status: 'trusted',
        locations: [
          { path: LOCAL, trust: 'trusted' },
          { path: '/opt/a', trust: 'embedded' },
        ],
      },
    ]);
    expect(findings[0]?.remediations.map(({ disposition }) => disposition)).toEqual(['safe', 'manual']);
  });

  it.each(
    PLANTS.filter(({ deep, says }) => !deep && says === undefined).map(
      ({ store, form, files }) => [`${store}, ${form}`, files] as const,
    ),
  )('leaves each kind of store to its own reader: %s', async (_, files) => {
    const root = makeRoot(files(bad));
    const { target } = root;
    const blocklist = openBlocklist(BLOCKLIST);
    const matcher = createMatcher(blocklist.compiled, {
      unverifiedNames: false,
      blockedCertificate: (fingerprint) => blocklist.certificate(fingerprint),
    });
    const wanted = (certificate: Certificate): boolean => matcher(certificate).length > 0;
    const report = scanTarget({
      target,
      stores: STORE_TYPES,
      matcher,
      blocklist: { version: '', digest: '' },
      tool: { name: '', version: '' },
      read: { storePasswords: [] },
      mitigated: true,
      removeShipped: false,
      deep: await scanPrograms({ target, directories: [], wanted }),
    });
    const trusts = report.findings.flatMap(({ locations }) => locations.map(({ trust }) => trust));
    expect(trusts.length).toBeGreaterThan(0);
    expect(trusts).not.toContain('embedded');
  });

  it('says nothing of what was deleted from a database and still lies in it', () => {
    const database = nssDatabase(shipped.der, 'Other');
    const { findings } = scan(
      {
        '/home/u/.pki/nssdb/cert9.db': Buffer.concat([
          database.subarray(0, 70_000),
          bad.der,
          database.subarray(70_000 + bad.der.length),
        ]),
        '/home/u/.pki/nssdb/cert9.db-journal': bad.der,
        '/opt/cert9.db': bad.der,
      },
      '--deep',
    );
    const places = findings.flatMap(({ locations }) =>
      locations.map(({ path, trust }) => `${path} ${trust}`),
    );
    expect(places.toSorted(compare)).toEqual([
      '/home/u/.pki/nssdb/cert9.db trusted',
      '/opt/cert9.db embedded',
    ]);
  });

  it.each<[string, Readonly<Record<string, Node>>, readonly string[], number]>([
    ['0 for a root below --fail-on', { '/opt/a': program }, ['--fail-on', 'critical'], 0],
    ['1 for a root at it', { '/opt/a': program }, ['--fail-on', 'high'], 1],
    [
      '0 for a program that is not among those named',
      { '/opt/a': program, '/srv/b': '' },
      ['--deep', '/srv'],
      0,
    ],
    ['1 for one that is', { '/opt/a': program, '/srv/b': '' }, ['--deep', '/srv', '/opt/a'], 1],
    ['2 for a path that is not there', { '/opt/a': program }, ['--deep', '/nowhere'], 2],
    ['0 for a root that clean systems ship', { '/opt/a': shipped.der }, [], 0],
    [
      '3 for an archive that cannot be read whole',
      { '/opt/a.gz': Buffer.from('1f8b0800000000000003ff', 'hex') },
      [],
      3,
    ],
  ])('ends with %s', (_, tree, args, code) => {
    const all = args.includes('--deep') ? args : ['--deep', ...args];
    const root = makeTree(tree);
    expect(rootaudit(['scan', '--root', root, '--blocklist', BLOCKLIST, ...all]).status).toBe(code);
  });

  it('tells people where it is and that only the program can take it away', () => {
    const root = makeTree({ '/opt/a': program });
    const { stdout, stderr } = rootaudit(['scan', '--deep', '--root', root, '--blocklist', BLOCKLIST]);
    expect(stdout).toContain('CN=Built-in Root,O=State,C=KZ  built into a program');
    expect(stdout).toContain('/opt/a (offset 0x1000)');
    expect(stdout).toContain('leaves with that file only');
    expect(stdout).toContain('1 listed root built into programs.');
    expect(stderr).toBe('');
  });

  it('does not take its own blocklist for an alarm', () => {
    const { status, stdout } = rootaudit(['scan', '--deep', join(PROJECT, 'blocklists'), '-f', 'json']);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is the report
    const { findings } = JSON.parse(stdout) as ReturnType<typeof scanReport>;
    const embedded = findings.flatMap(({ locations }) =>
      locations.filter(({ trust }) => trust === 'embedded'),
    );
    expect(embedded).toEqual([]);
    expect([0, 1, 3]).toContain(status);
  });
});
