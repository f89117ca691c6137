import { describe, expect, it, vi } from 'vitest';
import { RootauditError } from '../../src/core/errors.ts';
import type { Target } from '../../src/core/target.ts';
import type { LayerContent } from '../../src/images/image-source.ts';
import { openImage } from '../../src/images/open-image.ts';
import { regenerate } from '../../src/stores/shared/regenerate.ts';
import {
  tarHeader,
  seekable,
  streamed,
  tar,
  testImage,
  treeFiles,
  type TarTree,
} from '../support/hostile-tar.ts';
import { outlineTree } from '../support/image-outline.ts';

const image = (tree: TarTree, more: Parameters<typeof testImage>[1] = {}): Promise<Target> =>
  openImage(testImage([seekable(tar(...treeFiles(tree)))], more));

const text = (target: Target, path: string): string | undefined => {
  const bytes = target.fs.read(path);
  return bytes && Buffer.from(bytes).toString();
};

describe('an image as a target', () => {
  it('follows links as a process in it would', async () => {
    const { fs } = await image({
      'etc/ssl/cert': 'x',
      abs: { link: '/etc/ssl' },
      rel: { link: 'etc/../etc/ssl' },
      out: { link: '../../../../etc/ssl/cert' },
      'a/b/up': { link: '../../abs/cert' },
      dangling: { link: 'nothing' },
      below: { link: 'etc/ssl/cert/x' },
      one: { link: 'two' },
      two: { link: 'one' },
    });
    const paths = ['/abs/cert', '/rel/cert', '/out', '/a/b/up', '/../abs/./cert', '/etc/ssl/cert'];
    for (const path of paths) expect([path, fs.realPath(path)]).toEqual([path, '/etc/ssl/cert']);
    expect(['/dangling', '/below', '/etc/ssl/cert/x', '/none/..'].map((path) => fs.kind(path))).toEqual(
      Array.from({ length: 4 }, () => undefined),
    );
    for (const call of [() => fs.kind('/one'), () => fs.read('/two/x'), () => fs.list('/one')]) {
      expect(call).toThrow(expect.objectContaining({ name: 'FsError', code: 'link-loop' }));
    }
  });

  it('follows 40 links and no more', async () => {
    const links = Array.from({ length: 42 }, (_, i) => [`l${i}`, { link: i === 0 ? 'end' : `l${i - 1}` }]);
    const { fs } = await image({ ...Object.fromEntries(links), end: 'x' });
    expect(fs.kind('/l39')).toBe('file');
    expect(() => fs.kind('/l40')).toThrow('too many links');
  });

  it('tells size, time, owner and permissions', async () => {
    const file = { name: 'a/b', content: 'hello', uid: 5, mode: 0o4755, modified: 1234 };
    const { fs } = await openImage(testImage([seekable(tar(file))]));
    expect(fs.stat('/a/b')).toEqual({ kind: 'file', size: 5, uid: 5, mode: 0o4755, modified: 1_234_000 });
    expect(fs.stat('/a')).toMatchObject({ kind: 'directory', uid: 0, mode: 0o755 });
    expect(fs.stat('/none')).toBeUndefined();
  });

  it('lists by name and kind', async () => {
    const files = [
      ...treeFiles({ z: '', 'B/': null, a: { link: 'z' } }),
      { name: 'dev', type: '4', device: [8, 1] as const },
    ];
    const { fs } = await openImage(testImage([seekable(tar(...files))]));
    expect(fs.list('/').map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'B directory',
      'a link',
      'dev other',
      'z file',
    ]);
    expect(fs.list('/z')).toEqual([]);
    expect(() => fs.read('/dev')).toThrow(expect.objectContaining({ code: 'not-a-file' }));
    expect(() => fs.open('/B')).toThrow(expect.objectContaining({ code: 'not-a-file' }));
  });

  it('reads files whole and in pieces, in bounds', async () => {
    const { fs } = await image({ a: 'hello world', empty: '' });
    const file = fs.open('/a');
    const into = Buffer.alloc(4);
    expect([file?.size, file?.read(into, 6), into.toString()]).toEqual([11, 4, 'worl']);
    expect([file?.read(into, 10), file?.read(into, 11)]).toEqual([1, 0]);
    expect([fs.read('/a')?.length, fs.read('/empty')?.length, fs.read('/none')]).toEqual([11, 0, undefined]);
    expect(() => fs.read('/a', 10)).toThrow(expect.objectContaining({ code: 'too-large' }));
  });

  it('does not read sparse files', async () => {
    const sparse = tarHeader({ name: 'a.pem', type: 'S', magic: 'ustar  \0', content: 'x' });
    const archive = tar(sparse, Buffer.alloc(512, 'x'));
    for (const content of [seekable(archive), streamed(archive)]) {
      const { fs } = await openImage(testImage([content]));
      expect(() => fs.read('/a.pem')).toThrow('a sparse file, which is not read from an archive');
    }
  });

  it('has the environment, the homes and the description of the image', async () => {
    const target = await image(
      {
        'etc/passwd': 'app:x:1000:1000::/srv/app:/bin/sh\n',
        'srv/app/': null,
        'root/': null,
        'home/x/': null,
      },
      {
        environment: { SSL_CERT_FILE: '/a' },
        name: 'app:1',
        digest: 'sha256:f',
        platform: 'linux/arm64',
        notes: ['n'],
      },
    );
    expect(target).toMatchObject({
      kind: 'image',
      reference: 'test.tar',
      platform: 'linux',
      environment: { SSL_CERT_FILE: '/a' },
      notes: ['n'],
      image: { name: 'app:1', digest: 'sha256:f', platform: 'linux/arm64', layers: [{ digest: 'sha256:0' }] },
    });
    expect(target.homes.map(({ path }) => path)).toEqual(['/srv/app', '/root', '/home/x']);
    expect(target.hostPath('/etc/x')).toBe('/etc/x');
    expect(regenerate(target, 'update-ca-certificates', []).commands).toEqual(['update-ca-certificates']);
  });

  it('knows its platform, and finds the files of a Windows image', async () => {
    const windows = await image(
      { 'Files/Windows/System32/a': 'x', 'Files/link': { link: '/Windows' }, 'Hives/Software_Delta': 'y' },
      { platform: 'windows/amd64' },
    );
    expect([windows.platform, windows.fs.list('/').map(({ name }) => name)]).toEqual([
      'win32',
      ['Windows', 'link'],
    ]);
    expect(windows.fs.realPath('/link/System32/../../../Windows/System32/a')).toBe('/Windows/System32/a');
    expect((await image({ 'system/build.prop': '' })).platform).toBe('android');
    expect((await image({}, { platform: 'freebsd/amd64' })).platform).toBe('freebsd');
  });

  it('is the archive of a root file system where a layer has no name', async () => {
    const content = seekable(tar({ name: '../x' }, { name: 'a', content: 'x' }));
    const target = await openImage({ ...testImage([]), layers: [{ digest: '', content }] });
    expect(target.image?.layers).toEqual([]);
    expect('layerOf' in target).toBe(false);
    expect(target.problems).toMatchObject([{ path: 'test.tar' }]);
  });

  it('shows each state that its layers went through', async () => {
    const layers = [{ a: '1' }, { '.wh.a': '', b: '2' }, { c: '3' }].map((tree) => tar(...treeFiles(tree)));
    for (const read of [seekable, (archive: Buffer): LayerContent => streamed(archive)]) {
      const target = await openImage(testImage(layers.map(read)));
      const found: string[] = [];
      for (const state of target.states?.() ?? []) {
        outlineTree(state);
        await state.fetchMissing?.();
        found.push(outlineTree(state).join(', '));
      }
      expect(found).toEqual(['/a = 1', '/b = 2']);
      outlineTree(target);
      await target.fetchMissing?.();
      expect(outlineTree(target)).toEqual(['/b = 2', '/c = 3']);
    }
  });
});

const CERTIFICATE = `-----BEGIN CERTIFICATE-----\n${'A'.repeat(200)}\n`;

describe('an image whose layers come as streams', () => {
  const load = async (tree: TarTree): Promise<{ target: Target; opened: () => number }> => {
    let count = 0;
    const content = streamed(tar(...treeFiles(tree)), 5000, () => count++);
    return { target: await openImage(testImage([content])), opened: () => count };
  };

  it('keeps what looks as if it mattered, and goes through them once', async () => {
    const tree = {
      'etc/ssl/certs/ca-certificates.crt': 'x',
      'etc/environment': 'SSL_CERT_FILE=/a',
      'opt/app/unknown': CERTIFICATE,
      'opt/app/der': Buffer.concat([Buffer.from('308200c4', 'hex'), Buffer.alloc(0xc4)]),
      'opt/jdk/lib/security/cacerts': 'x',
      'opt/app/store': Buffer.concat([Buffer.from('feedfeed', 'hex'), Buffer.alloc(200)]),
      'root/.mozilla/firefox/p/cert9.db': 'x',
      'root/.bashrc': 'x',
      'usr/share/empty': '',
    };
    const { target, opened } = await load(tree);
    for (const path of Object.keys(tree)) expect(() => target.fs.read(`/${path}`)).not.toThrow();
    expect([await target.fetchMissing?.(), opened()]).toEqual([false, 1]);
  });

  it('fetches what was asked for in vain, once more through the layers that have it', async () => {
    const content = 'x'.repeat(20_000);
    const { target, opened } = await load({ 'opt/a': content, 'opt/b': `${content}b`, 'opt/c': content });
    expect(() => target.fs.read('/opt/b')).toThrow('not fetched yet');
    expect(() => target.fs.open('/opt/a')).toThrow('not fetched yet');
    const before = target.fs;
    expect(await target.fetchMissing?.()).toBe(true);
    expect(target.fs).not.toBe(before);
    expect([text(target, '/opt/a'), text(target, '/opt/b'), opened()]).toEqual([content, `${content}b`, 2]);
    expect(await target.fetchMissing?.()).toBe(false);
  });

  it('fetches four times and no more', async () => {
    const tree = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`opt/f${i}`, 'x'.repeat(50)]));
    const { target, opened } = await load(tree);
    const fetched: (boolean | undefined)[] = [];
    for (const path of Object.keys(tree)) {
      expect(() => target.fs.read(`/${path}`)).toThrow('not fetched yet');
      fetched.push(await target.fetchMissing?.());
    }
    expect([fetched, opened()]).toEqual([[true, true, true, true, false, false], 5]);
  });

  it('refuses what does not fit into memory, with one clear reason', async () => {
    const large = Buffer.alloc(30 << 20);
    const files = [
      { name: 'opt/a', content: large },
      { name: 'opt/b', content: large },
      { name: 'opt/huge', content: Buffer.alloc(49 << 20) },
    ];
    const target = await openImage(testImage([streamed(tar(...files), 1 << 20)]));
    const read = (path: string): string => {
      try {
        return String(target.fs.read(path)?.length);
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
    };
    const tooLarge = (bytes: number): string =>
      `file of ${bytes} bytes in a compressed layer: more than the 48 MiB kept in memory`;
    expect(['/opt/a', '/opt/b', '/opt/huge'].map(read)).toEqual([
      'not fetched yet',
      'not fetched yet',
      tooLarge(49 << 20),
    ]);
    expect(await target.fetchMissing?.()).toBe(true);
    expect(['/opt/a', '/opt/b', '/opt/huge'].map(read)).toEqual([
      String(30 << 20),
      tooLarge(30 << 20),
      tooLarge(49 << 20),
    ]);
    expect(await target.fetchMissing?.()).toBe(false);
  });

  it('is refused when one of them is not what it should be', async () => {
    const bad: LayerContent = {
      kind: 'stream',
      async *open() {
        yield tar({ name: 'a', content: 'x' });
        throw new RootauditError('layer 2 has another digest');
      },
    };
    const good = streamed(tar({ name: 'b' }));
    await expect(openImage(testImage([good, bad, good]))).rejects.toThrow('layer 2 has another digest');
  });

  it('hands over every file that is there, in the order of its layers', async () => {
    const large = Buffer.alloc(3000, 'x');
    const layers = [
      tar(...treeFiles({ 'a/gone': 'x', 'a/one': large, z: '1', 'proc/x': '2' })),
      tar(...treeFiles({ 'a/.wh.gone': '', 'a/empty': '', 'b/two': '22' }), {
        name: 'h',
        link: 'z',
        type: '1',
      }),
    ];
    const target = await openImage(testImage([streamed(layers[0] ?? large), seekable(layers[1] ?? large)]));
    const files = async (...directories: readonly string[]): Promise<string[]> => {
      const found: string[] = [];
      for await (const { path, size, content } of target.eachFile?.(directories) ?? []) {
        const into = Buffer.alloc(size);
        if ('read' in content) content.read(into, 0);
        found.push(`${path} ${size} ${into.toString().slice(0, 2)}`);
      }
      return found;
    };
    expect(await files('/')).toEqual(['/a/one 3000 xx', '/z 1 1', '/a/empty 0 ', '/b/two 2 22']);
    expect(await files('/b', '/h')).toEqual(['/h 1 1', '/b/two 2 22']);
  });

  it('hands over whole, by way of a temporary file, what is large', async () => {
    const content = Buffer.alloc(20 << 20, 'abc');
    content.write('PK', content.length - 2);
    const archive = tar({ name: 'a', content }, { name: 'b', content: 'z' }, { name: 'c', content });
    const target = await openImage(testImage([streamed(archive, 1 << 20)]));
    const found: string[] = [];
    for await (const { path, content: file } of target.eachFile?.(['/']) ?? []) {
      if (!('read' in file)) continue;
      const into = Buffer.alloc(5);
      const ends = [0, 3, Math.max(file.size - 4, 0), file.size].map((at) =>
        into.toString('latin1', 0, file.read(into, at)),
      );
      found.push([path, file.size, ...ends].join(' '));
    }
    const large = `${20 << 20} abcab abcab ${content.toString('latin1', content.length - 4)} `;
    expect(found).toEqual([`/a ${large}`, '/b 1 z  z ', `/c ${large}`]);
  });

  it('hands over in pieces what is large where there is no temporary file', async () => {
    vi.stubEnv('TMPDIR', '/dev/null');
    try {
      const content = Buffer.alloc(20 << 20, 'abc');
      const target = await openImage(testImage([streamed(tar({ name: 'a', content }), 1 << 20)]));
      const found: Uint8Array[] = [];
      for await (const { content: file } of target.eachFile?.(['/']) ?? []) {
        if (!('read' in file)) for await (const piece of file) found.push(Buffer.from(piece));
      }
      expect(Buffer.concat(found).equals(content)).toBe(true);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('hands over in pieces what is too large, also when nobody takes them', async () => {
    const size = 513 << 20;
    const content = ofZeros([
      { name: 'a', size },
      { name: 'b', size },
      { name: 'c', size: 512 },
    ]);
    const target = await openImage(testImage([content]));
    const found: string[] = [];
    for await (const { path, content: file } of target.eachFile?.(['/']) ?? []) {
      let length = 0;
      if (!('read' in file) && path === '/b') for await (const piece of file) length += piece.length;
      found.push(`${path} ${'read' in file ? 'whole' : 'pieces'} ${length}`);
    }
    expect(found).toEqual(['/a pieces 0', `/b pieces ${size}`, '/c whole 0']);
  });
});

/** Files of nothing but zeros, which lie nowhere. */
function ofZeros(files: readonly { readonly name: string; readonly size: number }[]): LayerContent {
  const zeros = Buffer.alloc(1 << 20);
  return {
    kind: 'stream',
    async *open() {
      for (const { name, size } of files) {
        yield tarHeader({ name, size });
        for (let left = size; left > 0; left -= zeros.length) yield zeros.subarray(0, left);
      }
      yield zeros.subarray(0, 1024);
    },
  };
}
