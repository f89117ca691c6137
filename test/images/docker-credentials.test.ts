import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { findCredentials } from '../../src/images/docker-credentials.ts';
import { parseReference } from '../../src/images/reference.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const SECRET = 'S3cr3t:with:colons';
const auth = (user: string, password = SECRET): string =>
  Buffer.from(`${user}:${password}`).toString('base64');

/** Files below a home; texts that are no string become JSON. */
function makeHome(files: Readonly<Record<string, unknown>>): string {
  const home = makeTemporaryDirectory();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return home;
}

/** An executable script in `home`/bin. */
function addHelper(home: string, name: string, script: string): void {
  mkdirSync(join(home, 'bin'), { recursive: true });
  const path = join(home, 'bin', `docker-credential-${name}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

interface Asked {
  readonly basic: string | undefined;
  readonly token: string | undefined;
  readonly problems: readonly string[];
}

async function ask(
  home: string,
  reference: string,
  environment: Readonly<Record<string, string>> = {},
  helperTimeout = 10_000,
): Promise<Asked> {
  const { credentials, problems } = await findCredentials(parseReference(`registry:${reference}`), {
    home,
    environment: {
      PATH: `${join(home, 'bin')}:/usr/bin:/bin`,
      XDG_RUNTIME_DIR: join(home, 'run'),
      ...environment,
    },
    helperTimeout,
  });
  const basic = credentials?.basic();
  return {
    basic: basic && Buffer.from(basic.replace('Basic ', ''), 'base64').toString(),
    token: credentials?.identityToken(),
    problems: problems.map((problem) => problem.replaceAll(home, '~')),
  };
}

describe('credentials in files', () => {
  it.each([
    ['the host', { 'quay.io': { auth: auth('ann') } }, 'quay.io/app', `ann:${SECRET}`],
    ['the host in other letters', { 'Quay.io': { auth: auth('ann') } }, 'quay.io/app', `ann:${SECRET}`],
    ['host and port', { 'localhost:5000': { auth: auth('ann') } }, 'localhost:5000/app', `ann:${SECRET}`],
    ['another port', { 'localhost:5000': { auth: auth('ann') } }, 'localhost:5001/app', undefined],
    ['a URL', { 'https://quay.io/v2/': { auth: auth('ann') } }, 'quay.io/app', `ann:${SECRET}`],
    [
      "Docker Hub's old address",
      { 'https://index.docker.io/v1/': { auth: auth('ann') } },
      'debian',
      `ann:${SECRET}`,
    ],
    ["Docker Hub's name", { 'docker.io': { auth: auth('ann') } }, 'debian', `ann:${SECRET}`],
    ['a part of a registry', { 'quay.io/team': { auth: auth('ann') } }, 'quay.io/team/app', `ann:${SECRET}`],
    [
      'the longest of several names',
      {
        'quay.io': { auth: auth('ann') },
        'quay.io/team/app': { auth: auth('bob') },
        'quay.io/team': { auth: auth('eve') },
      },
      'quay.io/team/app',
      `bob:${SECRET}`,
    ],
    ['another part of it', { 'quay.io/team': { auth: auth('ann') } }, 'quay.io/teams/app', undefined],
    ['another host', { 'quay.io': { auth: auth('ann') } }, 'quay.io.example.com/app', undefined],
    [
      'user name and password apart',
      { 'quay.io': { username: 'ann', password: 'pw' } },
      'quay.io/app',
      'ann:pw',
    ],
    ['a padded password', { 'quay.io': { auth: auth('ann', 'pw\0\0') } }, 'quay.io/app', 'ann:pw'],
    ['other letters than ASCII', { 'quay.io': { auth: auth('änn', 'pä') } }, 'quay.io/app', 'änn:pä'],
    ['an empty entry', { 'quay.io': {} }, 'quay.io/app', undefined],
    ['no object', { 'quay.io': 'x' }, 'quay.io/app', undefined],
    ['a name that every object has', {}, 'constructor/app', undefined],
  ])('are found by %s', async (_name, auths, reference, expected) => {
    const home = makeHome({ '.docker/config.json': { auths } });
    expect(await ask(home, reference)).toEqual({ basic: expected, token: undefined, problems: [] });
  });

  it('may be an identity token, which is never sent as a password', async () => {
    for (const entry of [
      { auth: auth('ann', ''), identitytoken: 'refresh' },
      { auth: auth('<token>', 'refresh') },
    ]) {
      const home = makeHome({ '.docker/config.json': { auths: { 'quay.io': entry } } });
      expect(await ask(home, 'quay.io/app')).toEqual({ basic: undefined, token: 'refresh', problems: [] });
    }
  });

  const entry = (user: string): unknown => ({ auths: { 'quay.io': { auth: auth(user, 'x') } } });
  it.each([
    [
      'Docker',
      { '.docker/config.json': entry('docker'), '.config/containers/auth.json': entry('user') },
      {},
      'docker',
    ],
    [
      'Podman',
      { 'run/containers/auth.json': entry('run'), '.config/containers/auth.json': entry('user') },
      {},
      'run',
    ],
    ['the user', { '.docker/config.json': {}, '.config/containers/auth.json': entry('user') }, {}, 'user'],
    [
      'DOCKER_CONFIG',
      { '.docker/config.json': entry('docker'), 'x/config.json': entry('x') },
      { DOCKER_CONFIG: '~/x' },
      'x',
    ],
    [
      'REGISTRY_AUTH_FILE',
      { '.docker/config.json': entry('docker'), y: entry('y') },
      { REGISTRY_AUTH_FILE: '~/y' },
      'y',
    ],
    [
      'REGISTRY_AUTH_FILE alone',
      { '.docker/config.json': entry('docker'), y: {} },
      { REGISTRY_AUTH_FILE: '~/y' },
      undefined,
    ],
    ['XDG_CONFIG_HOME', { 'z/containers/auth.json': entry('z') }, { XDG_CONFIG_HOME: '~/z' }, 'z'],
    ['nobody', {}, {}, undefined],
  ])(
    'are those of %s',
    async (_name, files: Record<string, unknown>, environment: Record<string, string>, user) => {
      const home = makeHome(files);
      const here = Object.fromEntries(
        Object.entries(environment).map(([name, path]) => [name, path.replace('~', home)]),
      );
      const { basic, problems } = await ask(home, 'quay.io/app', here);
      expect([basic, problems]).toEqual([user && `${user}:x`, []]);
    },
  );

  it.each([
    ['that are no JSON', `{"auths": {"quay.io": {"auth": "${auth('ann')}"`, 'is not a JSON object'],
    ['that are no object', JSON.stringify([SECRET]), 'is not a JSON object'],
    ['that are too large', ' '.repeat((1 << 20) + 1), 'is no regular file of at most 1 MiB'],
    [
      'with an entry without a user',
      { auths: { 'quay.io': { auth: auth('') } } },
      'has an entry for quay.io that cannot be read',
    ],
    [
      'with bytes that are no base64',
      { auths: { 'quay.io': { auth: '§$%' } } },
      'has an entry for quay.io that cannot be read',
    ],
  ])('%s are a problem that quotes nothing of them', async (_name, content, reason) => {
    const home = makeHome({ '.docker/config.json': content });
    const asked = await ask(home, 'quay.io/app');
    expect(asked).toEqual({
      basic: undefined,
      token: undefined,
      problems: [`~/.docker/config.json ${reason}`],
    });
  });

  it('are not waited for in a pipe', async () => {
    const home = makeHome({ '.docker/other': '' });
    execFileSync('mkfifo', [join(home, '.docker/config.json')]);
    const { problems } = await ask(home, 'quay.io/app');
    expect(problems).toEqual(['~/.docker/config.json is no regular file of at most 1 MiB']);
  });

  it('do not show when they are printed', async () => {
    const home = makeHome({ '.docker/config.json': { auths: { 'quay.io': { auth: auth('ann') } } } });
    const found = await findCredentials(parseReference('registry:quay.io/app'), { home, environment: {} });
    expect(found.credentials?.basic()).toBeDefined();
    for (const text of [inspect(found, { depth: 9, showHidden: true }), JSON.stringify(found)]) {
      expect(text).not.toMatch(/S3cr3t|ann|UzNjcjN0/);
    }
  });
});

describe('credentials of a helper', () => {
  const store = { '.docker/config.json': { credsStore: 'test' } };
  const answer = (username: string): string =>
    JSON.stringify({ ServerURL: 'x', Username: username, Secret: SECRET });

  it.each([
    ['quay.io/app', 'quay.io'],
    ['localhost:5000/app', 'localhost:5000'],
    ['debian:12', 'https://index.docker.io/v1/'],
  ])('are asked with the name of the registry, for %s', async (reference, host) => {
    const home = makeHome(store);
    addHelper(home, 'test', `[ "$1" = get ] && [ "$(cat)" = "${host}" ] && echo '${answer('ann')}'`);
    expect(await ask(home, reference)).toEqual({ basic: `ann:${SECRET}`, token: undefined, problems: [] });
  });

  it('may be an identity token', async () => {
    const home = makeHome(store);
    addHelper(home, 'test', `echo '${answer('<token>')}'`);
    expect(await ask(home, 'quay.io/app')).toEqual({ basic: undefined, token: SECRET, problems: [] });
  });

  it('are those of the helper for the registry rather than those of the store', async () => {
    const config = {
      credHelpers: { 'quay.io': 'quay' },
      credsStore: 'test',
      auths: { 'quay.io': { auth: auth('eve') } },
    };
    const home = makeHome({ '.docker/config.json': config });
    addHelper(home, 'test', `echo '${answer('store')}'`);
    addHelper(home, 'quay', `echo '${answer('helper')}'`);
    expect((await ask(home, 'quay.io/app')).basic).toBe(`helper:${SECRET}`);
    expect((await ask(home, 'ghcr.io/app')).basic).toBe(`store:${SECRET}`);
  });

  it('may be missing, and then are those of the file', async () => {
    const home = makeHome({
      '.docker/config.json': { credsStore: 'test', auths: { 'quay.io': { auth: auth('ann') } } },
    });
    addHelper(home, 'test', 'echo "credentials not found in native keychain"; exit 1');
    expect(await ask(home, 'quay.io/app')).toEqual({
      basic: `ann:${SECRET}`,
      token: undefined,
      problems: [],
    });
    expect(await ask(home, 'ghcr.io/app')).toEqual({ basic: undefined, token: undefined, problems: [] });
  });

  it.each([
    ['fails', `echo '${answer('ann')}'; echo '${SECRET}' >&2; exit 3`, 'ended with code 3'],
    ['answers no JSON', `echo '${SECRET}'`, 'gave an answer that has no credentials'],
    ['answers without a secret', `echo '{"Username":"ann"}'`, 'gave an answer that has no credentials'],
    ['answers too much', `head -c 3000000 /dev/zero`, 'gave too long an answer'],
    ['does not answer', 'sleep 5', 'did not answer in time'],
  ])('that %s are a problem that quotes nothing of it', async (_name, script, reason) => {
    const home = makeHome(store);
    addHelper(home, 'test', script);
    const asked = await ask(home, 'quay.io/app', {}, 1000);
    expect(asked).toEqual({
      basic: undefined,
      token: undefined,
      problems: [`docker-credential-test ${reason}`],
    });
  });

  it('that is not installed are a problem', async () => {
    const { problems } = await ask(makeHome(store), 'quay.io/app');
    expect(problems).toEqual(['docker-credential-test is not installed']);
  });

  it.each(['../x', 'x y', 'x;y', '$(x)', '', 7, 'x\n'])('%j is not run', async (name) => {
    const home = makeHome({ '.docker/config.json': { credHelpers: { 'quay.io': name } } });
    const { problems } = await ask(home, 'quay.io/app');
    expect(problems).toEqual([
      '~/.docker/config.json names a credential helper for quay.io that cannot be one',
    ]);
  });
});
