import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { dockerMembers, ociFiles, type TestImage } from '../support/images.ts';
import { commandsOf, program } from '../support/program.ts';
import { PROJECT, rootaudit } from '../support/rootaudit.ts';
import { makeFilesTar, makeTar } from '../support/tar.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const PAGES = ['README.md', 'CONTRIBUTING.md', ...pagesBelow('docs')];

function pagesBelow(directory: string): string[] {
  const names = readdirSync(join(PROJECT, directory));
  return names.filter((name) => name.endsWith('.md')).map((name) => `${directory}/${name}`);
}

const textOf = (page: string): string => readFileSync(join(PROJECT, page), 'utf8');

/** The blocks of a page in one language, without their fences. */
function blocksOf(page: string, language: string): string[] {
  const found = textOf(page).matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'));
  return Array.from(found, ([, block = '']) => block);
}

/** What is typed, in the order of the page. */
function typedIn(page: string): string[] {
  const lines = blocksOf(page, 'console').flatMap((block) => block.split('\n'));
  return lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2).replace(/ +# .*/, ''));
}

describe.each(PAGES)('%s', (page) => {
  const all = commandsOf(program());
  const calls = typedIn(page).flatMap((line) => line.match(/\brootaudit [a-z]+[^|>)]*/g) ?? []);

  it('names commands and options that exist', () => {
    for (const call of calls) {
      const [, name = '', ...words] = call.replace(/ --exec .*/, '').split(/ +/);
      const command = all.find((each) => each.name() === name);
      const options = new Set(command?.options.flatMap(({ short, long }) => [short, long]));
      expect(command, call).toBeDefined();
      for (const word of words.filter((each) => /^--?[a-z]/.test(each)))
        expect(options.has(word.replace(/=.*/, '')), `${word} in ${call}`).toBe(true);
    }
  });

  it('links to what is there', () => {
    const links = Array.from(textOf(page).matchAll(/\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)/g));
    for (const [link, path = '', anchor = ''] of links) {
      const target = path === '' ? page : join(dirname(page), path);
      expect(existsSync(join(PROJECT, target)), link).toBe(true);
      if (anchor !== '') expect(anchorsOf(target), link).toContain(anchor);
    }
  });
});

/** As GitHub makes them of headings. */
function anchorsOf(page: string): string[] {
  const headings = Array.from(textOf(page).matchAll(/^#+ (.*)$/gm), ([, heading = '']) => heading);
  return headings.map(
    (heading) =>
      `#${heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-')}`,
  );
}

/** What has a reason not to be run by a test, and what may come of the others. */
const RUN: Readonly<Record<string, readonly number[] | string>> = {
  'npm start': 'installs',
  'npm install --global .': 'installs; test/integrations does it',
  'rootaudit scan': [0, 1, 3],
  'rootaudit scan --root /mnt/disk': [1],
  'rootaudit explain kazakhstan': [0],
  'rootaudit remove': [0, 1, 3],
  'sudo rootaudit remove --apply': [0, 1],
  'sudo rootaudit undo': [0],
  'rootaudit scan app.tar oci:layout': [1],
  'rootaudit scan registry:debian:12': 'needs the network',
  'rootaudit scan server.qcow2': 'needs 7-Zip; test/system does it',
  'rootaudit scan --adb': 'needs a device',
  'rootaudit scan --deep': 'reads every program of this machine',
  'rootaudit check certs/*.pem': [1],
  'rootaudit scan app.tar --fail-on high': [1],
  'rootaudit init': [0],
  'rootaudit scan app.tar -f table -f sarif=rootaudit.sarif -f html=report.html': [1],
  'rootaudit scan app.tar -f json > last.json': [1],
  'rootaudit scan app.tar --baseline last.json': [0],
  'rootaudit snapshot -o monday.json': [0, 3],
  'rootaudit diff monday.json live': [0, 1, 3],
  'rootaudit scan -f ndjson=rootaudit.ndjson -f prometheus=rootaudit.prom': [0, 1, 3],
  'sudo rootaudit watch --severity high --exec logger -t rootaudit -p auth.alert': 'does not end',
};

const QAZNET = readFileSync(
  join(
    PROJECT,
    'blocklists/certificates/00309c736dd661da6f1eb24173aa849944c168a43a15bffd192eecfdb6f8dbd2.pem',
  ),
);

const DISK: Readonly<Record<string, string | Buffer>> = {
  'etc/ca-certificates.conf': '',
  'usr/local/share/ca-certificates/qaznet.crt': QAZNET,
  'etc/ssl/certs/qaznet.pem': QAZNET,
  'etc/ssl/certs/ca-certificates.crt': QAZNET,
};

/** What the README takes for granted: a disk, images, certificates. */
function prepare(directory: string): void {
  const write = (path: string, content: string | Uint8Array): void => {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  };
  const plain = makeFilesTar(DISK);
  const { platform, arch } = process;
  const image: TestImage = {
    names: ['example/app:1'],
    platform: `${platform}/${arch === 'x64' ? 'amd64' : arch}`,
    layers: [{ plain, packed: gzipSync(plain), createdBy: 'COPY . /' }],
  };
  for (const [path, content] of Object.entries(DISK)) write(`mnt/disk/${path}`, content);
  for (const [path, content] of ociFiles([image])) write(`layout/${path}`, content);
  write('app.tar', makeTar(dockerMembers([image], 'legacy')));
  write('certs/qaznet.pem', QAZNET);
  for (const [name, command] of [
    ['rootaudit', `exec ${process.execPath} ${PROJECT}bin/rootaudit.js`],
    ['sudo', 'exec'],
  ] as const) {
    write(`bin/${name}`, `#!/bin/sh\n${command} "$@"\n`);
    chmodSync(join(directory, 'bin', name), 0o755);
  }
}

describe.skipIf(process.platform === 'win32')('the commands of the README', () => {
  const typed = typedIn('README.md');

  it('are known, so that nothing is run that should not be', () => {
    expect([...new Set(typed)].toSorted()).toEqual(Object.keys(RUN).toSorted());
  });

  it('do what it says, one after the other', () => {
    const directory = makeTemporaryDirectory();
    prepare(directory);
    const { PATH = '', HOME } = process.env;
    const env = {
      HOME,
      PATH: `${directory}/bin:${PATH}`,
      ROOTAUDIT_JOURNAL: join(directory, 'journal'),
      XDG_CACHE_HOME: '/dev/null',
    };
    for (const line of typed) {
      const expected = RUN[line];
      if (expected === undefined || typeof expected === 'string') continue;
      // Never on this machine.
      const safe = line
        .replace('remove --apply', 'remove --apply --yes --root /mnt/disk')
        .replaceAll('/mnt/disk', `${directory}/mnt/disk`);
      const { status, stderr } = spawnSync('sh', ['-c', safe], { cwd: directory, env, encoding: 'utf8' });
      expect(expected, `${line}: ${stderr}`).toContain(status);
    }
    for (const name of ['rootaudit.sarif', 'report.html', 'rootaudit.ndjson', 'rootaudit.prom'])
      expect(existsSync(join(directory, name)), name).toBe(true);
  }, 60_000);

  it('print what it shows', () => {
    const directory = makeTemporaryDirectory();
    prepare(directory);
    const { stdout } = rootaudit(['scan', '--no-policy', '--root', `${directory}/mnt/disk`]);
    const block = blocksOf('README.md', 'console').find((each) => each.includes('rootaudit 0.'));
    const [, , ...shown] = block?.split('\n') ?? [];
    const [, ...printed] = stdout.replaceAll(`${directory}/mnt/disk`, '/mnt/disk').split('\n');
    expect(shown).toEqual(printed);
  });

  it('and its policy work', () => {
    const directory = makeTemporaryDirectory();
    prepare(directory);
    const [policy = ''] = blocksOf('README.md', 'yaml');
    writeFileSync(join(directory, 'rootaudit.yaml'), policy);
    const { status, stderr } = rootaudit(['scan', 'app.tar', '-q'], {}, directory);
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
  });
});
