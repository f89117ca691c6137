import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeepResult } from '../../src/core/embedded.ts';
import { scanPrograms } from '../../src/deep/deep.ts';
import { zip } from '../../src/selftest/zip-file.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import { makeCertificate } from '../support/certificates.ts';
import { refusing } from '../support/refusing-fs.ts';
import { makeTree, type Node } from '../support/tree.ts';

const bad = makeCertificate({ subject: { C: 'KZ', CN: 'Bad' } });
const good = makeCertificate({ subject: { CN: 'Good' } });
const padding = Buffer.alloc(1000, 0x41);
const program = Buffer.concat([Buffer.from('7f454c46', 'hex'), padding, bad.der, padding, good.der]);
const OFFSET = 'offset 0x3ec';
const pem = Buffer.from(bad.pem);

const deep = (tree: Readonly<Record<string, Node>>, ...directories: readonly string[]): Promise<DeepResult> =>
  deepIn(makeTree(tree), ...directories);

function deepIn(root: string, ...directories: readonly string[]): Promise<DeepResult> {
  const wanted = ({ sha256 }: { sha256: string }): boolean => sha256 === bad.sha256;
  return scanPrograms({ target: openDirectory(root), directories, wanted });
}

/** "/a/b ELF: offset 0x10", one per certificate. */
const outline = ({ programs }: DeepResult): string[] =>
  programs.flatMap(({ path, format, held }) => held.map(({ entry }) => `${path} ${format}: ${entry}`));

/** An asar archive, as Electron's tool writes it. */
function asar(files: Readonly<Record<string, Uint8Array>>): Buffer {
  let offset = 0;
  const entries = Object.entries(files).map(([name, bytes]) => {
    const entry = [name, { size: bytes.length, offset: String(offset) }] as const;
    offset += bytes.length;
    return entry;
  });
  const json = Buffer.from(JSON.stringify({ files: { lib: { files: Object.fromEntries(entries) } } }));
  const padded = Math.ceil(json.length / 4) * 4;
  const head = Buffer.alloc(16 + padded);
  [4, 8 + padded, 4 + padded, json.length].forEach((value, i) => head.writeUInt32LE(value, i * 4));
  json.copy(head, 16);
  return Buffer.concat([head, ...Object.values(files)]);
}

describe('--deep', () => {
  it.each<[string, string, Uint8Array, string[]]>([
    ['a program', '/opt/a', program, [`/opt/a ELF: ${OFFSET}`]],
    ['a member of a ZIP', '/a.jar', zip({ 'x/ca.pem': pem }), ['/a.jar ZIP: x/ca.pem, offset 0x0']],
    [
      'a stored member',
      '/a.zip',
      zip({ one: padding, b: program }, { stored: true }),
      [`/a.zip ZIP: b, ${OFFSET}`],
    ],
    [
      'a large member',
      '/a.apk',
      zip({ b: Buffer.concat([Buffer.alloc(3 << 20), bad.der, Buffer.alloc(3 << 20)]) }),
      ['/a.apk ZIP: b, offset 0x300000'],
    ],
    [
      'an archive in an archive',
      '/a.war',
      zip({ 'lib/b.jar': zip({ 'ca.pem': pem }) }),
      ['/a.war ZIP: lib/b.jar!ca.pem, offset 0x0'],
    ],
    [
      'a stored member of a packed archive',
      '/a.war',
      zip({ 'b.jar': zip({ 'ca.pem': pem }, { stored: true }) }),
      ['/a.war ZIP: b.jar!ca.pem, offset 0x0'],
    ],
    [
      'a packed member of a stored archive',
      '/a.xapk',
      zip({ 'b.apk': zip({ 'ca.pem': pem }) }, { stored: true }),
      ['/a.xapk ZIP: b.apk!ca.pem, offset 0x0'],
    ],
    [
      'an archive after a program',
      '/setup.exe',
      Buffer.concat([Buffer.from('MZ'), padding, zip({ 'ca.pem': pem })]),
      ['/setup.exe ZIP: ca.pem, offset 0x0'],
    ],
    [
      'an asar archive',
      '/app.asar',
      asar({ a: padding, 'ca.js': pem }),
      ['/app.asar asar: lib/ca.js, offset 0x0'],
    ],
    ['a gzip file', '/fw.gz', gzipSync(program), [`/fw.gz gzip: unpacked, ${OFFSET}`]],
  ])('finds a certificate in %s', async (_, path, content, found) => {
    const result = await deep({ [path]: content });
    expect(outline(result)).toEqual(found);
    expect(result.problems).toEqual([]);
  });

  it('counts the certificates of a program that nobody asked for too', async () => {
    const { programs } = await deep({ '/a': program });
    expect(programs).toMatchObject([{ certificates: 2, held: [{ certificate: { sha256: bad.sha256 } }] }]);
  });

  it('follows no links and enters no views of the system', async () => {
    const outside = makeTree({ '/a': program });
    const tree = {
      '/usr/bin/a': { link: join(outside, 'a') },
      '/usr/lib': { link: outside },
      '/proc/1/exe': program,
      '/sys/a': program,
      '/dev/shm/a': program,
      '/opt/proc/a': program,
    };
    expect(outline(await deep(tree))).toEqual([`/opt/proc/a ELF: ${OFFSET}`]);
  });

  it('looks only into the directories and files that are named, and once', async () => {
    const tree = { '/a/x': program, '/b/x': program, '/c/d/x': program, '/c/y': program };
    const found = outline(await deep(tree, '/a', '/a/x', '/c/d', '/c', '/b/x'));
    expect(found.map((line) => line.split(' ')[0])).toEqual(['/a/x', '/b/x', '/c/y', '/c/d/x']);
  });

  it('tells about a directory that may not be entered, and goes on', async () => {
    const target = openDirectory(makeTree({ '/a/x': program, '/b/x': program }));
    const fs = refusing(target.fs, '/a');
    const result = await scanPrograms({ target: { ...target, fs }, directories: [], wanted: () => true });
    expect(result.problems).toMatchObject([{ code: 'unreadable', path: '/a', message: 'permission denied' }]);
    expect(result.programs.map(({ path }) => path)).toEqual(['/b/x']);
  });

  it('says how many files it did not unpack, and how they are packed', async () => {
    const magic = (hex: string): Buffer => Buffer.concat([Buffer.from(hex, 'hex'), padding]);
    const { notes } = await deep({
      '/a.ko.xz': magic('fd377a585a00'),
      '/b.ko.xz': magic('fd377a585a00'),
      '/c.bz2': magic('425a6839314159265359'),
      '/d.ko.zst': magic('28b52ffd'),
      '/e.snap': magic('68737173'),
      '/f.deb': Buffer.from('!<arch>\ndebian-binary   1'),
      '/g.AppImage': magic('7f454c46020101004149020000000000'),
      '/h': program,
    });
    const kinds = '1 AppImage, 1 Debian package, 1 SquashFS, 1 bzip2, 1 zstd, 2 xz';
    expect(notes).toEqual([
      '--deep looked into 8 files, 0 megabytes',
      `--deep did not unpack 7 files, packed in ways that are not read: ${kinds}`,
    ]);
  });

  it('finds what lies open in a file that it does not unpack', async () => {
    const found = await deep({ '/a.xz': Buffer.concat([Buffer.from('fd377a585a00', 'hex'), bad.der]) });
    expect(outline(found)).toEqual(['/a.xz xz: offset 0x6']);
  });

  it('notes what is encrypted', async () => {
    const { programs, problems, notes } = await deep({ '/a.zip': zip({ a: pem }, { flags: 1 }) });
    expect({ programs, problems }).toEqual({ programs: [], problems: [] });
    expect(notes).toContain('/a.zip: 1 member encrypted or packed in a way that is not read here');
  });

  it.each([
    ['a member that is damaged', '/a.zip', damaged(zip({ a: Buffer.from('x'.repeat(99)) }), 33), 'truncated'],
    ['a header that is missing', '/a.zip', damaged(zip({ a: pem }), 0), 'malformed'],
    ['a gzip file that is cut off', '/a.gz', gzipSync(program).subarray(0, 300), 'truncated'],
    ['a gzip bomb', '/a.gz', gzipSync(Buffer.alloc(400 << 20)), 'limit'],
  ])('tells about %s', async (_, path, content, code) => {
    const { problems } = await deep({ [path]: content });
    expect(problems).toMatchObject([{ code, path }]);
  });

  it('stops at a ZIP bomb with a problem', async () => {
    const bomb = zip({ a: Buffer.alloc(200 << 20), b: Buffer.alloc(200 << 20) });
    const { problems } = await deep({ '/a.zip': bomb });
    expect(problems).toMatchObject([{ code: 'limit', path: '/a.zip' }]);
  });

  it('never throws on damaged archives', async () => {
    const archives = [
      zip({ a: pem, b: zip({ c: pem }) }),
      zip({ a: zip({ c: pem }) }, { stored: true }),
      asar({ a: pem }),
      gzipSync(pem),
    ];
    const change = fc.tuple(fc.nat(), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...archives),
        fc.array(change, { minLength: 1, maxLength: 6 }),
        fc.option(fc.nat()),
        async (archive, changes, cut) => {
          const bytes = Buffer.from(archive);
          for (const [where, octet] of changes) bytes[where % bytes.length] = octet;
          const content = cut === null ? bytes : bytes.subarray(0, cut % bytes.length);
          const { notes } = await deep({ '/a.asar': content, '/a.zip': content });
          expect(notes[0]).toContain('2 files');
        },
      ),
      { numRuns: 100 },
    );
  });
});

function damaged(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.fill(0xff, at, at + 4);
  return copy;
}

describe('files that carry certificates without trusting them', () => {
  it('are recognised when they are a list of rootaudit', async () => {
    const list = '/usr/lib/node_modules/rootaudit/blocklists';
    const { programs } = await deep({
      [`${list}/manifest.json`]: '{}',
      [`${list}/advisories/a.json`]: '{}',
      [`${list}/certificates/${bad.sha256}.pem`]: bad.pem,
      [`${list}/certificates/${good.sha256}.pem`]: bad.pem,
    });
    const words = new Map(programs.map(({ path, carriesOnly }) => [path.includes(bad.sha256), carriesOnly]));
    expect(words).toEqual(
      new Map([
        [true, 'in a blocklist of rootaudit'],
        [false, undefined],
      ]),
    );
  });

  it('are not recognised by their name alone', async () => {
    const tree = {
      '/usr/lib/libnssckbi.so': program,
      '/opt/chrome/chrome': program,
      '/opt/a.p11-kit': bad.pem,
    };
    const { programs } = await deep(tree);
    expect(programs.map(({ carriesOnly }) => carriesOnly)).toEqual([undefined, undefined, undefined]);
  });

  it('are recognised as a p11-kit file that distrusts', async () => {
    const { programs } = await deep({
      '/opt/a.p11-kit': `[p11-kit-object-v1]\nx-distrusted: true\n${bad.pem}`,
    });
    expect(programs).toMatchObject([{ carriesOnly: 'in a p11-kit file that distrusts it' }]);
  });

  const NSS = '/usr/lib/x86_64-linux-gnu/libnssckbi.so';
  it.skipIf(!existsSync(NSS))('are recognised as the real list of NSS', async () => {
    const root = makeTree({ '/x': '' });
    mkdirSync(join(root, 'usr/lib'), { recursive: true });
    copyFileSync(NSS, join(root, 'usr/lib/libnssckbi.so'));
    const { programs } = await scanPrograms({
      target: openDirectory(root),
      directories: [],
      wanted: () => true,
    });
    const [list] = programs;
    expect(list?.certificates).toBeGreaterThan(100);
    expect(list?.carriesOnly).toContain('Mozilla');
  });
});
