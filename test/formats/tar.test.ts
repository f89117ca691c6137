import { execFileSync, spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  linkSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sourceOf, type Source } from '../../src/formats/archive.ts';
import { tarEntries, TarStream, type TarEntry } from '../../src/formats/tar.ts';
import {
  pax,
  tar,
  TAR_END,
  tarHeader,
  tarMember,
  withChecksum,
  type TarFile,
} from '../support/hostile-tar.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

interface Read {
  readonly entries: readonly TarEntry[];
  readonly said: readonly string[];
}

function seek(bytes: Buffer): Read {
  const { entries, diagnostics } = tarEntries(sourceOf(bytes));
  return { entries: [...entries], said: diagnostics.map(({ level, message }) => `${level}: ${message}`) };
}

interface Streamed extends Read {
  readonly contents: readonly Buffer[];
}

function stream(bytes: Buffer, size: number): Streamed {
  const tarStream = new TarStream();
  const entries: TarEntry[] = [];
  const contents: Buffer[][] = [];
  for (let at = 0; at < bytes.length; at += size) {
    for (const event of tarStream.push(bytes.subarray(at, at + size))) {
      if (event instanceof Uint8Array) contents.at(-1)?.push(Buffer.from(event));
      else {
        entries.push(event);
        contents.push([]);
        tarStream.take();
      }
    }
  }
  tarStream.end();
  const said = tarStream.diagnostics.map(({ level, message }) => `${level}: ${message}`);
  return { entries, said, contents: contents.map((pieces) => Buffer.concat(pieces)) };
}

/** Both ways of reading tell the same. */
function read(bytes: Buffer): Read {
  const whole = seek(bytes);
  for (const size of [1, 511, 512, 1000, 1 << 20]) {
    const { entries, said } = stream(bytes, size);
    expect({ entries, said }).toEqual(whole);
  }
  return whole;
}

const names = ({ entries }: Read): string[] => entries.map(({ path }) => path);
const binary = (value: bigint): Buffer => {
  const field = Buffer.alloc(12);
  field.writeBigUInt64BE(value, 4);
  field[0] = 0x80;
  return field;
};

describe('tar', () => {
  it('tells everything about files, directories and links', () => {
    const { entries, said } = read(
      tar(
        { name: 'etc/', mode: 0o755 },
        { name: 'etc/a', content: 'hello', uid: 7, mode: 0o4640, modified: 5 },
        { name: 'etc/b', link: '../a' },
        { name: 'etc/c', link: 'etc/a', type: '1' },
      ),
    );
    expect(said).toEqual([]);
    const same = { uid: 0, gid: 0, modified: 1_700_000_000_000, size: 0, mode: 0o644 };
    expect(entries).toEqual([
      { ...same, path: 'etc/', kind: 'directory', mode: 0o755, offset: 512 },
      { ...same, path: 'etc/a', kind: 'file', size: 5, uid: 7, mode: 0o4640, modified: 5000, offset: 1024 },
      { ...same, path: 'etc/b', kind: 'link', link: '../a', offset: 2048 },
      { ...same, path: 'etc/c', kind: 'hard-link', link: 'etc/a', offset: 2560 },
    ]);
  });

  it('hands out the content of what is taken, wherever a piece ends', () => {
    const content = Buffer.from(Array.from({ length: 5000 }, (_, i) => i & 0xff));
    for (const size of [1, 7, 513, 100_000]) {
      const { contents } = stream(
        tar({ name: 'a', content }, { name: 'b' }, { name: 'c', content: 'x' }),
        size,
      );
      expect(contents).toEqual([content, Buffer.alloc(0), Buffer.from('x')]);
    }
  });

  const kinds: readonly (readonly [string, TarFile, TarEntry['kind']])[] = [
    ['an old file', { name: 'a', type: '\0' }, 'file'],
    ['an old directory, by its slash', { name: 'a/', type: '\0' }, 'directory'],
    ['a contiguous file', { name: 'a', type: '7' }, 'file'],
    ['a pipe', { name: 'a', type: '6' }, 'other'],
    ['a block device', { name: 'a', type: '4', device: [8, 0] }, 'other'],
    ['a character device', { name: 'a', type: '3', device: [1, 3] }, 'other'],
    ["overlayfs' whiteout", { name: 'a', type: '3' }, 'whiteout'],
    ['an unknown type', { name: 'a', type: 'Q' }, 'other'],
    ['a volume label', { name: 'a', type: 'V' }, 'other'],
  ];
  it.each(kinds)('knows %s', (_, file, kind) => {
    expect(read(tar(file)).entries.map((entry) => entry.kind)).toEqual([kind]);
  });

  it('skips the content of types it does not know, and none where there never is any', () => {
    const unknown = { name: 'a', type: 'Q', content: 'x'.repeat(600) };
    const directory = { name: 'b/', size: 4096 };
    expect(names(read(tar(unknown, directory, { name: 'c' })))).toEqual(['a', 'b/', 'c']);
  });

  it('joins the two fields of a ustar name, and not those of GNU tar', () => {
    const prefix = 'some/where';
    expect(names(read(tar({ name: 'file', prefix })))).toEqual(['some/where/file']);
    expect(names(read(tar({ name: 'file', prefix: '14536372350', magic: 'ustar  \0' })))).toEqual(['file']);
    expect(names(read(tar({ name: 'file', prefix, magic: '' })))).toEqual(['file']);
  });

  it('takes names and sizes of pax headers', () => {
    const long = `${'long/'.repeat(300)}naïve`;
    const { entries } = read(
      tar(
        pax({ path: long, mtime: '1.5', uid: '3000000' }),
        { name: 'short' },
        pax({ linkpath: 'x'.repeat(200) }),
        { name: 'link', link: 'y' },
        pax({ size: '3' }),
        tarHeader({ name: 'sized' }),
        Buffer.from('abc'.padEnd(512, '\0')),
        pax({ path: '' }),
        { name: 'kept' },
      ),
    );
    expect(entries).toMatchObject([
      { path: long, modified: 1500, uid: 3_000_000 },
      { path: 'link', link: 'x'.repeat(200) },
      { path: 'sized', size: 3 },
      { path: 'kept' },
    ]);
  });

  it("takes GNU tar's long names", () => {
    const long = 'x'.repeat(3000);
    const { entries } = read(
      tar(
        { name: '././@LongLink', type: 'K', content: `${long}k\0` },
        { name: '././@LongLink', type: 'L', content: `${long}l\0` },
        { name: 'short', link: 'short' },
        { name: 'next' },
      ),
    );
    expect(entries).toMatchObject([{ path: `${long}l`, link: `${long}k` }, { path: 'next' }]);
  });

  it('keeps the bytes of a name that is not UTF-8', () => {
    expect(names(read(tar({ name: Buffer.from('b\xffd', 'latin1') })))).toEqual(['b\udcffd']);
  });

  it('reads large sizes in binary', () => {
    const { entries, said } = read(tar({ name: 'a', size: binary(10_000_000_000n) }));
    expect(entries).toMatchObject([{ path: 'a', size: 10_000_000_000 }]);
    expect(said).toEqual(['error: the archive is cut off']);
  });

  it('marks sparse files of GNU tar, whose maps may go on', () => {
    const header = tarHeader({ name: 'sparse', type: 'S', content: 'x'.repeat(512), magic: 'ustar  \0' });
    header[482] = 1;
    header.write('00000100000\0', 483, 'latin1');
    const map = Buffer.alloc(512);
    map[504] = 1;
    const archive = tar(withChecksum(header), map, Buffer.alloc(512), Buffer.alloc(512, 'x'), {
      name: 'next',
    });
    expect(read(archive).entries).toMatchObject([
      { path: 'sparse', kind: 'file', sparse: true, size: 0o100000, offset: 1536 },
      { path: 'next' },
    ]);
  });

  it('marks sparse files of pax', () => {
    const records = { 'GNU.sparse.major': '1', 'GNU.sparse.name': 'real', 'GNU.sparse.realsize': '9000' };
    const { entries } = read(tar(pax(records), { name: 'GNUSparseFile.0/real', content: '0\n' }));
    expect(entries).toMatchObject([{ path: 'real', sparse: true, size: 9000 }]);
  });

  it('knows a directory that overlayfs marked as opaque', () => {
    const opaque = pax({ 'SCHILY.xattr.trusted.overlay.opaque': 'y' });
    expect(read(tar(opaque, { name: 'a/' }, { name: 'b/' })).entries).toMatchObject([
      { path: 'a/', opaque: true },
      { path: 'b/' },
    ]);
  });

  it('takes no names from a global header, as container runtimes, and says so', () => {
    const { entries, said } = read(tar(pax({ path: 'evil', mtime: '9' }, 'g'), { name: 'a' }, { name: 'b' }));
    expect(entries).toMatchObject([{ path: 'a', modified: 9000 }, { path: 'b' }]);
    expect(said).toMatchObject([expect.stringContaining('error: a global header')]);
  });

  const whole = tar({ name: 'a', content: 'x'.repeat(700) }, { name: 'b' });
  const broken = Buffer.from(whole);
  broken[3] = 1;
  const malformed: readonly (readonly [string, Buffer, readonly string[], string])[] = [
    ['nothing at all', Buffer.alloc(0), [], 'note: the archive has no end mark: it may be cut off'],
    [
      'no end mark',
      whole.subarray(0, 2048),
      ['a', 'b'],
      'note: the archive has no end mark: it may be cut off',
    ],
    ['a cut in a header', whole.subarray(0, 1700), ['a'], 'error: the archive is cut off'],
    ['a cut in content', whole.subarray(0, 1000), ['a'], 'error: the archive is cut off'],
    ['a wrong checksum', broken, [], 'error: a header with a wrong checksum'],
    ['half an end mark', Buffer.concat([Buffer.alloc(512), whole]), [], 'error: data after half an end mark'],
    [
      'a negative size',
      tar({ name: 'a', size: Buffer.alloc(12, 0xff) }),
      [],
      'error: a header with an impossible size',
    ],
    [
      'a size beyond all numbers',
      tar({ name: 'a', size: Buffer.from('80ffffffffffffffffffffff', 'hex') }),
      [],
      'error: a header with an impossible size',
    ],
    [
      'a size that is no number',
      tar({ name: 'a', size: Buffer.from('what is this') }),
      [],
      'error: a header with an impossible size',
    ],
    [
      'an impossible size in pax',
      tar(pax({ size: '-1' }), { name: 'a' }),
      [],
      'error: a header with an impossible size',
    ],
    [
      'a damaged pax record',
      tar(tarMember({ name: 'x', type: 'x', content: '99 path=b\n' }), { name: 'a' }),
      ['a'],
      'error: an extended header with a damaged record',
    ],
    [
      'an extended header that fills the memory',
      tar({ name: 'x', type: 'x', content: Buffer.alloc((1 << 20) + 1) }, { name: 'a' }, { name: 'b' }),
      ['b'],
      'error: an extended header of 1048577 bytes, more than the limit of 1048576; the file after it is left out',
    ],
    [
      'an extended header that is cut off',
      tar({ name: 'x', type: 'L', content: 'y'.repeat(2000) }).subarray(0, 1500),
      [],
      'error: the archive is cut off',
    ],
  ];
  it.each(malformed)('says what is wrong with %s', (_, bytes, paths, message) => {
    const found = read(bytes);
    expect(names(found)).toEqual(paths);
    expect(found.said).toEqual([message]);
  });

  it('takes an archive for whole that lacks padding at its very end', () => {
    const { entries, said } = seek(
      Buffer.concat([tarHeader({ name: 'a', content: 'xyz' }), Buffer.from('xyz')]),
    );
    expect({ paths: entries.map(({ path }) => path), said }).toEqual({
      paths: ['a'],
      said: ['note: the archive has no end mark: it may be cut off'],
    });
  });

  it('accepts the sum of signed bytes that old programs wrote', () => {
    const header = tarHeader({ name: Buffer.from('\xe4', 'latin1') });
    const sum = header.reduce((total, byte, at) => {
      if (at >= 148 && at < 156) return total + 0x20;
      return total + (byte >= 0x80 ? byte - 256 : byte);
    }, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    expect(seek(Buffer.concat([header, TAR_END])).said).toEqual([]);
  });

  it('tells a bounded number of times what is wrong', () => {
    const bad = tarMember({ name: 'x', type: 'x', content: 'nonsense' });
    const { said } = seek(tar(...Array.from({ length: 500 }, () => bad)));
    expect(said.length).toBeLessThanOrEqual(20);
  });

  it('passes over content without reading it', () => {
    const content = Buffer.alloc(1 << 20);
    const files = Array.from({ length: 20 }, (_, i) => ({ name: `f${i}`, content }));
    const source = sourceOf(tar(...files));
    let got = 0;
    const counting: Source = {
      size: source.size,
      read: (into, offset) => {
        const length = source.read(into, offset);
        got += length;
        return length;
      },
    };
    expect([...tarEntries(counting).entries]).toHaveLength(20);
    expect(got).toBeLessThan(source.size / 20);
  });

  it('never throws and comes to an end, whatever is changed', () => {
    const archive = tar(
      pax({ path: 'a/b', size: '5' }),
      { name: 'a', content: 'hello' },
      { name: 'l', type: 'L', content: 'long name\0' },
      { name: 'b', link: 'a' },
      { name: 's', type: 'S', content: 'x' },
    );
    const change = fc.record({ at: fc.nat(archive.length - 1), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), fc.nat(archive.length), (changes, length) => {
        const bytes = Buffer.from(archive.subarray(0, length));
        for (const { at, byte } of changes) if (at < bytes.length) bytes[at] = byte;
        for (let at = 0; at + 512 <= bytes.length; at += 512) {
          // Otherwise nothing but the checksum is ever wrong.
          if (bytes[at] !== 0) withChecksum(bytes.subarray(at, at + 512));
        }
        const { entries, said } = seek(bytes);
        expect(entries.length).toBeLessThanOrEqual(bytes.length / 512);
        expect(stream(bytes, 777)).toMatchObject({ entries, said });
      }),
      { numRuns: 500 },
    );
  });
});

const hasTar = spawnSync('tar', ['--version'], { encoding: 'utf8' }).stdout?.includes('GNU tar') ?? false;

describe.skipIf(!hasTar)('archives of GNU tar', () => {
  const root = makeTemporaryDirectory();
  const deep = `d/${'long/'.repeat(30)}${'n'.repeat(120)}`;
  mkdirSync(join(root, 'd', 'long/'.repeat(30)), { recursive: true });
  writeFileSync(join(root, deep), 'deep');
  writeFileSync(join(root, 'd/a'), 'a'.repeat(5000));
  writeFileSync(Buffer.concat([Buffer.from(join(root, 'd/')), Buffer.of(0x62, 0xff)]), '');
  writeFileSync(join(root, 'd/sparse'), '');
  truncateSync(join(root, 'd/sparse'), 5_000_000);
  symlinkSync('x'.repeat(150), join(root, 'd/link'));
  linkSync(join(root, 'd/a'), join(root, 'd/hard'));

  it.each(['gnu', 'pax', 'ustar', 'v7', 'oldgnu'])('are read in the format %s', (format) => {
    const file = join(root, `${format}.tar`);
    const sparse = format === 'ustar' || format === 'v7' ? [] : ['--sparse'];
    spawnSync('tar', [`--format=${format}`, ...sparse, '-cf', file, 'd'], { cwd: root });
    const listed = execFileSync('tar', ['-tf', file, '--quoting-style=literal'], { encoding: 'buffer' });
    const { entries, said } = read(readFileSync(file));
    expect(said).toEqual([]);
    expect(entries.map(({ path }) => path.replace('\udcff', '\ufffd'))).toEqual(
      listed.toString('utf8').trimEnd().split('\n'),
    );
    const found = new Map(entries.map((entry) => [entry.path, entry]));
    expect(found.get('d/sparse')?.size).toBe(5_000_000);
    expect(found.get('d/sparse')?.sparse).toBe(sparse.length > 0 ? true : undefined);
    const shared = [found.get('d/a'), found.get('d/hard')];
    expect(new Set(shared.map((entry) => entry?.kind))).toEqual(new Set(['file', 'hard-link']));
    const { mtimeMs } = lstatSync(join(root, 'd/a'));
    expect(found.get('d/')?.mode).toBe(0o755);
    expect(Math.abs((shared[0]?.modified ?? 0) - mtimeMs)).toBeLessThan(1000);
  });
});
