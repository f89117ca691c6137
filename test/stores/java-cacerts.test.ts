import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readWhole } from '../../src/stores/shared/content.ts';
import type { StoreContent, StoreLocation, TrustAnchor } from '../../src/core/store.ts';
import type { Target } from '../../src/core/target.ts';
import { trustStatus } from '../../src/core/trust.ts';
import { parseKeystore } from '../../src/formats/keystore.ts';
import { store } from '../../src/stores/java-cacerts.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import {
  authenticatedSafe,
  certificateBag,
  hasKeytool,
  hasOpenssl,
  hasSamples,
  jks,
  jksTrusted,
  makeCertificate,
  pkcs12,
  plainSafe,
  run,
  sample,
  temporaryDirectory,
} from '../support/keystores.ts';

const ONE = Buffer.from('3003020101', 'hex');
const TWO = Buffer.from('3003020102', 'hex');
const TWO_ROOTS = jks([jksTrusted('one', ONE), jksTrusted('two', TWO)]);
const SHARED = '/etc/ssl/certs/java/cacerts';
const JDK17 = '/usr/lib/jvm/java-17-openjdk-amd64/lib/security';
const JDK11 = '/usr/lib/jvm/java-11-openjdk-amd64/lib/security';

let root = '';
beforeEach(() => {
  root = temporaryDirectory();
});

function put(path: string, content: Uint8Array | string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

function link(path: string, to: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(to, join(root, path));
}

function open(environment: Target['environment'] = {}): Target {
  return { ...openDirectory(root), environment };
}

const locate = (environment?: Target['environment']): readonly StoreLocation[] =>
  store.locate(open(environment));

function readAt(path: string, storePasswords: readonly string[] = []): StoreContent {
  const target = open();
  const location = store.locate(target).find((candidate) => candidate.path === path);
  if (!location) throw new Error(`no store at ${path}`);
  return readWhole(store, target, location, { storePasswords });
}

const trustAt = (path: string): string[] =>
  readAt(path).anchors.map(({ entry, trust }) => `${entry}: ${trustStatus(trust)}, ${trust.expressed}`);

const fingerprint = (bytes: Uint8Array, algorithm = 'sha256'): string =>
  createHash(algorithm).update(bytes).digest('hex').toUpperCase();

describe('where Java trust stores are found', () => {
  it.each([
    ['/usr/lib/jvm/temurin-21/lib/security/cacerts', 'Java (temurin-21)', 'system'],
    ['/usr/lib/jvm/java-8/jre/lib/security/cacerts', 'Java (java-8)', 'system'],
    ['/opt/idea/jbr/lib/security/cacerts', 'Java (idea)', 'system'],
    ['/usr/local/openjdk-17/lib/security/cacerts', 'Java (openjdk-17)', 'system'],
    ['/opt/java/openjdk/lib/security/cacerts', 'Java (openjdk)', 'system'],
    ['/home/eve/.sdkman/candidates/java/21-tem/lib/security/cacerts', 'Java (21-tem)', 'user'],
    ['/home/eve/.gradle/jdks/a/b/lib/security/cacerts', 'Java (b)', 'user'],
    ['/etc/ssl/certs/java/cacerts', 'Java', 'system'],
    ['/etc/pki/ca-trust/extracted/java/cacerts', 'Java', 'system'],
  ])('%s', (path, application, scope) => {
    put(path, TWO_ROOTS);
    mkdirSync(join(root, '/home/eve'), { recursive: true });
    expect(locate()).toMatchObject([{ path, application, scope }]);
  });

  it.each([
    [
      '/System/Library/CoreServices',
      '/Library/Java/JavaVirtualMachines/zulu-21.jdk/Contents/Home',
      'zulu-21.jdk',
    ],
    ['/System/Library/CoreServices', '/Applications/Idea.app/Contents/jbr/Contents/Home', 'Idea.app'],
    ['/Windows/System32', '/Program Files/Eclipse Adoptium/jdk-21', 'jdk-21'],
  ])('with %s: %s', (mark, home, name) => {
    mkdirSync(join(root, mark), { recursive: true });
    put(`${home}/lib/security/cacerts`, TWO_ROOTS);
    expect(locate()).toMatchObject([{ path: `${home}/lib/security/cacerts`, application: `Java (${name})` }]);
  });

  it('is one store for all runtimes that share a file, under all their names', () => {
    put(SHARED, TWO_ROOTS);
    link(`${JDK17}/cacerts`, SHARED);
    link(`${JDK11}/cacerts`, SHARED);
    link('/usr/lib/jvm/default-java', 'java-17-openjdk-amd64');
    expect(locate()).toEqual([
      {
        path: SHARED,
        application: 'Java (java-11-openjdk-amd64, java-17-openjdk-amd64)',
        scope: 'system',
        format: 'Java keystore',
        generatedFrom: ['debian-ca-certificates', 'debian-local-anchors'],
      },
    ]);
  });

  it('follows JAVA_HOME and the trust store named in options for every JVM', () => {
    put('/srv/jdk/lib/security/cacerts', TWO_ROOTS);
    put('/srv/my trust.p12', TWO_ROOTS);
    put('/srv/other.jks', TWO_ROOTS);
    const environment = {
      JAVA_HOME: '/srv/jdk',
      JAVA_TOOL_OPTIONS: '-Xmx1g -Djavax.net.ssl.trustStore="/srv/my trust.p12"',
      JDK_JAVA_OPTIONS: '-Djavax.net.ssl.trustStore=/srv/other.jks -Djavax.net.ssl.trustStore=relative.jks',
    };
    expect(locate(environment).map(({ path }) => path)).toEqual([
      '/srv/jdk/lib/security/cacerts',
      '/srv/my trust.p12',
      '/srv/other.jks',
    ]);
  });

  it('is nowhere when there is no Java', () => {
    expect(locate()).toEqual([]);
  });
});

describe('what an entry means', () => {
  it('is trust for all purposes', () => {
    put(`${JDK17}/cacerts`, TWO_ROOTS);
    expect(trustAt(`${JDK17}/cacerts`)).toEqual([
      'one: trusted, trustedCertEntry',
      'two: trusted, trustedCertEntry',
    ]);
  });

  it('is no trust without the trust attribute of a PKCS#12 file', () => {
    const bag = certificateBag(ONE);
    put(`${JDK17}/cacerts`, pkcs12(authenticatedSafe(plainSafe(bag))));
    expect(trustAt(`${JDK17}/cacerts`)).toEqual([
      'entry 1 (no alias): present, no trusted entry: of a key, or without a trust attribute',
    ]);
  });

  it('is none in cacerts when jssecacerts stands beside it', () => {
    put(`${JDK17}/cacerts`, jks([jksTrusted('one', ONE)]));
    put(`${JDK17}/jssecacerts`, jks([jksTrusted('two', TWO)]));
    expect(trustAt(`${JDK17}/cacerts`)).toEqual(['one: present, replaced by jssecacerts']);
    expect(trustAt(`${JDK17}/jssecacerts`)).toEqual(['two: trusted, trustedCertEntry']);
  });

  it('is trust in a shared file as long as one runtime uses it', () => {
    put(SHARED, jks([jksTrusted('one', ONE)]));
    link(`${JDK17}/cacerts`, SHARED);
    put(`${JDK17}/jssecacerts`, jks([]));
    expect(trustAt(SHARED)).toEqual(['one: present, replaced by jssecacerts']);
    link(`${JDK11}/cacerts`, SHARED);
    expect(trustAt(SHARED)).toEqual(['one: trusted, trustedCertEntry']);
  });

  it.each([
    ['blocked.certs', 'SHA-256', 'sha256'],
    ['blacklisted.certs', 'SHA-1', 'sha1'],
  ])('is distrust when %s names it by %s', (name, algorithm, digest) => {
    put(`${JDK17}/cacerts`, TWO_ROOTS);
    put(`${JDK17}/${name}`, `# comment\nAlgorithm=${algorithm}\n${fingerprint(ONE, digest)}\n`);
    expect(trustAt(`${JDK17}/cacerts`)).toEqual([
      'one: mitigated, blocked.certs',
      'two: trusted, trustedCertEntry',
    ]);
  });

  it('stays trust when only one of two runtimes refuses it', () => {
    put(SHARED, jks([jksTrusted('one', ONE)]));
    link(`${JDK17}/cacerts`, SHARED);
    link(`${JDK11}/cacerts`, SHARED);
    put(`${JDK17}/blocked.certs`, `Algorithm=SHA-256\n${fingerprint(ONE)}\n`);
    expect(trustAt(SHARED)).toEqual([
      'one: trusted, trustedCertEntry, but in blocked.certs of java-17-openjdk-amd64',
    ]);
  });

  it('is unknown, and a problem, in a file that is no keystore', () => {
    put(SHARED, 'garbage');
    expect(readAt(SHARED)).toMatchObject({ anchors: [], problems: [{ code: 'malformed', path: SHARED }] });
  });

  it.skipIf(!hasSamples)('is told of a store that also holds a key', () => {
    put(SHARED, sample('java/jdk-key-and-cert.p12'));
    const { notes, anchors } = readAt(SHARED);
    expect(notes).toEqual([`${SHARED}: also holds 1 private or secret key`]);
    expect(anchors.map(({ trust }) => trustStatus(trust)).toSorted()).toEqual(['present', 'trusted']);
  });
});

function planFor(entry: string, path = SHARED): ReturnType<typeof store.planRemoval> {
  const target = open();
  const location = store.locate(target).find((candidate) => candidate.path === path);
  if (!location) throw new Error('store not found');
  const anchors = readWhole(store, target, location, { storePasswords: ['private'] }).anchors;
  return store.planRemoval(
    target,
    location,
    anchors.filter((anchor: TrustAnchor) => anchor.entry === entry),
  );
}

describe('the plan to remove an entry', () => {
  it('backs up, deletes by alias, and copies back to undo', () => {
    put(SHARED, TWO_ROOTS);
    const plan = planFor('one');
    const file = join(root, SHARED);
    expect(plan).toMatchObject({ disposition: 'safe', shell: 'sh', elevated: true });
    expect(plan.commands.at(-1)).toBe(`keytool -delete -alias one -keystore ${file} -storepass changeit`);
    expect(plan.commands).toHaveLength(3);
    expect(plan.undo).toHaveLength(1);
  });

  it.each([
    ['a password only the user knows', jks([jksTrusted('one', ONE)], { password: 'private' }), 'one'],
    ['an alias that the Java launcher would run', jks([jksTrusted('-J-version', ONE)]), '-J-version'],
    ['a mixed-case alias in JCEKS', jks([jksTrusted('One', ONE)], { magic: 0xcececece }), 'One'],
    ['an alias no shell can carry', jks([jksTrusted('a\0b', ONE)]), 'a\0b'],
    ['a store read in part', jks([jksTrusted('one', ONE)], { count: 2 }), 'one'],
    [
      'an entry Java does not trust',
      pkcs12(authenticatedSafe(plainSafe(certificateBag(ONE, { alias: 'one' })))),
      'one',
    ],
  ])('leaves it to a person: %s', (_, bytes, entry) => {
    put(SHARED, bytes);
    const plan = planFor(entry);
    expect(plan).toMatchObject({ disposition: 'manual', commands: [], undo: [] });
    expect(plan.note).not.toContain('private');
  });

  it.each([
    ['several entries of one name', jks([jksTrusted('one', ONE), jksTrusted('one', TWO)])],
    [
      'certificates Java does not see',
      pkcs12(
        authenticatedSafe(
          plainSafe(
            certificateBag(ONE, { alias: 'one', javaTrusted: true }),
            certificateBag(TWO, { alias: 'x' }),
          ),
        ),
      ),
    ],
  ])('is unsafe with %s', (_, bytes) => {
    put(SHARED, bytes);
    expect(planFor('one')).toMatchObject({
      disposition: 'unsafe',
      note: expect.stringContaining('drops'),
    });
  });
});

describe.skipIf(!hasKeytool || !hasOpenssl)('keytool does as planned', () => {
  const ODD = ['a b', `it's "q"`, '-foo', String.raw`back\slash`, 'ümlaut 日本', '$(id)'];
  let fixtures = '';
  let certificate: Uint8Array = new Uint8Array();

  const convert = (type: string, ...flags: string[]): void => {
    const passwords = ['-srcstorepass', 'changeit', '-deststorepass', 'changeit', '-deststoretype', type];
    const files = ['-srckeystore', 'JKS', '-destkeystore', flags.length > 0 ? 'PASSWORDLESS' : type];
    run('keytool', ['-importkeystore', '-noprompt', ...files, ...passwords, ...flags], fixtures);
  };

  beforeAll(() => {
    fixtures = temporaryDirectory();
    certificate = makeCertificate(fixtures, 'root');
    const entries = ['keep', ...ODD].map((alias) => jksTrusted(alias, certificate));
    writeFileSync(join(fixtures, 'JKS'), jks(entries));
    writeFileSync(
      join(fixtures, 'MIXED'),
      jks([jksTrusted('keep', certificate), jksTrusted('MiXed', certificate)]),
    );
    convert('JCEKS');
    convert('PKCS12');
    const plain = ['macAlgorithm', 'certProtectionAlgorithm'].map(
      (name) => `-J-Dkeystore.pkcs12.${name}=NONE`,
    );
    convert('PKCS12', ...plain);
  }, 60_000);

  it.each([
    ...ODD.map((alias) => ['JKS', alias] as const),
    ['MIXED', 'MiXed'] as const,
    ['JCEKS', `it's "q"`] as const,
    ['PKCS12', 'ümlaut 日本'] as const,
    ['PKCS12', '-foo'] as const,
    ['PASSWORDLESS', String.raw`back\slash`] as const,
  ])('removes exactly that entry, and undo gives the same bytes: %s, %s', (fixture, alias) => {
    mkdirSync(dirname(join(root, SHARED)), { recursive: true });
    const file = join(root, SHARED);
    copyFileSync(join(fixtures, fixture), file);
    const before = readFileSync(file);
    const plan = planFor(alias);
    expect(plan).toMatchObject({ disposition: 'safe' });
    execute(plan.commands);
    const old = parseKeystore(before);
    const now = parseKeystore(readFileSync(file));
    const names = (entries: typeof now.entries): string[] => entries.map((entry) => entry.alias).toSorted();
    expect(names(now.entries)).toEqual(names(old.entries.filter((entry) => entry.alias !== alias)));
    expect(now).toMatchObject({ format: old.format, passwordLess: old.passwordLess, diagnostics: [] });
    execute(plan.undo);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  /** In a locale that is not UTF-8, as under sudo or cron. */
  function execute(commands: readonly string[]): void {
    const script = commands.join('\n');
    const { status, stdout, stderr } = spawnSync('sh', ['-e', '-c', script], {
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    });
    expect(`${stdout.toString()}${stderr.toString()}`).not.toContain('rror');
    expect(status).toBe(0);
    expect(existsSync(join(root, SHARED))).toBe(true);
  }
});
