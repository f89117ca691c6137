/** What npm publishes, installed with npm as a user would. */

import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openNpmRegistry, packProject, run, type NpmRegistry } from '../support/npm-registry.ts';
import { PROJECT } from '../support/rootaudit.ts';
import { listedCertificate } from '../support/listed.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

const listed = listedCertificate();
const consumer = makeTemporaryDirectory();
const installed = join(consumer, 'node_modules/rootaudit');
const root = makeTree({ '/usr/local/share/ca-certificates/planted.crt': listed.pem });
let registry: NpmRegistry;

beforeAll(async () => {
  registry = await openNpmRegistry(await packProject());
  writeFileSync(join(consumer, 'package.json'), '{"name":"consumer","type":"module"}');
  const install = ['install', '--no-audit', '--no-fund', 'rootaudit'];
  const { status, stderr } = await run('npm', install, { cwd: consumer, environment: registry.environment });
  expect({ status, stderr: stderr.replaceAll(/^npm warn .*\n/gm, '') }).toEqual({ status: 0, stderr: '' });
});

afterAll(() => registry.close());

const command = (args: readonly string[]): ReturnType<typeof run> =>
  run(join(consumer, 'node_modules/.bin/rootaudit'), args, { cwd: consumer });

describe('the installed package', () => {
  it('has a command that tells its version', async () => {
    const { version } = readJson(join(PROJECT, 'package.json'));
    expect(await command(['--version'])).toEqual({ status: 0, stdout: `${String(version)}\n`, stderr: '' });
  });

  it('has a command that scans', async () => {
    const { status, stdout, stderr } = await command(['scan', '--root', root, '-f', 'csv']);
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(stdout).toContain(listed.sha256);
  });

  it('finds with each of its parsers what its own test plants', async () => {
    const { status, stderr } = await command(['selftest']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('has every file that its documents link to', () => {
    const documents = [
      'README.md',
      'CHANGELOG.md',
      ...readdirSync(join(installed, 'docs')).map((n) => `docs/${n}`),
    ];
    const broken = documents
      .filter((name) => name.endsWith('.md'))
      .flatMap((name) => linksOf(name).filter((path) => !existsSync(join(installed, path))));
    // For people who change the project.
    expect(broken.filter((path) => path !== 'CONTRIBUTING.md')).toEqual([]);
  });

  it('has nothing of the workshop', () => {
    expect(readdirSync(installed).toSorted()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin',
      'blocklists',
      'dist',
      'docs',
      'integrations',
      'package.json',
    ]);
    expect(existsSync(join(installed, 'dist/blocklist-compiler.cjs'))).toBe(false);
  });
});

function readJson(file: string): Record<string, unknown> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an object is all that is asked
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}

/** The files that a document links to, as paths of the package. */
function linksOf(document: string): string[] {
  const text = readFileSync(join(installed, document), 'utf8');
  return [...text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map(([, path = '']) =>
    join(document, '..', path),
  );
}

describe('docs/library.md', () => {
  const document = readFileSync(join(PROJECT, 'docs/library.md'), 'utf8');
  const [, example = ''] = /```js\n(.*?)```/s.exec(document) ?? [];
  const [, typed = ''] = /```ts\n(.*?)```/s.exec(document) ?? [];

  it('has an example that runs', async () => {
    writeFileSync(join(consumer, 'example.js'), example);
    const { status, stdout, stderr } = await run(process.execPath, ['example.js', root], { cwd: consumer });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`${root}: findings\n`);
    expect(stdout).toContain('  /usr/local/share/ca-certificates/planted.crt');
  });

  it('has an example that tells what cannot be opened', async () => {
    writeFileSync(join(consumer, 'example.js'), example);
    const { status, stdout, stderr } = await run(process.execPath, ['example.js', '/no/such'], {
      cwd: consumer,
    });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('/no/such');
  });

  it.each([
    ['Node.js', { lib: ['es2023'], types: ['node'] }],
    ['a browser-like library', { lib: ['es2023', 'dom'], types: [] }],
  ])('has an example whose types fit, with those of %s', async (_name, settings) => {
    const directory = join(consumer, 'typed');
    mkdirSync(join(consumer, 'node_modules/@types'), { recursive: true });
    for (const name of ['@types/node', 'undici-types']) {
      const link = join(consumer, 'node_modules', name);
      if (!existsSync(link)) symlinkSync(join(PROJECT, 'node_modules', name), link);
    }
    mkdirSync(directory, { recursive: true });
    expect(typed).toContain("from 'rootaudit'");
    writeFileSync(join(directory, 'typed.mts'), typed);
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2023',
      strict: true,
      noEmit: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      ...settings,
    };
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    const tsc = join(PROJECT, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = await run(process.execPath, [tsc, '-p', directory]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });
});
