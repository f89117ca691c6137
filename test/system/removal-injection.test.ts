/** Nicknames and aliases that want to be more than a name, through certutil and keytool: the right ones go, nothing runs. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { certutil, makeNssDatabase } from '../support/nss.ts';
import { HOSTILE_NAMES } from '../support/hostile-names.ts';
import { certificatesNamed, expectNoInjection, watchTools, type Named } from '../support/injection.ts';
import {
  authenticatedSafe,
  certificateBag,
  jks,
  jksTrusted,
  pkcs12,
  plainSafe,
} from '../support/keystores.ts';
import { fastDirectory } from '../support/removal.ts';
import { describeWith, run } from './support/tools.ts';

let watch: ReturnType<typeof watchTools>;
beforeAll(() => {
  watch = watchTools(['certutil', 'keytool', 'sh']);
});
afterAll(() => {
  watch.release();
});

/** certutil takes arguments, which end at a NUL, and are text. */
const NICKNAMES = HOSTILE_NAMES.filter((name) => name.isWellFormed() && !name.includes('\0') && name !== '');

describeWith(['certutil'], 'hostile nicknames in an NSS database', () => {
  it.each([false, true])('distrust: %s', async (distrust) => {
    const root = fastDirectory();
    const directory = join(root, 'home/u/.pki/nssdb');
    const named = certificatesNamed(NICKNAMES, { ownKeys: true });
    makeNssDatabase(directory);
    const batch = named.map(({ certificate }, index) => {
      const file = join(fastDirectory(), `${index}.der`);
      writeFileSync(file, certificate.der);
      return file;
    });
    for (const [index, { name }] of named.entries()) {
      certutil('-A', '-d', `sql:${directory}`, `-n${name}`, '-t', 'C,,', '-i', batch[index] ?? '');
    }
    const { result } = await expectNoInjection(root, named, { distrust });
    expect(result.left).toEqual([]);
    expect(watch.ran()).toBe(false);
  });
});

const STORE = 'usr/lib/jvm/java-17/lib/security/cacerts';

/** Java finds no two aliases that differ in case alone, and PKCS#12 keeps them in UCS-2. */
const ALIASES = [...new Map(HOSTILE_NAMES.map((name) => [name.toLowerCase(), name])).values()];

function keystoreRoot(content: Uint8Array): string {
  const root = fastDirectory();
  mkdirSync(join(root, dirname(STORE)), { recursive: true });
  writeFileSync(join(root, STORE), content);
  return root;
}

const keystores: Readonly<Record<string, (named: readonly Named[]) => Uint8Array>> = {
  JKS: (named) => jks(named.map(({ name, certificate }) => jksTrusted(name, certificate.der))),
  'PKCS#12': (named) =>
    pkcs12(
      authenticatedSafe(
        plainSafe(
          ...named.map(({ name, certificate }) =>
            certificateBag(certificate.der, { alias: name, javaTrusted: true }),
          ),
        ),
      ),
    ),
};

describeWith(['keytool'], 'hostile aliases in a Java keystore', () => {
  it.each(Object.entries(keystores))('%s', async (_type, make) => {
    const named = certificatesNamed(ALIASES);
    expect(named.length).toBeGreaterThan(200);
    const root = keystoreRoot(make(named));
    const { plan } = await expectNoInjection(root, named);
    const byHand = plan.stores
      .filter(({ method }) => method === 'hand')
      .flatMap(({ certificates }) => certificates);
    const names = named
      .filter(({ certificate }) => byHand.includes(certificate.sha256))
      .map(({ name }) => name);
    console.log(names.map((n) => JSON.stringify(n).slice(0, 60)));
    expect(watch.ran()).toBe(false);
    expect(run('keytool', ['-list', '-keystore', join(root, STORE), '-storepass', 'changeit'])).toContain(
      'ran',
    );
  });
});
