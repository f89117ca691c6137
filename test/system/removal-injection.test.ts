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
import { describeWith } from './support/tools.ts';

let watch: ReturnType<typeof watchTools>;
beforeAll(() => {
  watch = watchTools(['certutil', 'keytool', 'sh']);
});
afterAll(() => {
  watch.release();
});

/** certutil takes arguments, which end at a NUL, and are text. */
const NICKNAMES = HOSTILE_NAMES.filter((name) => !/[\p{Cs}\0]/u.test(name));

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

/** Java finds no two aliases that differ in case alone, nor in what PKCS#12 cannot tell apart. */
const ALIASES = [
  ...new Map(
    HOSTILE_NAMES.map((name) => [name.toLowerCase().replaceAll(/\p{Cs}/gu, '\ufffd'), name]),
  ).values(),
];

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
  it.each(Object.entries(keystores))('%s', async (type, make) => {
    const named = certificatesNamed(ALIASES);
    expect(named.length).toBeGreaterThan(200);
    const root = keystoreRoot(make(named));
    const { plan } = await expectNoInjection(root, named);
    const byHand = new Set(
      plan.stores.filter(({ method }) => method === 'hand').flatMap(({ certificates }) => certificates),
    );
    // PKCS#12 has aliases in lower case, and -j is no option of the launcher.
    const hidden = type === 'JKS' ? /^-J|\0|\p{Cs}/u : /\0|\p{Cs}/u;
    const beyond = named.filter(({ name }, index) => index % 2 === 0 && hidden.test(name));
    expect(byHand).toEqual(new Set(beyond.map(({ certificate }) => certificate.sha256)));
    expect(watch.ran()).toBe(false);
  });
});
