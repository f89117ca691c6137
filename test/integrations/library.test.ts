import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { explain, list, RootauditError, scan, verdict, type ScanProgress } from '../../src/index.ts';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { scanReport } from '../support/rootaudit.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
const own = makeCertificate({ subject: { CN: 'Our Own Root' } });
const blocklist = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [advisory({ id: 'planted', severity: 'high', certificates: [blocked(bad)] })],
});
const root = makeTree({
  '/usr/local/share/ca-certificates/planted.crt': bad.pem,
  '/usr/local/share/ca-certificates/own.crt': own.pem,
  '/opt/app/program.bin': bad.der,
});
const clean = makeTree({ '/usr/local/share/ca-certificates/own.crt': own.pem });
const broken = makeTree({ '/usr/local/share/ca-certificates/broken.crt': '-----BEGIN CERTIFICATE-----\n' });

function policyFile(text: string): string {
  const file = join(makeTemporaryDirectory(), 'rootaudit.yaml');
  writeFileSync(file, `version: 1\n${text}`);
  return file;
}

describe('scan', () => {
  it('returns what the command prints', async () => {
    const { exitCode: _, ...printed } = scanReport(['--root', root, '--blocklist', blocklist]);
    // oxlint-disable-next-line unicorn/prefer-structured-clone -- JSON leaves out what is undefined
    expect(JSON.parse(JSON.stringify(await scan({ root, blocklist })))).toEqual([printed]);
  });

  it('scans this machine when nothing is named', async () => {
    expect(await scan()).toMatchObject([{ target: { kind: 'live' } }]);
  });

  it('writes nothing and leaves the exit code alone', async () => {
    const out = vi.spyOn(process.stdout, 'write');
    const err = vi.spyOn(process.stderr, 'write');
    const before = process.exitCode;
    await scan({ root, blocklist, deep: true });
    expect([out.mock.calls, err.mock.calls, process.exitCode]).toEqual([[], [], before]);
    vi.restoreAllMocks();
  });

  it('tells of each target and each program, in order', async () => {
    const events: ScanProgress[] = [];
    await scan({ targets: [root, clean], blocklist, deep: true, progress: (event) => events.push(event) });
    const told = events.map(({ kind, reference }) => `${kind} ${reference}`);
    expect([...new Set(told)]).toEqual([
      `target ${root}`,
      `program ${root}`,
      `store ${root}`,
      `report ${root}`,
      `target ${clean}`,
      `program ${clean}`,
      `store ${clean}`,
      `report ${clean}`,
    ]);
    expect(events).toContainEqual(expect.objectContaining({ kind: 'program', path: '/opt/app/program.bin' }));
  });

  it.each([
    ['in the usual places', true, ['embedded', 'trusted']],
    ['in a named directory', ['/opt'], ['embedded', 'trusted']],
    ['nowhere', false, ['trusted']],
  ])('looks into programs %s', async (_where, deep, expected) => {
    const [report] = await scan({ root, blocklist, deep });
    const trust = report?.findings.flatMap(({ locations }) => locations.map((location) => location.trust));
    expect(trust?.toSorted()).toEqual(expected);
  });

  it('judges by the policy that it is given, and looks for none', async () => {
    const policy = policyFile('forbid:\n  - subject: CN=Our Own Root\n');
    const [judged] = await scan({ root: clean, blocklist, policy });
    expect(judged?.policy?.violations).toMatchObject([{ kind: 'forbidden' }]);
    expect((await scan({ root: clean, blocklist }))[0]).not.toHaveProperty('policy');
  });

  it('heeds "unrecognised" of the policy', async () => {
    const [report] = await scan({ root: clean, blocklist, policy: policyFile('fail-on: unrecognised\n') });
    expect(report?.policy?.violations).toMatchObject([{ kind: 'unrecognised' }]);
  });

  it('marks what the baseline has', async () => {
    const baseline = join(makeTemporaryDirectory(), 'last.json');
    const [first] = await scan({ root, blocklist });
    writeFileSync(baseline, JSON.stringify(first));
    const [second] = await scan({ root, blocklist, baseline });
    expect(second?.findings).toMatchObject([{ known: true }]);
    if (!first || !second) throw new Error('no report');
    expect([verdict(first), verdict(second)]).toEqual(['findings', 'clean']);
  });

  it('reports a target among others that cannot be opened, and throws when it is the only one', async () => {
    const reports = await scan({ targets: ['/no/such', root], blocklist });
    expect(reports).toMatchObject([
      { complete: false, target: { kind: 'unreadable', reference: '/no/such' } },
      { complete: true, target: { kind: 'directory' } },
    ]);
    await expect(scan({ targets: ['/no/such'], blocklist })).rejects.toBeInstanceOf(RootauditError);
  });

  it.each([
    ['a root and targets', { root, targets: [clean] }, 'leave out'],
    ['an empty root', { root: '' }, 'root needs a directory'],
    ['a policy that does not exist', { policy: '/no/policy' }, '/no/policy does not exist'],
    ['a policy with a mistake', { policy: policyFile('forbit: []\n') }, '1 mistake in'],
    ['a baseline that does not exist', { baseline: '/no/report' }, '/no/report does not exist'],
    ['a blocklist that does not exist', { blocklist: '/no/list' }, 'cannot be read'],
    ['a place for deep that does not exist', { root, deep: ['/no/such'] }, '/no/such does not exist'],
  ])('refuses %s', async (_what, options, message) => {
    await expect(scan(options)).rejects.toThrow(message);
    await expect(scan(options)).rejects.toBeInstanceOf(RootauditError);
  });

  describe('with a signal', () => {
    const reason = new Error('enough');

    it('does not begin when it is aborted already', async () => {
      const progress = vi.fn();
      await expect(scan({ root, signal: AbortSignal.abort(reason), progress })).rejects.toBe(reason);
      expect(progress).not.toHaveBeenCalled();
    });

    it.each(['target', 'store', 'program', 'report'] as const)(
      'ends after it is aborted at a %s',
      async (kind) => {
        const controller = new AbortController();
        const reported: string[] = [];
        const progress = (event: ScanProgress): void => {
          if (event.kind === 'report') reported.push(event.reference);
          if (event.kind === kind) controller.abort(reason);
        };
        const { signal } = controller;
        await expect(scan({ targets: [root, clean], blocklist, deep: true, signal, progress })).rejects.toBe(
          reason,
        );
        expect(reported).toEqual(kind === 'report' ? [root] : []);
      },
    );
  });
});

describe('list', () => {
  it('has every store and certificate of each target', async () => {
    const inventories = await list({ targets: [root, clean] });
    expect(
      inventories.map(({ stores }) => stores.flatMap(({ entries }) => entries.map(({ entry }) => entry))),
    ).toEqual([['own.crt', 'planted.crt'], ['own.crt']]);
  });

  it('throws for a target that cannot be opened, also among others', async () => {
    await expect(list({ targets: [root, '/no/such'] })).rejects.toBeInstanceOf(RootauditError);
  });

  it('ends with its signal', async () => {
    const reason = new Error('enough');
    await expect(list({ root, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('explain', () => {
  it.each([
    ['an advisory', 'planted'],
    ['a fingerprint', bad.sha256],
    ['a file', join(root, 'usr/local/share/ca-certificates/planted.crt')],
  ])('tells the story of %s', async (_what, what) => {
    expect(await explain(what, { blocklist })).toMatchObject([{ advisory: { id: 'planted' } }]);
  });

  it('rejects what is none of these', async () => {
    await expect(explain('nothing of the kind', { blocklist })).rejects.toBeInstanceOf(RootauditError);
  });
});

describe('verdict', () => {
  it.each([
    ['a trusted root', root, {}, 'findings'],
    ['one below the severity asked for', root, { failOn: 'critical' as const }, 'clean'],
    ['none', clean, {}, 'clean'],
    ['a store that cannot be read whole', broken, {}, 'incomplete'],
  ])('of a report with %s', async (_what, target, options, expected) => {
    const [report] = await scan({ root: target, blocklist });
    expect(report && verdict(report, options)).toBe(expected);
  });
});
