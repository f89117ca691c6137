import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Advisory, Severity } from '../../src/blocklist/advisory.ts';
import { nssDatabase } from '../../src/selftest/nss-database.ts';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { differences, treeAt } from '../support/removal.ts';
import { rootaudit, type Run } from '../support/rootaudit.ts';
import { answeredOnTerminal, hasCommand } from '../support/terminal.ts';
import { makeTemporaryDirectory, makeTree, type Node } from '../support/tree.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
const good = makeCertificate({ subject: { CN: 'Good Root' } });
const BLOCKLIST = writeBlocklist(makeTemporaryDirectory(), {
  advisories: [advisory({ id: 'planted', severity: 'critical', certificates: [blocked(bad)] })],
  certificates: [bad.der],
});
const COMMAND = fileURLToPath(new URL('../../bin/rootaudit.js', import.meta.url));

const LOCAL = '/usr/local/share/ca-certificates/planted.crt';
const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';
const broken = {
  '/usr/local/share/ca-certificates/broken.crt':
    '-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n',
};

const debian: Readonly<Record<string, Node>> = {
  '/etc/ca-certificates.conf': 'mozilla/Good.crt\n',
  '/usr/share/ca-certificates/mozilla/Good.crt': good.pem,
  [LOCAL]: bad.pem,
  [BUNDLE]: `# one\n${good.pem}# two\n${bad.pem}# three\n`,
  '/etc/ssl/certs/planted.pem': { link: LOCAL },
};

interface Place {
  readonly root: string;
  readonly journal: string;
  readonly remove: (...args: readonly string[]) => Run;
  readonly undo: (...args: readonly string[]) => Run;
}

function place(tree: Readonly<Record<string, Node>> = debian): Place {
  const root = makeTree(tree);
  const journal = join(makeTemporaryDirectory(), 'journal');
  return {
    root,
    journal,
    remove: (...args) =>
      rootaudit(['remove', '--root', root, '--blocklist', BLOCKLIST, '--journal', journal, ...args]),
    undo: (...args) => rootaudit(['undo', '--journal', journal, ...args]),
  };
}

const clean = { [BUNDLE]: good.pem };

describe('exit codes', () => {
  it.each<readonly [string, Readonly<Record<string, Node>>, readonly string[], number]>([
    ['0 when nothing has to go', clean, [], 0],
    ['0 when nothing has to go, and it is to be done', clean, ['--apply', '--yes'], 0],
    ['1 when something has to go', debian, [], 1],
    ['0 when it went', debian, ['--apply', '--yes'], 0],
    ['3 when nothing has to go in what could be read', broken, [], 3],
    ['3 when it went, in what could be read', { ...debian, ...broken }, ['--apply', '--yes'], 3],
    ['2 for a name that means nothing', debian, ['nonsense'], 2],
    ['2 when there is nobody to ask', debian, ['--apply'], 2],
    ['2 for another severity', debian, ['--severity', 'awful'], 2],
    ['0 for a severity that nothing has', clean, ['--severity', 'critical'], 0],
    ['0 for one that is not there', debian, ['0'.repeat(64)], 0],
    ['1 for one that is on no blocklist', debian, [good.sha256], 1],
  ])('%s', (_what, tree, args, status) => {
    expect(place(tree).remove(...args).status).toBe(status);
  });
});

describe('a word that is no root', () => {
  const here = makeTree({
    '/disk/etc/x': '',
    '/layout/oci-layout': '{}',
    '/app.tar': '',
    '/planted.pem': bad.pem,
    "/it's/x": '',
  });
  it.each([
    ['of a title', 'qaznet', 'Did you mean kazakhstan'],
    ['with a slip of the keys', 'kazakstan', 'Did you mean kazakhstan?'],
    ['that is nothing at all', 'nonsense', 'Give an advisory id, the SHA-256 of a certificate, or'],
    ['that is a directory', 'disk', 'with an option: rootaudit remove --root disk\n'],
    ['that is a directory to be quoted', "it's", String.raw`rootaudit remove --root 'it'\''s'`],
    ['that is an OCI layout', 'layout', 'with an option: rootaudit remove --image layout\n'],
    ['that is an archive', 'app.tar', 'with an option: rootaudit remove --image app.tar\n'],
    ['that is an image elsewhere', 'registry:debian:12', 'rootaudit remove --image registry:debian:12\n'],
    ['that is a certificate file', 'planted.pem', 'rootaudit explain planted.pem tells the SHA-256'],
    ['that looks like a path', '/mnt/nowhere', 'with an option: --root DIR or --image FILE.'],
    ['that looks like a disk', 'old.qcow2', 'with an option: --root DIR or --image FILE.'],
  ])('%s gets a hint', (_what, word, hint) => {
    const { status, stdout, stderr } = rootaudit(['remove', '--root', '.', word], {}, here);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`"${word}" is no advisory and no fingerprint`);
    expect(stderr).toContain(hint);
  });
});

describe('rootaudit remove', () => {
  it('tells of certificates by severity, then subject, then fingerprint, as JSON and in words', () => {
    const named = (CN: string): typeof bad => makeCertificate({ subject: { CN } });
    const [twin, other] = [named('B'), named('B')].toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1));
    const [low, high, critical] = [named('A'), named('C'), named('Z')];
    if (!twin || !other || !low || !high || !critical) throw new Error('made above');
    const listOf = (id: string, severity: Severity, ...those: readonly (typeof bad)[]): Advisory =>
      advisory({ id, severity, certificates: those.map((each, k) => blocked(each, { id: `c${k}` })) });
    const blocklist = writeBlocklist(makeTemporaryDirectory(), {
      advisories: [
        listOf('a', 'low', low),
        listOf('b', 'critical', critical),
        listOf('c', 'high', high, other, twin),
      ],
    });
    const all = [good, other, low, critical, high, twin];
    const { root } = place({ [LOCAL]: all.map(({ pem }) => pem).join('') });
    const options = ['--root', root, '--blocklist', blocklist, 'a', 'b', 'c', good.sha256];
    const expected = [critical, twin, other, high, low, good].map(({ sha256 }) => sha256);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is looked at is checked
    const plan = JSON.parse(rootaudit(['remove', ...options, '-f', 'json']).stdout) as {
      certificates: readonly { certificate: { sha256: string } }[];
    };
    expect(plan.certificates.map(({ certificate }) => certificate.sha256)).toEqual(expected);
    const { stdout } = rootaudit(['remove', ...options]);
    expect([...stdout.matchAll(/^ {2}SHA-256 (\w+)$/gm)].map(([, sha256]) => sha256)).toEqual(expected);
  });

  it('changes nothing without --apply, and says how to go on', () => {
    const { root, journal, remove } = place();
    const before = treeAt(root);
    const { stdout } = remove();
    expect(differences(before, treeAt(root))).toEqual([]);
    expect(existsSync(journal)).toBe(false);
    expect(stdout).toContain(`delete ${LOCAL}`);
    expect(stdout).toContain('goes with its source');
    expect(stdout).toMatch(/Nothing has been changed\. To do it: rootaudit remove .*--apply/);
  });

  it('takes exactly the certificate, verifies it, is idempotent, and undo brings everything back', () => {
    const { root, journal, remove, undo } = place();
    const before = treeAt(root);
    const first = remove('--apply', '--yes');
    expect(first.stdout).toContain('Every store was read again: none trusts what had to go.');
    expect(readFileSync(join(root, BUNDLE), 'utf8')).toBe(`# one\n${good.pem}# two\n# three\n`);
    expect(existsSync(join(root, LOCAL))).toBe(false);
    const after = treeAt(root);
    expect(remove('--apply', '--yes').status).toBe(0);
    expect(differences(after, treeAt(root))).toEqual([]);
    expect(readdirSync(journal)).toHaveLength(1);
    const undone = undo();
    expect([undone.status, undone.stderr]).toEqual([0, '']);
    expect(differences(before, treeAt(root))).toEqual([]);
    expect(undo().stdout).toContain('nothing to undo');
    expect(undo('--list').stdout).toContain('undone');
  });

  it('prints the plan and the outcome as JSON, with bytes as base64', () => {
    const { remove, undo } = place({ '/etc/pki/ca-trust/source/anchors/good.pem': good.pem, ...packaged });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is looked at is checked
    const plan = JSON.parse(remove('-f', 'json').stdout) as {
      steps: readonly { action: { kind: string; contentBase64?: string } }[];
    };
    const [step] = plan.steps;
    expect(step?.action.kind).toBe('write');
    expect(Buffer.from(step?.action.contentBase64 ?? '', 'base64').toString()).toContain('BEGIN CERTIFICATE');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is looked at is checked
    const { result } = JSON.parse(remove('-f', 'json', '--apply', '--yes').stdout) as {
      result: { verified: boolean; left: unknown[]; journal: string };
    };
    expect(result).toMatchObject({ verified: true, left: [] });
    expect(JSON.parse(undo('-f', 'json', result.journal).stdout)).toMatchObject({
      journal: { status: 'undone' },
    });
  });

  it('names what would bring it back before what will be done, in the table and as data', () => {
    const { remove } = place({ ...debian, '/etc/cron.d/ca': `* * * * * root cp /srv/ca ${LOCAL}\n` });
    const { stdout } = remove();
    const [back, steps] = ['What would bring it back', 'What will be done'].map((text) =>
      stdout.indexOf(text),
    );
    expect(back).toBeGreaterThan(0);
    expect(steps).toBeGreaterThan(back ?? 0);
    expect(stdout).toContain('/etc/cron.d/ca');
    expect(JSON.parse(remove('-f', 'json').stdout)).toMatchObject({
      comesBack: [
        { kind: 'scheduled job', certificates: [bad.sha256], path: LOCAL, source: '/etc/cron.d/ca' },
      ],
    });
  });

  it('is done where it can be, and ends with 1 when a store could not be changed', () => {
    const nss = '/home/u/.pki/nssdb/cert9.db';
    const { root, remove, undo } = place({
      ...debian,
      '/etc/passwd': 'u:x:1000:1000::/home/u:/bin/sh\n',
      // It can be read, but certutil does not open it.
      [nss]: nssDatabase(bad.der, 'planted'),
    });
    const before = treeAt(root);
    const { status, stdout } = remove('--apply', '--yes');
    expect(status).toBe(1);
    expect(stdout).toMatch(/Could not be done, and was left as it is\n.*nssdb/);
    expect(existsSync(join(root, LOCAL))).toBe(false);
    expect(undo().status).toBe(0);
    expect(differences(before, treeAt(root))).toEqual([]);
  });

  it('refuses to undo what changed since, and does it when forced', () => {
    const { root, remove, undo } = place();
    remove('--apply', '--yes');
    writeFileSync(join(root, LOCAL), 'theirs');
    const refused = undo();
    expect([refused.status, refused.stderr]).toEqual([
      2,
      expect.stringContaining('changed since the removal'),
    ]);
    expect(undo('--force').status).toBe(0);
    expect(readFileSync(join(root, LOCAL), 'utf8')).toBe(bad.pem);
  });

  it('never repeats a password', () => {
    const { remove } = place();
    const { stdout, stderr } = remove('--store-password', 'hunter2-secret', '--store-password=other-secret');
    expect(stdout).toContain('To do it');
    expect(stdout + stderr).not.toMatch(/secret/);
  });

  it('says when a journal is not to be found', () => {
    const { undo } = place();
    expect(undo('nowhere')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('no journal nowhere'),
    });
    expect(undo('--list').stdout).toContain('no removals');
  });

  it('does not follow links out of the root', () => {
    const outside = makeTree({ '/planted.crt': bad.pem });
    const { root, remove } = place({ '/usr/local/share/x': '' });
    symlinkSync(outside, join(root, 'usr/local/share/ca-certificates'));
    expect(remove('--apply', '--yes').status).toBe(0);
    expect(readFileSync(join(outside, 'planted.crt'), 'utf8')).toBe(bad.pem);
  });
});

const packaged = { '/usr/share/pki/ca-trust-source/anchors/bundle.pem': bad.pem + good.pem };

describe.skipIf(!hasCommand('script'))('on a terminal (needs script)', () => {
  it.each([
    ['yes', true],
    ['y', true],
    ['no', false],
    ['', false],
    ['yesterday', false],
    ['\u0003', false],
    ['\u0004', false],
  ])('the answer %j does it: %s', async (answer, done) => {
    const { root, journal } = place();
    const words = [process.execPath, COMMAND, 'remove', '--apply', '--root', root];
    const command = [...words, '--blocklist', BLOCKLIST, '--journal', journal].join(' ');
    const { stdout, status } = await answeredOnTerminal(command, 'Do this?', `${answer}\n`);
    expect(stdout).toContain('Do this?');
    expect([existsSync(join(root, LOCAL)), status]).toEqual([!done, done ? 0 : 1]);
    expect(existsSync(join(journal, 'lock'))).toBe(false);
  });
});
