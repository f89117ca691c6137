/** File systems made by mke2fs, against what debugfs reads in them. */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readExt4Directory } from '../../src/formats/ext4.ts';
import { ext4Image } from '../../src/selftest/ext4-image.ts';
import { unless } from '../support/nss.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
const env = { ...process.env, PATH, MKE2FS_FIRST_META_BG: '', LC_ALL: 'C' };
const hasTools = ['mke2fs', 'debugfs', 'e2fsck', 'resize2fs'].every(
  (tool) => spawnSync(tool, ['-V'], { env, stdio: 'ignore' }).error === undefined,
);
const LIMITS = { maxFileBytes: 80 << 20, maxFiles: 10_000, maxTotalBytes: 1 << 30 };

function run(tool: string, ...args: readonly string[]): string {
  return execFileSync(tool, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

/** Bytes that tell their place, with nothing written in every second 4 KiB. */
function withHoles(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 8192) bytes.fill(`block ${at} `, at, Math.min(at + 4096, length));
  return bytes;
}

const DIRECTORIES = ['', 'cacerts', 'few', 'inline', 'many', 'deep/er'];

const makeFiles = once((): string => {
  const root = makeTemporaryDirectory();
  for (const directory of DIRECTORIES) mkdirSync(join(root, directory), { recursive: true });
  const file = (path: string, content: string | Buffer): void => writeFileSync(join(root, path), content);
  for (const size of [0, 1, 59, 60, 61, 100, 150, 1023, 1024, 4096, 5000, 300_000]) {
    file(`cacerts/${size}`, Buffer.alloc(size, `${size} bytes `));
  }
  file('cacerts/holes', withHoles(390 * 8192 + 4096));
  file('cacerts/Größe 日本', 'name');
  file(`cacerts/${'n'.repeat(255)}`, 'name');
  file('few/a', 'a');
  for (let i = 0; i < 8; i++) file(`inline/a name of its own ${i}`, `${i}`);
  for (let i = 0; i < 150; i++) file(`many/${i.toString(16).padStart(8, '0')}.0`, `${i}`);
  file('deep/er/file', 'deep');
  return root;
});

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}

function image(options: readonly string[], files = makeFiles(), size = '20M'): string {
  const path = join(makeTemporaryDirectory(), 'image');
  run('mke2fs', '-q', '-F', ...options, '-d', files, path, size);
  return path;
}

function read(path: string, directory: string): ReturnType<typeof readExt4Directory> {
  return readExt4Directory(readFileSync(path), directory, LIMITS);
}

/** Every directory as debugfs writes it out and as it was given to mke2fs, against ours. */
function expectSame(path: string): void {
  const [given, out] = [makeFiles(), makeTemporaryDirectory()];
  const bytes = readFileSync(path);
  run('debugfs', '-R', `rdump / ${out}`, path);
  for (const directory of DIRECTORIES) {
    const isFile = (name: string): boolean => statSync(join(out, directory, name)).isFile();
    const names = readdirSync(join(out, directory)).filter(isFile);
    const { entries, diagnostics } = readExt4Directory(bytes, directory, LIMITS);
    expect(diagnostics).toEqual([]);
    expect(entries.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
    for (const { name, bytes: content } of entries) {
      expect(readFileSync(join(given, directory, name)).equals(content), `${directory}/${name}`).toBe(true);
      const theirs = readFileSync(join(out, directory, name));
      // Of a short file in its inode it writes 60 octets, whatever the size.
      const whole = theirs.length === 60 ? theirs.subarray(0, content.length) : theirs;
      expect(whole.equals(content), `${directory}/${name}`).toBe(true);
    }
  }
}

const EXT4 = ['-t', 'ext4'];

describe.skipIf(!hasTools)(`a file system of mke2fs${unless(hasTools, 'e2fsprogs')}`, () => {
  it('has maps of extents of three levels, where files have many holes', () => {
    const path = image([...EXT4, '-b', '1024']);
    expect(run('debugfs', '-R', 'dump_extents /cacerts/holes', path)).toMatch(/^ 2\/ 2 /m);
  });

  it.each<[string, readonly string[]]>([
    ['as it is made by default', EXT4],
    ['with blocks of 1 KiB', [...EXT4, '-b', '1024']],
    ['with blocks of 2 KiB', [...EXT4, '-b', '2048']],
    ['with blocks of 64 KiB', [...EXT4, '-b', '65536']],
    ['of 32 bits', [...EXT4, '-O', '^64bit']],
    ['without checksums', [...EXT4, '-O', '^metadata_csum']],
    ['with checksums of groups only', [...EXT4, '-O', '^metadata_csum,uninit_bg']],
    ['with small inodes', [...EXT4, '-I', '128']],
    ['with large inodes', [...EXT4, '-I', '1024']],
    ['with content in its inodes', [...EXT4, '-O', 'inline_data', '-I', '512']],
    ['with content in small inodes', [...EXT4, '-O', 'inline_data', '-I', '256', '-b', '1024']],
    ['of clusters', [...EXT4, '-O', 'bigalloc', '-C', '65536']],
    ['of clusters of small blocks', [...EXT4, '-O', 'bigalloc', '-b', '1024', '-C', '16384']],
    ['of many small groups', [...EXT4, '-b', '1024', '-g', '2048', '-O', '^resize_inode']],
    ['of groups that are not joined', [...EXT4, '-O', '^flex_bg', '-g', '8192']],
    ['with encryption and case folding possible', [...EXT4, '-O', 'encrypt,casefold']],
    ['with further features', [...EXT4, '-O', 'ea_inode,large_dir,mmp,project,quota,verity']],
    ['as Android makes them', [...EXT4, '-O', '^has_journal', '-b', '4096', '-m', '0', '-I', '256']],
    ['without extents', [...EXT4, '-O', '^extent,^64bit']],
    ['of the form of ext3', ['-t', 'ext3', '-b', '1024']],
    ['of the form of ext2', ['-t', 'ext2', '-b', '1024']],
    ['of the first form of ext2', ['-t', 'ext2', '-r', '0', '-O', 'none', '-b', '1024']],
  ])('%s reads as debugfs reads it', (_what, options) => {
    expectSame(image(options));
  });

  it('with a file of three levels of maps is read to its end', () => {
    const files = makeTemporaryDirectory();
    writeFileSync(join(files, 'far'), 'begins');
    truncateSync(join(files, 'far'), 70_000_000);
    writeFileSync(join(files, 'far'), 'ends', { flag: 'a' });
    const path = image(['-t', 'ext2', '-b', '1024'], files);
    expect(run('debugfs', '-R', 'stat /far', path)).toMatch(/TIND/);
    const { entries, diagnostics } = read(path, '');
    expect(diagnostics).toEqual([]);
    expect(entries[0]?.bytes.length).toBe(70_000_004);
    expect(readFileSync(join(files, 'far')).equals(entries[0]?.bytes ?? Buffer.alloc(0))).toBe(true);
  });

  it('with indexed directories reads as debugfs reads it', () => {
    const path = image([...EXT4, '-b', '1024']);
    spawnSync('e2fsck', ['-fyD', path], { env, stdio: 'ignore' });
    expect(run('debugfs', '-R', 'htree_dump /many', path)).toContain('Root node dump');
    expectSame(path);
  });

  it('with blocks that were set aside and never written reads as debugfs reads it', () => {
    const path = image([...EXT4, '-b', '1024']);
    run('debugfs', '-w', '-R', 'fallocate /cacerts/holes 0 4000', path);
    expect(run('debugfs', '-R', 'dump_extents /cacerts/holes', path)).toContain('Uninit');
    expectSame(path);
  });

  it('that was shrunk, with something behind it, reads as debugfs reads it', () => {
    const path = image([...EXT4, '-O', '^has_journal']);
    run('resize2fs', '-M', path);
    writeFileSync(path, Buffer.alloc(100_000, 'hash tree'), { flag: 'a' });
    expectSame(path);
  });

  it('with a journal that is not written back is read, and a problem', () => {
    const path = image(EXT4);
    run('debugfs', '-w', '-R', 'feature +needs_recovery', path);
    const { entries, diagnostics } = read(path, 'few');
    expect(entries).toHaveLength(1);
    expect(diagnostics).toMatchObject([{ level: 'error', code: 'stale' }]);
  });

  it.each<[string, readonly string[], string]>([
    ['groups of group descriptors', ['-O', 'meta_bg,^resize_inode'], 'groups of group descriptors'],
    ['nothing but a journal', ['-O', 'journal_dev'], 'a journal of its own'],
  ])('with %s is refused', (_what, options, words) => {
    const path = join(makeTemporaryDirectory(), 'image');
    run('mke2fs', '-q', '-F', ...EXT4, ...options, path, '16M');
    const { entries, diagnostics } = read(path, '');
    expect(entries).toEqual([]);
    expect(diagnostics).toMatchObject([{ level: 'error', code: 'unsupported' }]);
    expect(diagnostics[0]?.message).toContain(words);
  });

  it('with links names them, and follows none', () => {
    const files = makeTemporaryDirectory();
    mkdirSync(join(files, 'd'));
    writeFileSync(join(files, 'd/file'), 'x');
    symlinkSync('file', join(files, 'd/link'));
    symlinkSync(`${'./'.repeat(100)}file`, join(files, 'd/long'));
    symlinkSync('d', join(files, 'e'));
    const path = image(EXT4, files, '16M');
    const { entries, diagnostics } = read(path, 'd');
    expect(entries.map(({ name }) => name)).toEqual(['file']);
    expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'unsupported link: a symbolic link, which is not followed here',
      'unsupported long: a symbolic link, which is not followed here',
    ]);
    expect(read(path, 'e').diagnostics.map(({ message }) => message)).toEqual([
      'e is a symbolic link, which is not followed here',
    ]);
  });

  it('finds nothing to complain of in the image of the self-test', () => {
    const path = join(makeTemporaryDirectory(), 'image');
    const many = Array.from({ length: 300 }, (_, i) => [`cacerts/${i}`, Buffer.alloc(i * 50, 'x')] as const);
    writeFileSync(path, ext4Image({ 'etc/x/y': Buffer.alloc(10_000, 'y'), ...Object.fromEntries(many) }));
    run('e2fsck', '-fn', path);
    const out = makeTemporaryDirectory();
    run('debugfs', '-R', `rdump / ${out}`, path);
    expect(readFileSync(join(out, 'cacerts/299'), 'latin1')).toBe('x'.repeat(299 * 50));
  });
});
