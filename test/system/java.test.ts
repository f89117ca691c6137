/** Keystores that the JDK's own keytool made, and what keytool says about them afterwards. */

import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { scanReport } from '../support/rootaudit.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import { blocklistOf, expectFound, expectRemovalAndUndo } from './support/lifecycle.ts';
import { expectGoneTogether } from './support/together.ts';
import { describeWith, run, runScript } from './support/tools.ts';

const CACERTS = '/usr/lib/jvm/java-17/lib/security/cacerts';
const STORE = `java-cacerts:${CACERTS}`;

const bad = makeCertificate({ subject: { C: 'KZ', O: 'State', CN: 'Planted Root' } });
const second = makeCertificate({ subject: { CN: 'Second Planted Root' } });
const neighbours = ['one', 'two'].map((name) => makeCertificate({ subject: { CN: `Neighbour ${name}` } }));
const blocklist = blocklistOf(bad);

/** Lines "alias: SHA-256" of the trusted entries, as keytool lists them. */
function listedByKeytool(file: string): string[] {
  const text = run('keytool', ['-list', '-keystore', file, '-storepass', 'changeit']);
  const entry =
    /^(.*), [^,]+, [^,]+, trustedCertEntry,\s*\nCertificate fingerprint \(SHA-256\): ([0-9A-F:]+)/gm;
  return Array.from(
    text.matchAll(entry),
    ([, alias, sha256 = '']) => `${alias}: ${sha256.replaceAll(':', '').toLowerCase()}`,
  );
}

describeWith(['keytool'], 'keytool', () => {
  const NO_PASSWORD = ['macAlgorithm', 'certProtectionAlgorithm'].map(
    (name) => `-J-Dkeystore.pkcs12.${name}=NONE`,
  );
  const KINDS: Readonly<Record<string, readonly string[]>> = {
    JKS: ['-deststoretype', 'JKS'],
    'PKCS#12': ['-deststoretype', 'PKCS12'],
    'password-less PKCS#12': ['-deststoretype', 'PKCS12', ...NO_PASSWORD],
    JCEKS: ['-deststoretype', 'JCEKS'],
  };

  /** A keystore with two harmless certificates, of each kind. */
  const bases = new Map<string, string>();
  beforeAll(() => {
    const directory = makeTemporaryDirectory();
    const first = join(directory, 'first');
    for (const [index, each] of neighbours.entries())
      importCertificate(first, `neighbour-${index}`, each, 'JKS');
    for (const [kind, options] of Object.entries(KINDS)) {
      const file = join(directory, kind);
      bases.set(kind, file);
      const passwords = ['-srcstorepass', 'changeit', '-deststorepass', 'changeit', '-noprompt'];
      run('keytool', [
        '-importkeystore',
        '-srckeystore',
        first,
        '-destkeystore',
        file,
        ...passwords,
        ...options,
      ]);
    }
  });

  function importCertificate(file: string, alias: string, { der }: TestCertificate, kind = ''): void {
    const certificate = join(makeTemporaryDirectory(), 'certificate.der');
    writeFileSync(certificate, der);
    const type = kind === 'JKS' || kind === 'JCEKS' ? ['-storetype', kind] : [];
    const options = kind.startsWith('password-less') ? NO_PASSWORD : [];
    run('keytool', [
      '-importcert',
      '-noprompt',
      '-alias',
      alias,
      '-file',
      certificate,
      '-keystore',
      file,
      '-storepass',
      'changeit',
      ...type,
      ...options,
    ]);
  }

  /** A root whose Java trusts the harmless certificates and these. */
  function javaRoot(kind: string, planted: Readonly<Record<string, TestCertificate>>): string {
    const root = makeTemporaryDirectory();
    const file = join(root, CACERTS);
    mkdirSync(dirname(file), { recursive: true });
    cpSync(bases.get(kind) ?? '', file);
    for (const [alias, certificate] of Object.entries(planted))
      importCertificate(file, alias, certificate, kind);
    return root;
  }

  function expectPromiseKept(root: string): void {
    expectRemovalAndUndo({
      root,
      blocklist,
      certificate: bad,
      removedFrom: [STORE],
      sources: ['/usr'],
      trusted: () => listedByKeytool(join(root, CACERTS)),
    });
  }

  it.each(Object.keys(KINDS))('a certificate in %s goes, the others stay, and it comes back', (kind) => {
    expectPromiseKept(javaRoot(kind, { planted: bad }));
  });

  it('a password-less keystore stays without a password', () => {
    const root = javaRoot('password-less PKCS#12', { planted: bad });
    const { remediations } = expectFound({ root, blocklist, certificate: bad, removedFrom: [STORE] });
    runScript(remediations.flatMap(({ commands }) => commands));
    // Neither a MAC nor an encrypted part: pkcs7-encryptedData would be there in DER.
    expect(readFileSync(join(root, CACERTS)).includes(Buffer.from('2a864886f70d010706', 'hex'))).toBe(false);
  });

  describe.each(['JKS', 'PKCS#12'])('in %s', (kind) => {
    it.each([`it's "bad"`, '$(touch pwned)`id`', 'with  spaces', '-alias', 'ünï-根', 'a|b;c&d'])(
      'an entry with the alias %s goes, and comes back',
      (alias) => {
        expectPromiseKept(javaRoot(kind, { [alias]: bad }));
      },
    );
  });

  it('two entries with one certificate go together', () => {
    expectPromiseKept(javaRoot('PKCS#12', { once: bad, again: bad }));
  });

  it.each(Object.keys(KINDS))('two certificates in %s go with one plan, and come back', (kind) => {
    expectGoneTogether({
      root: javaRoot(kind, { planted: bad, again: bad, 'other {}': second }),
      store: STORE,
      certificates: [bad, second],
      trusted: (path) => listedByKeytool(join(path, CACERTS)),
    });
  });

  it('two listed certificates go one after the other, and both come back in either order', () => {
    const root = javaRoot('JKS', { planted: bad, second });
    const file = join(root, CACERTS);
    const before = readFileSync(file);
    const { findings } = scanReport(['--root', root, '--blocklist', blocklistOf(bad, second)]);
    const remediations = findings.flatMap((finding) => finding.remediations);
    const runAll = (part: 'commands' | 'undo', list = remediations): void => {
      runScript(list.flatMap((each) => each[part]));
    };
    expect(remediations).toHaveLength(2);
    for (const order of [remediations, remediations.toReversed()]) {
      runAll('commands');
      expect(listedByKeytool(file)).toHaveLength(neighbours.length);
      runAll('undo', order);
      expect(readFileSync(file)).toEqual(before);
    }
  });
});
