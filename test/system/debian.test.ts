/**
 * Debian's own update-ca-certificates, in roots made of this machine's files: what the printed commands do is what
 * Debian does with them.
 */

import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { scanReport } from '../support/rootaudit.ts';
import { makeTree } from '../support/tree.ts';
import { copyRoot, inside, makeChroot } from './support/chroot.ts';
import { blocklistOf, expectFound, expectRemovalAndUndo, type Planted } from './support/lifecycle.ts';
import { acceptedInside, isAcceptedWith, trustedByBundle, trustedByDirectory } from './support/openssl.ts';
import { expectGoneTogether } from './support/together.ts';
import { describeWith, runScript } from './support/tools.ts';

const PACKAGED = '/usr/share/ca-certificates';
const LOCAL = '/usr/local/share/ca-certificates';
const CONF = '/etc/ca-certificates.conf';
const CERTS = '/etc/ssl/certs';
const BUNDLE = `${CERTS}/ca-certificates.crt`;

const PACKAGED_SAMPLE = existsSync(`${PACKAGED}/mozilla`)
  ? readdirSync(`${PACKAGED}/mozilla`)
      .slice(0, 4)
      .map((name) => `${PACKAGED}/mozilla/${name}`)
  : [];

const bad = makeCertificate({ subject: { C: 'KZ', O: 'State', CN: 'Planted Root' } });
const neighbours = ['One', 'Two'].map((name) => makeCertificate({ subject: { CN: `Neighbour ${name}` } }));
const blocklist = blocklistOf(bad);

/** File names that a command which quotes badly comes to grief over. Debian's script reads lines: no newlines. */
const NAMES = [
  'plain.crt',
  'with two  spaces.crt',
  `it's "quoted".crt`,
  '$(touch pwned)`touch pwned`$HOME.crt',
  'a|b&c;d>e.crt',
  're[g]e.x*+?^$(1){2}.crt',
  '*.crt',
  '-rf.crt',
  '#!important.crt',
  'ünïcödé-根-🌱.crt',
  'rtl\u202egnirts.crt',
];

describeWith(['root', 'chroot', 'update-ca-certificates', 'openssl'], 'update-ca-certificates', () => {
  let base = '';
  beforeAll(() => {
    // A few of the packaged certificates: each costs the script several processes.
    base = makeChroot(['update-ca-certificates'], PACKAGED_SAMPLE);
    writeFileSync(
      join(base, CONF),
      ['# A comment', ...PACKAGED_SAMPLE].map((path) => `${path.replace(`${PACKAGED}/`, '')}\n`).join(''),
    );
    update(base);
  });

  const update = (root: string): void => {
    inside(root, 'update-ca-certificates', '--fresh');
  };

  /** A root with the files added, as an administrator or a package leaves it. */
  function debian(files: Readonly<Record<string, string>>, selected: readonly string[] = []): string {
    const root = copyRoot(base);
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
      utimesSync(join(root, path), 1_500_000_000, 1_500_000_000);
    }
    appendFileSync(join(root, CONF), selected.map((line) => `${line}\n`).join(''));
    update(root);
    return root;
  }

  function expectPromiseKept(
    root: string,
    place: Pick<Planted, 'removedFrom' | 'sources' | 'generated' | 'disposition'>,
    certificate: TestCertificate = bad,
  ): void {
    expectRemovalAndUndo({
      root,
      blocklist,
      certificate,
      trusted: () => [...trustedByBundle(join(root, BUNDLE)), ...trustedByDirectory(root, CERTS)],
      acceptedBy: () => acceptedInside(root, certificate.pem, BUNDLE, CERTS),
      ...place,
    });
  }

  const generated = [CERTS];
  const local = {
    removedFrom: [`debian-local-anchors:${LOCAL}`],
    sources: [LOCAL, PACKAGED, CONF],
    generated,
  };
  // sed writes the file anew.
  const selected = {
    removedFrom: [`debian-ca-certificates:${PACKAGED}`],
    sources: [LOCAL, PACKAGED],
    generated: [CERTS, CONF],
  };

  describe('a local certificate goes, and comes back', () => {
    it.each(NAMES)('named %s', (name) => {
      expectPromiseKept(debian({ [`${LOCAL}/${name}`]: bad.pem }), local);
    });

    it('deep below, with other rights and without a newline at its end', () => {
      const path = `${LOCAL}/company/2020/root.crt`;
      const root = debian({ [path]: bad.pem.trimEnd() });
      chmodSync(join(root, path), 0o640);
      expectPromiseKept(root, local);
    });

    it('held in two files', () => {
      expectPromiseKept(debian({ [`${LOCAL}/a.crt`]: bad.pem, [`${LOCAL}/b.crt`]: bad.pem }), local);
    });

    it.each([
      ['first', [bad, ...neighbours]],
      ['last', [...neighbours, bad]],
      ['in the middle', [neighbours[0], bad, neighbours[1]]],
      ['twice', [bad, neighbours[0], bad, neighbours[1]]],
    ])('%s in a file with others, which stay', (_where, certificates) => {
      const text = certificates.map((each) => `# a comment\n${each?.pem ?? ''}`).join('\n');
      expectPromiseKept(debian({ [`${LOCAL}/many of them.crt`]: text }), local);
    });

    it('in a file with DOS line ends', () => {
      const text = [bad, ...neighbours].map(({ pem }) => pem.replaceAll('\n', '\r\n')).join('');
      expectPromiseKept(debian({ [`${LOCAL}/dos.crt`]: text }), local);
    });
  });

  describe('a certificate of a package goes, and comes back', () => {
    it.each(NAMES)('named %s', (name) => {
      const line = `mozilla/${name}`;
      expectPromiseKept(debian({ [`${PACKAGED}/${line}`]: bad.pem }, [line]), selected);
    });

    it('next to one whose name a regular expression would take for the same', () => {
      const [one, two] = neighbours;
      const files = { 'a.b.crt': bad.pem, 'aXb.crt': one?.pem ?? '', 'a.b.crt.crt': two?.pem ?? '' };
      const tree = Object.fromEntries(
        Object.entries(files).map(([name, pem]) => [`${PACKAGED}/mozilla/${name}`, pem]),
      );
      expectPromiseKept(
        debian(
          tree,
          Object.keys(files).map((name) => `mozilla/${name}`),
        ),
        selected,
      );
    });

    it.each([
      ['twice', ['mozilla/bad.crt', 'mozilla/bad.crt']],
      ['after a line that deselects it', ['!mozilla/bad.crt', 'mozilla/bad.crt']],
      ['before a line that deselects it', ['mozilla/bad.crt', '!mozilla/bad.crt']],
      ['with spaces around it', ['  mozilla/bad.crt  ']],
      ['in another spelling', ['mozilla/.//bad.crt']],
    ])('selected %s', (_how, lines) => {
      expectPromiseKept(debian({ [`${PACKAGED}/mozilla/bad.crt`]: bad.pem }, lines), selected);
    });

    it('though the line leads out of the directory', () => {
      const root = debian({ '/opt/company/root.crt': bad.pem }, ['../../../opt/company/root.crt']);
      expectPromiseKept(root, selected);
    });

    it('and its file may have any name', () => {
      const root = debian({ [`${PACKAGED}/other/root.pem`]: bad.pem }, ['other/root.pem']);
      expectPromiseKept(root, selected);
    });
  });

  it.each([
    ['without a line', []],
    ['in a comment', ['#mozilla/bad.crt']],
    ['deselected', ['!mozilla/bad.crt']],
    ['with a carriage return', ['mozilla/bad.crt\r']],
  ])('a certificate of a package is not trusted %s', (_how, lines) => {
    const root = debian({ [`${PACKAGED}/mozilla/bad.crt`]: bad.pem }, lines);
    expect(acceptedInside(root, bad.pem, BUNDLE, CERTS)).toEqual([]);
    const { exitCode, findings } = scanReport(['--root', root, '--blocklist', blocklist]);
    expect({ exitCode, status: findings.map(({ status }) => status) }).toEqual({
      exitCode: 0,
      status: ['present'],
    });
  });

  it.each(NAMES.map((name) => name.replace(/crt$/, 'pem')))(
    'a file put into /etc/ssl/certs by hand goes, and comes back: %s',
    (name) => {
      const root = debian({ [`${CERTS}/${name}`]: bad.pem, [`${LOCAL}/new.crt`]: neighbours[0]?.pem ?? '' });
      expectPromiseKept(root, {
        removedFrom: [`debian-bundle:${CERTS}`],
        sources: [LOCAL, PACKAGED, CONF, `${CERTS}/${name}`],
        generated,
      });
    },
  );

  it('a certificate that only the old bundle has goes with a new bundle, and comes back', () => {
    const root = debian({});
    appendFileSync(join(root, BUNDLE), bad.pem);
    expectPromiseKept(root, {
      removedFrom: [`debian-bundle:${BUNDLE}`],
      sources: [LOCAL, PACKAGED, CONF, BUNDLE],
      generated,
    });
  });

  it('a certificate whose source was deleted without an update goes, and comes back', () => {
    const root = debian({ [`${LOCAL}/bad.crt`]: bad.pem });
    rmSync(join(root, LOCAL, 'bad.crt'));
    expectPromiseKept(root, {
      removedFrom: [`debian-bundle:${BUNDLE}`],
      sources: [LOCAL, PACKAGED, CONF, BUNDLE],
    });
  });

  it.each([
    ['of packages', `${PACKAGED}/mozilla`, ['mozilla/a.crt', 'mozilla/b.crt']],
    ['of the administrator', LOCAL, []],
  ])(
    'two listed certificates %s go with the commands of one scan, and both come back',
    (_whose, place, lines) => {
      const [other] = neighbours;
      if (!other) throw new Error('no neighbour');
      const root = debian({ [`${place}/a.crt`]: bad.pem, [`${place}/b.crt`]: other.pem }, lines);
      const trusted = (): string[] => trustedByBundle(join(root, BUNDLE)).toSorted();
      const before = trusted();
      const { findings } = scanReport(['--root', root, '--blocklist', blocklistOf(bad, other)]);
      const remediations = findings.flatMap((finding) => finding.remediations);
      runScript(remediations.flatMap(({ commands }) => commands));
      expect(trusted()).toEqual(
        before.filter((line) => ![bad, other].some(({ sha256 }) => line.includes(sha256))),
      );
      runScript(remediations.flatMap(({ undo }) => undo));
      expect(trusted()).toEqual(before);
    },
  );

  it.each([
    ['of packages', `debian-ca-certificates:${PACKAGED}`],
    ['of the administrator', `debian-local-anchors:${LOCAL}`],
    ['put there by hand and left over', `debian-bundle:${CERTS}`],
    ['of an old bundle', `debian-bundle:${BUNDLE}`],
  ])('two certificates %s go with one plan, as commands and as data, and come back', (_whose, store) => {
    const [second, third] = neighbours;
    if (!second || !third) throw new Error('no neighbours');
    const all = [bad, third, second].map(({ pem }) => `# a comment\n${pem}`).join('');
    const files: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      [`debian-ca-certificates:${PACKAGED}`]: {
        [`${PACKAGED}/mozilla/a b.crt`]: bad.pem,
        [`${PACKAGED}/mozilla/c.crt`]: second.pem,
        [`${PACKAGED}/mozilla/d.crt`]: third.pem,
      },
      [`debian-local-anchors:${LOCAL}`]: {
        [`${LOCAL}/all.crt`]: all,
        [`${LOCAL}/alone.crt`]: bad.pem,
        [`${LOCAL}/joined.crt`]: `${third.pem.trimEnd()}${bad.pem.trimEnd()}`,
      },
      [`debian-bundle:${CERTS}`]: {
        [`${CERTS}/stray.pem`]: bad.pem,
        [`${LOCAL}/gone.crt`]: second.pem,
        [`${LOCAL}/stays.crt`]: third.pem,
      },
      [`debian-bundle:${BUNDLE}`]: { [`${LOCAL}/stays.crt`]: third.pem },
    };
    const planted = files[store] ?? {};
    const lines = Object.keys(planted).map((path) => path.slice(PACKAGED.length + 1));
    const root = debian(planted, store.startsWith('debian-ca') ? lines : []);
    rmSync(join(root, LOCAL, 'gone.crt'), { force: true });
    if (store.endsWith(BUNDLE)) appendFileSync(join(root, BUNDLE), bad.pem + second.pem);
    expectGoneTogether({
      root,
      store,
      certificates: [bad, second],
      trusted: (path) => [
        ...(store.endsWith(CERTS) ? [] : trustedByBundle(join(path, BUNDLE))),
        // A file that is left with one certificate gets a link there.
        ...(store.endsWith(LOCAL) ? [] : trustedByDirectory(path, CERTS)),
      ],
    });
  });

  it('refuses to change a file that is no longer the one that was scanned', () => {
    const path = `${LOCAL}/bad.crt`;
    const root = debian({ [path]: bad.pem + (neighbours[0]?.pem ?? '') });
    const { remediations } = expectFound({ root, blocklist, certificate: bad, ...local });
    writeFileSync(join(root, path), (neighbours[0]?.pem ?? '') + bad.pem);
    const before = readFileSync(join(root, path));
    const commands = remediations.flatMap((each) => each.commands);
    expect(() => {
      runScript(commands);
    }).toThrow();
    expect(readFileSync(join(root, path))).toEqual(before);
  });
});

describeWith(['openssl'], 'an image with a bundle and no update-ca-certificates', () => {
  it.each([
    ['with /usr/share/ca-certificates', { [`${PACKAGED}/README`]: '' }, 'debian-bundle'],
    ['with nothing else', {}, 'debian-bundle'],
  ])('%s loses the certificate from the bundle, and gets it back', (_what, tree, store) => {
    const root = makeTree({
      [BUNDLE]: [neighbours[0], bad, neighbours[1]].map((each) => each?.pem).join(''),
      ...tree,
    });
    const bundle = join(root, BUNDLE);
    expectRemovalAndUndo({
      root,
      blocklist,
      certificate: bad,
      removedFrom: [`${store}:${BUNDLE}`],
      disposition: 'unsafe',
      sources: [CERTS],
      trusted: () => trustedByBundle(bundle),
      acceptedBy: () => (isAcceptedWith(bad.pem, bundle) ? ['CAfile'] : []),
    });
  });
});
