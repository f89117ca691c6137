/** Databases that NSS's own certutil made, and what certutil says about them afterwards. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TrustStatus } from '../../src/core/trust.ts';
import { makeCertificate } from '../support/certificates.ts';
import { addToNss, makeNssDatabase } from '../support/nss.ts';
import { scanReport } from '../support/rootaudit.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import { blocklistOf, expectRemovalAndUndo } from './support/lifecycle.ts';
import { fingerprintsIn } from './support/openssl.ts';
import { expectGoneTogether } from './support/together.ts';
import { describeWith, run } from './support/tools.ts';

const SHARED = '/home/alice/.pki/nssdb';
const FIREFOX = '/home/alice/.mozilla/firefox';

const bad = makeCertificate({ subject: { C: 'KZ', O: 'State', CN: 'Planted Root' } });
const neighbours = ['One', 'Two'].map((name) => makeCertificate({ subject: { CN: `Neighbour ${name}` } }));
const blocklist = blocklistOf(bad);

/** Nickname to trust flags, as `certutil -L` prints them. */
function flagsOf(directory: string): Map<string, string> {
  const lines = run('certutil', ['-L', '-d', `sql:${directory}`]).split('\n');
  const rows = lines.flatMap((line) => {
    const [, nickname, flags] = /^(.*\S)\s+([A-Za-z]*,[A-Za-z]*,[A-Za-z]*)\s*$/.exec(line) ?? [];
    return nickname === undefined || flags === undefined ? [] : [[nickname, flags] as const];
  });
  return new Map(rows.filter(([nickname]) => !nickname.startsWith('Certificate Nickname')));
}

/** Lines "nickname flags: SHA-256" of the certificates that certutil calls trusted for something. */
function trustedByCertutil(directory: string): string[] {
  return Array.from(flagsOf(directory)).flatMap(([nickname, flags]) => {
    if (!/[CTP]/.test(flags)) return [];
    const pem = run('certutil', ['-L', '-d', `sql:${directory}`, '-n', nickname, '-a']);
    return fingerprintsIn(pem).map((sha256) => `${nickname} ${flags}: ${sha256}`);
  });
}

describeWith(['certutil'], 'certutil', () => {
  let base = '';
  beforeAll(() => {
    base = makeTemporaryDirectory();
    makeNssDatabase(base);
    for (const [index, each] of neighbours.entries()) addToNss(base, each, `Neighbour ${index}`, 'CT,C,C');
  });

  /** A root with a database at `path` that trusts the harmless certificates. */
  function rootWith(...paths: readonly string[]): string {
    const root = makeTemporaryDirectory();
    for (const path of paths) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      run('cp', ['-a', base, join(root, path)]);
    }
    return root;
  }

  function expectPromiseKept(root: string, path: string, store: string): void {
    expectRemovalAndUndo({
      root,
      blocklist,
      certificate: bad,
      removedFrom: [`${store}:${path}`],
      sources: [dirname(path)],
      trusted: () => trustedByCertutil(join(root, path)),
    });
  }

  it.each([
    ['the database of a person', SHARED, 'nss-user'],
    ['the database of root', '/root/.pki/nssdb', 'nss-user'],
    ['a snap', '/home/alice/snap/chromium/common/.pki/nssdb', 'nss-user'],
    ['the database of the system', '/etc/pki/nssdb', 'nss-system'],
    ['a Firefox profile without profiles.ini', `${FIREFOX}/abc.default`, 'firefox'],
    ['a Thunderbird profile', '/home/alice/.thunderbird/abc.default', 'thunderbird'],
    ['a directory with a hard name', `/home/al ice's $(id) ü/.pki/nssdb`, 'nss-user'],
  ])('a certificate in %s goes, and comes back', (_what, path, store) => {
    const root = rootWith(path);
    addToNss(join(root, path), bad, 'Planted Root', 'C,,');
    expectPromiseKept(root, path, store);
  });

  it.each([
    ['relative', 'Path=Profiles/one two.default', 'IsRelative=1', `${FIREFOX}/Profiles/one two.default`],
    ['absolute', 'Path=/srv/profiles/alice', 'IsRelative=0', '/srv/profiles/alice'],
    ['above the directory', 'Path=../elsewhere/x', 'IsRelative=1', '/home/alice/.mozilla/elsewhere/x'],
  ])(
    'a certificate in a profile whose path in profiles.ini is %s goes, and comes back',
    (_how, path, mode, at) => {
      const root = rootWith(at);
      mkdirSync(join(root, FIREFOX), { recursive: true });
      writeFileSync(
        join(root, FIREFOX, 'profiles.ini'),
        `[General]\nVersion=2\n\n[Profile0]\nName=x\n${mode}\n${path}\n`,
      );
      addToNss(join(root, at), bad, 'Planted Root', 'CT,C,C');
      expectPromiseKept(root, at, 'firefox');
    },
  );

  it.each([
    `it's "bad"`,
    '$(touch pwned)`id`',
    '-n',
    'NSS Certificate DB:Planted',
    'NSS Certificate DB',
    'ünï-根',
    'a|b;c&d',
    'Neighbour',
  ])('a certificate with the nickname %s goes, and comes back', (nickname) => {
    const root = rootWith(SHARED);
    addToNss(join(root, SHARED), bad, nickname, 'C,,');
    expectPromiseKept(root, SHARED, 'nss-user');
  });

  it('one of two certificates with the same subject goes, and the other one stays', () => {
    const root = rootWith(SHARED);
    const twin = makeCertificate({ subject: { C: 'KZ', O: 'State', CN: 'Planted Root' } });
    addToNss(join(root, SHARED), twin, 'Planted Root', 'C,,');
    addToNss(join(root, SHARED), bad, 'Planted Root', 'C,,');
    expectPromiseKept(root, SHARED, 'nss-user');
  });

  it('several certificates go with one plan, also those with one nickname, and come back', () => {
    const root = rootWith(SHARED);
    const twin = makeCertificate({ subject: { C: 'KZ', O: 'State', CN: 'Planted Root' } });
    const third = makeCertificate({ subject: { CN: 'Third' } });
    for (const each of [twin, bad]) addToNss(join(root, SHARED), each, 'Planted Root', 'C,,');
    addToNss(join(root, SHARED), third, 'third {}', 'C,,');
    expectGoneTogether({
      root,
      store: `nss-user:${SHARED}`,
      certificates: [bad, twin, third],
      trusted: (path) => trustedByCertutil(join(path, SHARED)),
    });
  });

  describe('trust', () => {
    const CASES: readonly (readonly [flags: string, status: TrustStatus])[] = [
      ['C,,', 'trusted'],
      [',C,', 'trusted'],
      [',,C', 'trusted'],
      ['CT,C,C', 'trusted'],
      ['T,,', 'trusted'],
      ['P,,', 'trusted'],
      [',P,', 'trusted'],
      ['C,p,p', 'trusted'],
      ['p,p,p', 'mitigated'],
      ['p,,', 'mitigated'],
      [',,p', 'mitigated'],
      [',,', 'present'],
      ['c,,', 'present'],
      ['c,c,c', 'present'],
    ];
    /** What certutil shows as nothing is said in words. */
    const NO_FLAGS = new Map([[',,', 'no trust']]);
    const certificates = CASES.map(([flags]) => makeCertificate({ subject: { CN: `Flags ${flags}` } }));
    const findings = new Map<string, { status: string; expressed: string | undefined }>();
    let listed = new Map<string, string>();
    let withoutOption: string[] = [];

    beforeAll(() => {
      const root = rootWith(SHARED);
      const directory = join(root, SHARED);
      for (const [index, [flags]] of CASES.entries()) {
        addToNss(directory, certificates[index] ?? bad, `Flags ${flags}`, flags);
      }
      listed = flagsOf(directory);
      const list = blocklistOf(...certificates);
      const report = scanReport(['--root', root, '--blocklist', list, '--mitigated']);
      for (const { certificate, status, locations } of report.findings) {
        findings.set(certificate.subject.replace(/^CN=/, '').replaceAll('\\', ''), {
          status,
          expressed: locations[0]?.expressed,
        });
      }
      withoutOption = scanReport(['--root', root, '--blocklist', list]).findings.map(({ status }) => status);
    });

    it.each(CASES)('"%s" is read as certutil shows it, and means %s', (flags, status) => {
      const name = `Flags ${flags}`;
      expect(findings.get(name)).toEqual({ status, expressed: NO_FLAGS.get(flags) ?? listed.get(name) });
    });

    it('that refuses is told only when asked for', () => {
      expect(withoutOption).not.toContain('mitigated');
      expect(withoutOption).toHaveLength(CASES.filter(([, status]) => status !== 'mitigated').length);
    });
  });

  it('a certificate is found in every profile of every person, and removed from each', () => {
    const people = ['alice', 'bob', 'carol'];
    const paths = people.flatMap((name) => [
      `/home/${name}/.pki/nssdb`,
      `/home/${name}/.mozilla/firefox/a.default`,
    ]);
    const planted = makeTemporaryDirectory();
    run('cp', ['-a', `${base}/.`, planted]);
    addToNss(planted, bad, 'Planted Root', 'C,,');
    const root = rootWith();
    for (const path of paths) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      run('cp', ['-a', planted, join(root, path)]);
    }
    const stores = (type: string): string[] =>
      people.map(
        (name) =>
          `${type}:/home/${name}/${type === 'nss-user' ? '.pki/nssdb' : '.mozilla/firefox/a.default'}`,
      );
    expectRemovalAndUndo({
      root,
      blocklist,
      certificate: bad,
      removedFrom: [...stores('nss-user'), ...stores('firefox')],
      sources: paths,
      trusted: () => paths.flatMap((path) => trustedByCertutil(join(root, path))),
    });
  });
});
