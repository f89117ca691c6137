import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StoreContent } from '../../src/core/store.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import { store } from '../../src/stores/nss-user.ts';
import { certificateRecord, hashFile, pairsPage } from '../support/berkeley-hash.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { addToNss, certutil, hasCertutil, makeNssDatabase, unless } from '../support/nss.ts';
import { makeRoot, outline, runCommands, type TestRoot } from '../support/root.ts';

const DIRECTORY = '/home/alice/.pki/nssdb';
const root = makeCertificate({ subject: { CN: 'Root' } });
const other = makeCertificate({ subject: { CN: 'Other' } });
const SIZE = { pageSize: 4096 };

function read({ target }: TestRoot): StoreContent {
  const [location] = store.locate(target);
  if (!location) throw new Error('no store');
  return readWhole(store, target, location, { storePasswords: [] });
}

function database(certificate: TestCertificate): Buffer {
  const record = certificateRecord(certificate.der, 'legacy', [0x18, 0x18, 0x18]);
  return hashFile([pairsPage([[Buffer.of(1, 1), record]], SIZE)], SIZE);
}

/** Writes a database in the old format, if this certutil still does. */
function makeLegacy(directory: string): boolean {
  mkdirSync(directory, { recursive: true });
  try {
    certutil('-N', '-d', `dbm:${directory}`, '--empty-password');
    return true;
  } catch {
    return false;
  }
}

const canWrite = hasCertutil && makeLegacy(makeRoot({}).path);

function add(directory: string, { pem }: TestCertificate, nickname: string, trust = 'C,,'): void {
  const file = join(directory, 'add.pem');
  writeFileSync(file, pem);
  certutil('-A', '-d', `dbm:${directory}`, '-n', nickname, '-t', trust, '-i', file);
  execFileSync('rm', [file]);
}

describe('a legacy NSS database', () => {
  it.each(['cert8.db', 'cert7.db'])('%s is the store where there is no cert9.db', (name) => {
    const root8 = makeRoot({ [`${DIRECTORY}/${name}`]: database(root) });
    expect(store.locate(root8.target).map(({ format }) => format)).toEqual([`NSS ${name}`]);
    expect(outline(read(root8))).toEqual(['legacy = trusted']);
    expect(read(root8).anchors.map(({ path }) => path)).toEqual([`${DIRECTORY}/${name}`]);
  });

  it('cert8.db replaces cert7.db', () => {
    const both = makeRoot({
      [`${DIRECTORY}/cert8.db`]: database(root),
      [`${DIRECTORY}/cert7.db`]: database(other),
    });
    expect(read(both).anchors.map(({ certificate }) => certificate.sha256)).toEqual([root.sha256]);
  });

  it('that cannot be read is a problem', () => {
    const { problems } = read(makeRoot({ [`${DIRECTORY}/cert8.db/`]: '' }));
    expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual([`unreadable ${DIRECTORY}/cert8.db`]);
  });

  it.skipIf(!hasCertutil)(
    `is held and not trusted beside a cert9.db${unless(hasCertutil, 'certutil of NSS')}`,
    () => {
      const both = makeRoot({ [`${DIRECTORY}/`]: '' });
      makeNssDatabase(both.at(DIRECTORY));
      writeFileSync(both.at(`${DIRECTORY}/cert8.db`), database(root));
      addToNss(both.at(DIRECTORY), other, 'new', 'C,,');
      expect(outline(read(both))).toEqual(['new = trusted', 'legacy = present']);
      expect(read(both).anchors[1]?.trust.expressed).toBe('C,C,C (not used: cert9.db stands beside it)');
      expect(read(both).notes.join()).toMatch(/cert8.db: not used by programs that read the cert9.db/);
    },
  );
});

describe.skipIf(!canWrite)(
  `removal from a legacy NSS database${unless(canWrite, 'a certutil with the old format')}`,
  () => {
    function makeStore(entries: readonly (readonly [TestCertificate, string, string?])[]): TestRoot {
      const made = makeRoot({ [`${DIRECTORY}/`]: '' });
      makeLegacy(made.at(DIRECTORY));
      for (const [certificate, nickname, trust] of entries)
        add(made.at(DIRECTORY), certificate, nickname, trust);
      return made;
    }
    const plan = (made: TestRoot, { sha256 }: TestCertificate) => {
      const [location] = store.locate(made.target);
      if (!location) throw new Error('no store');
      const anchors = read(made).anchors.filter(({ certificate }) => certificate.sha256 === sha256);
      return store.planRemoval(made.target, location, anchors);
    };
    const held = (made: TestRoot): string[] =>
      read(made).anchors.map(({ certificate }) => certificate.sha256);

    it.each(['My Root', `it's "$(touch x)" \`id\``, 'Корень'])(
      'takes exactly the certificate called %s, and the undo puts it back',
      (nickname) => {
        const made = makeStore([
          [other, 'other'],
          [root, nickname],
        ]);
        const file = made.at(`${DIRECTORY}/cert8.db`);
        const before = readFileSync(file);
        const { commands, undo, disposition } = plan(made, root);
        expect(disposition).toBe('safe');
        runCommands(commands);
        expect(held(made)).toEqual([other.sha256]);
        runCommands(undo);
        expect(readFileSync(file).equals(before)).toBe(true);
      },
    );

    it.each<[string, readonly (readonly [TestCertificate, string, string?])[], RegExp]>([
      [
        'with a subject that another has too',
        [
          [root, 'a'],
          [makeCertificate({ subject: { CN: 'Root' } }), 'a'],
        ],
        /no command takes exactly/,
      ],
      ['with a colon in its nickname', [[root, 'http://x']], /no command takes exactly/],
      ['that is distrusted', [[root, 'a', 'p,p,p']], /^Leave it/],
    ])('leaves a certificate %s to a person', (_, entries, note) => {
      const remediation = plan(makeStore(entries), root);
      expect(remediation).toMatchObject({ disposition: 'manual', commands: [] });
      expect(remediation.note).toMatch(note);
    });

    it('stops before it changes anything when the database is another by now', () => {
      const made = makeStore([[root, 'a']]);
      const { commands } = plan(made, root);
      add(made.at(DIRECTORY), other, 'later');
      expect(() => runCommands(commands)).toThrow(/test/);
      expect(held(made)).toHaveLength(2);
    });
  },
);
