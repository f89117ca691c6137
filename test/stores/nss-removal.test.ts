import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readWhole } from '../../src/stores/shared/content.ts';
import type { Remediation } from '../../src/core/remediation.ts';
import { trustStatus } from '../../src/core/trust.ts';
import { store as user } from '../../src/stores/nss-user.ts';
import { store as system } from '../../src/stores/nss-system.ts';
import { makeCertificate, makeKey, type TestCertificate } from '../support/certificates.ts';
import {
  addToNss,
  certutil,
  hasCertutil,
  hasPython,
  makeNssDatabase,
  python,
  unless,
} from '../support/nss.ts';
import { makeRoot, runCommands, type TestRoot } from '../support/root.ts';

const DIRECTORY = '/home/alice/.pki/nssdb';
const available = hasCertutil && hasPython;

function makeStore(entries: readonly (readonly [TestCertificate, string, string?])[]): TestRoot {
  const root = makeRoot({ [`${DIRECTORY}/`]: '' });
  makeNssDatabase(root.at(DIRECTORY));
  for (const [certificate, nickname, trust = 'C,,'] of entries) {
    addToNss(root.at(DIRECTORY), certificate, nickname, trust);
  }
  return root;
}

/** Gives the stored certificate (found by its bytes) the nickname; NSS signs no nicknames. */
function rename(root: TestRoot, { der }: TestCertificate, nickname: string): void {
  const [value, name] = [der.toString('hex'), Buffer.from(nickname).toString('hex')];
  python(
    root.at(DIRECTORY),
    `c = sqlite3.connect('cert9.db')
c.execute('update nssPublic set a3=? where a11=?', (bytes.fromhex('${name}'), bytes.fromhex('${value}'))); c.commit()`,
  );
}

function held(root: TestRoot): string[] {
  const [location] = user.locate(root.target);
  if (!location) throw new Error('no store');
  return readWhole(user, root.target, location, { storePasswords: [] }).anchors.map(
    (a) => a.certificate.sha256,
  );
}

function plan(root: TestRoot, { sha256 }: TestCertificate, store = user): Remediation {
  const [location] = store.locate(root.target);
  if (!location) throw new Error('no store');
  const { anchors } = readWhole(store, root.target, location, { storePasswords: [] });
  return store.planRemoval(
    root.target,
    location,
    anchors.filter((a) => a.certificate.sha256 === sha256),
  );
}

const bytesOf = (root: TestRoot, name: string): string =>
  readFileSync(join(root.at(DIRECTORY), name)).toString('base64');

const subject = (name: string): { subject: { CN: string } } => ({ subject: { CN: name } });
const wanted = makeCertificate(subject('Wanted'));
const bystander = makeCertificate(subject('Bystander'));
const sibling = makeCertificate(subject('Wanted'));
const sameKey = makeCertificate({ ...subject('Wanted'), key: wanted.key });
const sameKeyOtherName = makeCertificate({ ...subject('Other name'), key: wanted.key });

describe.skipIf(!available)(`removal from an NSS database${unless(available, 'certutil or python3')}`, () => {
  it.each<[string, string]>([
    ['plain', 'My Root'],
    ['in another script', 'Корень 根'],
    ['with quotes and shell characters', `it's "$(touch x)" \`id\` \\ ; & *`],
    ['that looks like a mail address', 'root@example.com'],
    ['that starts with a dash', '-n'],
    ['with a colon', 'http://example.com/ CA'],
    ['that looks like a PKCS #11 URI', 'pkcs11:object=Bystander'],
    ['with a token in front', 'NSS Certificate DB:Bystander'],
    ['that is empty', ''],
    ['with a line end', 'two\nlines'],
    ['with control and direction characters', 'a\u001b[2J\u202eb'],
    ['that is a space', ' '],
    ['that another certificate has too', 'Bystander'],
  ])('takes exactly the certificate with a nickname %s, and the undo puts it back', (_, nickname) => {
    const root = makeStore([
      [bystander, 'Bystander'],
      [wanted, 'before'],
      [makeCertificate(subject('Third')), 'Third'],
    ]);
    rename(root, wanted, nickname);
    const before = [bytesOf(root, 'cert9.db'), bytesOf(root, 'key4.db')];
    const all = held(root);
    const remediation = plan(root, wanted);
    expect(remediation).toMatchObject({ disposition: 'safe', shell: 'sh', elevated: false });
    runCommands(remediation.commands);
    expect(held(root)).toEqual(all.filter((sha256) => sha256 !== wanted.sha256));
    runCommands(remediation.undo);
    expect([bytesOf(root, 'cert9.db'), bytesOf(root, 'key4.db')]).toEqual(before);
    expect(held(root)).toEqual(all);
  });

  it.each<[string, string, string]>([
    ['and the same nickname', 'Wanted', 'Wanted'],
    ['and other nicknames', 'Wanted one', 'Wanted two'],
  ])('tells certificates with the same subject %s apart', (_, one, two) => {
    for (const goes of [wanted, sibling]) {
      const root = makeStore([
        [wanted, one],
        [sibling, two],
        [bystander, 'Bystander'],
      ]);
      rename(root, sibling, two);
      const all = held(root);
      expect(all).toHaveLength(3);
      runCommands(plan(root, goes).commands);
      expect(held(root)).toEqual(all.filter((sha256) => sha256 !== goes.sha256));
    }
  });

  it('goes by nickname where the key is shared', () => {
    const root = makeStore([
      [wanted, 'one'],
      [sameKeyOtherName, 'two'],
    ]);
    runCommands(plan(root, wanted).commands);
    expect(held(root)).toEqual([sameKeyOtherName.sha256]);
  });

  it('is left to a person where certificates share nickname and key', () => {
    const root = makeStore([
      [wanted, 'same'],
      [sameKey, 'same'],
    ]);
    expect(held(root)).toHaveLength(2);
    const remediation = plan(root, wanted);
    expect(remediation).toMatchObject({ disposition: 'manual', commands: [], undo: [] });
    expect(remediation.note).toMatch(/cannot tell this certificate from others/);
  });

  it('takes a certificate that is stored twice with one command', () => {
    const root = makeStore([
      [wanted, 'one'],
      [bystander, 'two'],
    ]);
    python(
      root.at(DIRECTORY),
      `c = sqlite3.connect('cert9.db'); cols = [r[1] for r in c.execute('pragma table_info(nssPublic)')][1:]
c.execute("insert into nssPublic select 99, %s from nssPublic where a11=?" % ', '.join(cols), (bytes.fromhex('${wanted.der.toString('hex')}'),)); c.commit()`,
    );
    expect(held(root)).toHaveLength(3);
    runCommands(plan(root, wanted).commands);
    expect(held(root)).toEqual([bystander.sha256]);
  });

  it('sees and removes what is only in the -wal file so far, and the undo brings that file back', () => {
    const root = makeStore([[bystander, 'one']]);
    makeNssDatabase(root.at('/other'));
    addToNss(root.at('/other'), bystander, 'one', 'C,,');
    addToNss(root.at('/other'), wanted, 'two', 'C,,');
    python(
      root.at(DIRECTORY),
      `shutil.copy('../../../../other/key4.db', 'key4.db')
c = sqlite3.connect('cert9.db', isolation_level=None); c.execute('pragma journal_mode=wal'); c.execute('pragma wal_autocheckpoint=0')
c.execute("attach '../../../../other/cert9.db' as o"); c.execute('delete from nssPublic'); c.execute('insert into nssPublic select * from o.nssPublic')
os.mkdir('copy')
for name in ('cert9.db', 'cert9.db-wal'): shutil.copy(name, 'copy')
c.close()
for name in ('cert9.db', 'cert9.db-wal'): shutil.move('copy/' + name, name)`,
    );
    const all = held(root);
    expect(all.toSorted()).toEqual([bystander.sha256, wanted.sha256].toSorted());
    const { commands, undo } = plan(root, wanted);
    runCommands(commands);
    expect(held(root)).toEqual([bystander.sha256]);
    runCommands(undo);
    expect(held(root)).toEqual(all);
    expect(bytesOf(root, 'cert9.db-wal')).not.toBe('');
  });

  it('works on a database with a password without asking for it', () => {
    const root = makeStore([]);
    const database = `sql:${root.at(DIRECTORY)}`;
    const passwords = root.at('/passwords');
    python(root.path, `open('passwords', 'w').write('correct horse\\n'); open('empty', 'w').write('\\n')`);
    certutil('-W', '-d', database, '-f', root.at('/empty'), '-@', passwords);
    python(root.path, `open('a.pem', 'w').write(${JSON.stringify(wanted.pem)})`);
    certutil('-A', '-d', database, '-n', 'one', '-t', 'C,,', '-i', root.at('/a.pem'), '-f', passwords);
    expect(held(root)).toEqual([wanted.sha256]);
    runCommands(plan(root, wanted).commands);
    expect(held(root)).toEqual([]);
  });

  it('stops before it changes anything when the database is no longer the one that was scanned', () => {
    const root = makeStore([[wanted, 'one']]);
    const { commands } = plan(root, wanted);
    addToNss(root.at(DIRECTORY), bystander, 'later', 'C,,');
    expect(() => runCommands(commands)).toThrow(/test/);
    expect(held(root)).toHaveLength(2);
  });

  it('does not take away a record that distrusts, or that switches a built-in root off', () => {
    const root = makeStore([[wanted, 'one', 'p,p,p']]);
    const remediation = plan(root, wanted);
    expect(remediation.disposition).toBe('manual');
    expect(remediation.note).toMatch(/^Leave it/);
  });

  it('warns when certutil would load libraries that a foreign pkcs11.txt names', () => {
    const root = makeStore([[wanted, 'one']]);
    python(root.at(DIRECTORY), `open('pkcs11.txt', 'a').write('library=/tmp/evil.so\\nname=evil\\n\\n')`);
    const remediation = plan(root, wanted);
    expect(remediation.disposition).toBe('unsafe');
    expect(remediation.note).toMatch(/certutil loads the libraries named in .*pkcs11.txt/);
  });

  it('needs the administrator for a system database', () => {
    const root = makeRoot({ '/etc/pki/nssdb/': '' });
    makeNssDatabase(root.at('/etc/pki/nssdb'));
    addToNss(root.at('/etc/pki/nssdb'), wanted, 'one', 'CT,C,C');
    const remediation = plan(root, wanted, system);
    expect(remediation).toMatchObject({ disposition: 'safe', elevated: true });
    runCommands(remediation.commands);
    const [location] = system.locate(root.target);
    expect(location && readWhole(system, root.target, location, { storePasswords: [] }).anchors).toEqual([]);
  });

  it('works in directories with spaces and quotes', () => {
    const key = makeKey();
    const odd = `/home/o'neil "x" $HOME/.pki/nssdb`;
    const root = makeRoot({ [`${odd}/`]: '' });
    makeNssDatabase(root.at(odd));
    addToNss(root.at(odd), makeCertificate({ ...subject('Odd'), key }), 'odd', 'C,,');
    const [location] = user.locate(root.target);
    if (!location) throw new Error('no store');
    const read = () => readWhole(user, root.target, location, { storePasswords: [] }).anchors;
    expect(read().map(({ trust }) => trustStatus(trust))).toEqual(['trusted']);
    runCommands(user.planRemoval(root.target, location, read()).commands);
    expect(read()).toEqual([]);
  });
});
