import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FsError } from '../../src/core/target.ts';
import { DirectoryFs } from '../../src/targets/directory-fs.ts';
import { makeTree } from '../support/tree.ts';

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof FsError ? error.code : String(error);
  }
}

describe('links below a root', () => {
  const root = makeTree({
    '/secret-inside/file': 'inside',
    '/etc/real': 'real',
    '/absolute': { link: '/etc/real' },
    '/relative': { link: 'etc/../etc/real' },
    '/climbs': { link: '../../../../../../../../etc/real' },
    '/to-directory': { link: '/etc' },
    '/chain1': { link: '/chain2' },
    '/chain2': { link: '/to-directory/real' },
    '/outside': { link: '/proc/self/environ' },
    '/dangling': { link: '/nowhere/at/all' },
    '/loop1': { link: '/loop2' },
    '/loop2': { link: '/loop1' },
    '/self': { link: 'self' },
    '/through-loop': { link: '/loop1/file' },
  });
  const fs = new DirectoryFs(root);

  it.each(['/absolute', '/relative', '/climbs', '/to-directory/real', '/chain1', '/etc/../etc/./real'])(
    '%s leads to the file inside the root',
    (path) => {
      expect(fs.realPath(path)).toBe('/etc/real');
      expect(Buffer.from(fs.read(path) ?? []).toString()).toBe('real');
    },
  );

  it.each(['/outside', '/dangling', '/../../../../../../etc/hostname', '/etc/real/below-a-file', '/missing'])(
    '%s leads nowhere, whatever this machine has there',
    (path) => {
      expect(fs.stat(path)).toBeUndefined();
      expect(fs.read(path)).toBeUndefined();
      expect(fs.realPath(path)).toBeUndefined();
    },
  );

  it.each(['/loop1', '/self', '/through-loop'])('%s is a loop and says so', (path) => {
    expect(codeOf(() => fs.read(path))).toBe('link-loop');
  });

  it('resolves a path that does not exist as far as it does', () => {
    expect(fs.resolve('/to-directory/new/file').path).toBe('/etc/new/file');
    expect(fs.resolve('/climbs/../x').path).toBe('/etc/x');
  });
});

describe('reading', () => {
  it('refuses what is larger than the limit', () => {
    const fs = new DirectoryFs(makeTree({ '/large': Buffer.alloc(1001) }));
    expect(codeOf(() => fs.read('/large', 1000))).toBe('too-large');
    expect(fs.read('/large', 1001)?.length).toBe(1001);
  });

  it('refuses a virtual file that is larger than it says', () => {
    expect(codeOf(() => new DirectoryFs('/').read('/proc/kallsyms', 10_000))).toBe('too-large');
  });

  it('never opens a pipe, a device or a directory', () => {
    const root = makeTree({ '/file': '' });
    spawnSync('mkfifo', [join(root, 'pipe')]);
    const fs = new DirectoryFs(root);
    expect(codeOf(() => fs.read('/pipe'))).toBe('not-a-file');
    expect(codeOf(() => fs.read('/'))).toBe('not-a-file');
    expect(codeOf(() => new DirectoryFs('/').read('/dev/zero'))).toBe('not-a-file');
  });

  it.skipIf(process.getuid?.() === 0)('says that permission was refused', () => {
    const root = makeTree({ '/file': 'x' });
    chmodSync(join(root, 'file'), 0);
    expect(codeOf(() => new DirectoryFs(root).read('/file'))).toBe('denied');
  });

  it('finds files whose names are not UTF-8', () => {
    const root = makeTree({ '/plain': 'x' });
    const name = Buffer.concat([Buffer.from(`${root}/`), Buffer.from('caf\xe9.crt', 'latin1')]);
    writeFileSync(name, 'found');
    const fs = new DirectoryFs(root);
    const names = fs.list('/').map((entry) => entry.name);
    expect(names).toContain('caf\udce9.crt');
    expect(Buffer.from(fs.read('/caf\udce9.crt') ?? []).toString()).toBe('found');
  });

  it('lists in byte order and tells files, directories and links apart', () => {
    const root = makeTree({ '/b': '', '/a/file': '', '/c': { link: '/b' } });
    expect(new DirectoryFs(root).list('/')).toEqual([
      { name: 'a', kind: 'directory' },
      { name: 'b', kind: 'file' },
      { name: 'c', kind: 'link' },
    ]);
    expect(new DirectoryFs(root).list('/missing')).toEqual([]);
  });

  it('follows a link to a directory in the middle of a path each time', () => {
    const root = makeTree({ '/one/x': '1', '/two/x': '2' });
    mkdirSync(join(root, 'links'));
    symlinkSync('/one', join(root, 'links/a'));
    symlinkSync('/two', join(root, 'links/b'));
    const fs = new DirectoryFs(root);
    const texts = ['/links/a/x', '/links/b/x', '/links/a/x'].map((path) =>
      Buffer.from(fs.read(path) ?? []).toString(),
    );
    expect(texts).toEqual(['1', '2', '1']);
  });
});

describe('paths made to exhaust', () => {
  it.each([
    ['thousands of parts', '/a'.repeat(100_000)],
    ['thousands of dots', '/..'.repeat(2000)],
    ['thousands of slashes', '/'.repeat(100_000)],
  ])('with %s lead nowhere at once', (_what, path) => {
    const fs = new DirectoryFs(makeTree({ '/a/file': '' }));
    const start = performance.now();
    expect(fs.read(path.length > 4096 ? path : `${path}/missing`)).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it('as links of links of long paths end as a loop, not as a crash', () => {
    const deep = '/d'.repeat(1000);
    const tree: Record<string, { readonly link: string }> = {};
    for (let i = 0; i < 45; i++)
      tree[`/link${i}`] = { link: `/link${i + 1}${'/..'.repeat(100)}/link${i + 1}${deep}` };
    const fs = new DirectoryFs(makeTree(tree));
    expect(['link-loop', undefined]).toContain(codeOf(() => fs.read('/link0')));
  });
});
