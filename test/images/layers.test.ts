import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Target } from '../../src/core/target.ts';
import { tarEntries } from '../../src/formats/tar.ts';
import { sourceOf } from '../../src/formats/archive.ts';
import { openImage } from '../../src/images/open-image.ts';
import { outlineTree } from '../support/image-outline.ts';
import { pax, seekable, streamed, tar, testImage, treeFiles, type TarFile } from '../support/hostile-tar.ts';
import { hasSample, sample } from '../support/root.ts';

type Layer = readonly (TarFile | Buffer)[];

/** Merged from archives that can be read anywhere, and from streams: both are the same. */
async function merge(
  ...layers: readonly Layer[]
): Promise<{ target: Target; tree: string[]; said: string[] }> {
  const archives = layers.map((files) => tar(...files));
  const target = await openImage(testImage(archives.map(seekable)));
  const other = await openImage(testImage(archives.map((archive) => streamed(archive))));
  const tree = outlineTree(target);
  outlineTree(other);
  await other.fetchMissing?.();
  expect(outlineTree(other)).toEqual(tree);
  expect(other.problems).toEqual(target.problems);
  return { target, tree, said: (target.problems ?? []).map(({ path, message }) => `${path}: ${message}`) };
}

const file = (name: string, content = name): TarFile => ({ name, content });
const gone = (name: string): TarFile => ({ name });

describe('layers of an image', () => {
  const cases: readonly (readonly [string, readonly Layer[], readonly string[]])[] = [
    [
      'are laid one upon the other',
      [treeFiles({ 'a/': null, 'a/one': '1', b: '2' }), treeFiles({ 'a/two': '3', b: '4' })],
      ['/a/one = 1', '/a/two = 3', '/b = 4'],
    ],
    [
      'take names with ./, / and // for what they mean',
      [[file('./a/x', '1'), file('/b', '2'), file('c//d', '3'), file('./e/./f', '4')]],
      ['/a/x = 1', '/b = 2', '/c/d = 3', '/e/f = 4'],
    ],
    [
      'lose what a whiteout names, with all below',
      [treeFiles({ 'a/x/y': '1', 'a/z': '2' }), [gone('a/.wh.x')]],
      ['/a/z = 2'],
    ],
    [
      'lose everything in an opaque directory, but for what the layer itself has',
      [treeFiles({ 'a/x': '1', 'a/y/z': '2', b: '3' }), [file('a/new', '4'), gone('a/.wh..wh..opq')]],
      ['/a/new = 4', '/b = 3'],
    ],
    ['may be opaque as a whole', [treeFiles({ a: '1' }), [gone('.wh..wh..opq'), file('b', '2')]], ['/b = 2']],
    [
      'never lose what lies beside a whiteout in the same layer',
      [treeFiles({ a: '1' }), [file('a', '2'), gone('.wh.a')]],
      ['/a = 2'],
    ],
    [
      "know overlayfs' whiteouts and opaque directories",
      [
        treeFiles({ a: '1', 'b/x': '2' }),
        [
          { name: 'a', type: '3' },
          pax({ 'SCHILY.xattr.trusted.overlay.opaque': 'y' }),
          { name: 'b/' },
          file('b/y', '3'),
        ],
      ],
      ['/b/y = 3'],
    ],
    [
      "ignore aufs' own files",
      [[file('.wh..wh.plnk/12.34', 'x'), gone('.wh..wh.aufs'), file('a', '1')]],
      ['/a = 1'],
    ],
    [
      'put a file over a directory, and a directory over a file',
      [treeFiles({ 'a/x': '1', b: '2' }), treeFiles({ a: '3', 'b/': null, 'b/y': '4' })],
      ['/a = 3', '/b/y = 4'],
    ],
    [
      'put a directory over a link',
      [treeFiles({ 'real/x': '1', a: { link: 'real' } }), treeFiles({ 'a/': null, 'a/y': '2' })],
      ['/a/y = 2', '/real/x = 1'],
    ],
    [
      'write through links of lower layers, inside of the root',
      [
        treeFiles({
          'usr/bin/': null,
          bin: { link: 'usr/bin' },
          abs: { link: '/usr/bin' },
          up: { link: '../../usr' },
        }),
        [file('bin/a', '1'), file('abs/b', '2'), file('up/c', '3')],
      ],
      [
        '/abs -> /usr/bin',
        '/bin -> /usr/bin',
        '/up -> /usr',
        '/usr/bin/a = 1',
        '/usr/bin/b = 2',
        '/usr/c = 3',
      ],
    ],
    [
      'make the directories that a link to nothing leads to',
      [treeFiles({ a: { link: 'x/y' } }), [file('a/b', '1')]],
      ['/a -> /x/y', '/x/y/b = 1'],
    ],
    [
      'hide through links as well',
      [treeFiles({ 'usr/bin/a': '1', bin: { link: 'usr/bin' } }), [gone('bin/.wh.a'), file('usr/b', '2')]],
      ['/bin -> /usr/bin', '/usr/b = 2'],
    ],
    [
      'hide nothing through a link that the same layer makes a directory',
      [
        treeFiles({ 'usr/bin/a': '1', bin: { link: 'usr/bin' } }),
        [{ name: 'bin/' }, gone('bin/.wh..wh..opq'), gone('bin/.wh.a'), file('bin/b', '2')],
      ],
      ['/bin/b = 2', '/usr/bin/a = 1'],
    ],
    [
      'give a hard link what its target is at that moment, also of a lower layer',
      [
        treeFiles({ a: '1', l: { link: 'a' } }),
        [{ name: 'b', link: 'a', type: '1' }, { name: 'm', link: '/l', type: '1' }, file('a', '2')],
      ],
      ['/a = 2', '/b = 1', '/l -> /a', '/m -> /a'],
    ],
    ['let the last of several entries win', [[file('a', '1'), file('a', '2')]], ['/a = 2']],
    [
      'keep names that are not UTF-8',
      [[{ name: Buffer.from('b\xff/c', 'latin1'), content: '1' }]],
      ['/b\udcff/c = 1'],
    ],
    [
      'may delete and make the same again and again',
      [
        treeFiles({ 'a/x': '1', 'a/y': '2' }),
        [gone('.wh.a')],
        treeFiles({ 'a/z': '3' }),
        [gone('a/.wh..wh..opq')],
        treeFiles({ 'a/x': '4' }),
      ],
      ['/a/x = 4'],
    ],
  ];
  it.each(cases)('%s', async (_, layers, expected) => {
    const { tree, said } = await merge(...layers);
    expect(said).toEqual([]);
    expect(tree).toEqual(expected);
  });

  const wrong: readonly (readonly [string, readonly Layer[], readonly string[], string])[] = [
    [
      'names that lead up',
      [[file('../a'), file('b/../../c'), file('d/..'), file('ok', '1')]],
      ['/ok = 1'],
      'layer 1 (sha256:0): 3 entries left out for `..` in the name: the first ../a',
    ],
    [
      'a name with NUL',
      [[pax({ path: 'a\0b' }), file('x'), file('ok', '1')]],
      ['/ok = 1'],
      String.raw`layer 1 (sha256:0): 1 entry left out for a NUL character in the name: a\x00b`,
    ],
    [
      'names that no file system takes',
      [
        [
          pax({ path: 'x'.repeat(256) }),
          file('x'),
          pax({ path: 'y/'.repeat(3000) }),
          file('y'),
          file('ok', '1'),
        ],
      ],
      ['/ok = 1'],
      `layer 1 (sha256:0): 2 entries left out for a name that is too long for any file system: the first ${'x'.repeat(200)}`,
    ],
    [
      'a whiteout of nothing',
      [[gone('a/.wh.'), file('ok', '1')]],
      ['/ok = 1'],
      'layer 1 (sha256:0): 1 entry left out for hiding a file without a name: a/.wh.',
    ],
    [
      'what lies below a file',
      [[file('a', '1')], [file('a/b')]],
      ['/a = 1'],
      'layer 2 (sha256:1): 1 entry left out for lying below something that is no directory: /a/b',
    ],
    [
      'what lies below links that never end',
      [treeFiles({ a: { link: 'b' }, b: { link: 'a' } }), [file('a/x')]],
      ['/a -> link-loop', '/b -> link-loop'],
      'layer 2 (sha256:1): 1 entry left out for lying below links that never end: /a/x',
    ],
    [
      'hard links to nothing, to a directory and to the outside',
      [
        [
          { name: 'd/' },
          { name: 'a', link: 'nothing', type: '1' },
          { name: 'b', link: 'd', type: '1' },
          { name: 'c', link: '../../etc/passwd', type: '1' },
        ],
      ],
      [],
      'layer 1 (sha256:0): 3 entries left out for being a hard link to nothing: the first /a',
    ],
    [
      'a file instead of the root',
      [[{ name: './', type: '2', link: '/etc' }, file('ok', '1')]],
      ['/ok = 1'],
      'layer 1 (sha256:0): 1 entry left out for replacing the root by something that is no directory: /',
    ],
  ];
  it.each(wrong)('tell once about %s', async (_, layers, expected, message) => {
    const { tree, said } = await merge(...layers);
    expect(tree).toEqual(expected);
    expect(said).toEqual([message]);
  });

  it('tell which of them a file comes from', async () => {
    const { target } = await merge(treeFiles({ a: '1', 'd/b': '2', l: { link: 'd/b' } }), [
      file('a', '3'),
      { name: 'h', link: 'd/b', type: '1' },
    ]);
    const layerOf = (path: string): number | undefined => target.layerOf?.(path);
    expect(['/a', '/d/b', '/l', '/h', '/d', '/none'].map(layerOf)).toEqual([
      1,
      0,
      0,
      0,
      undefined,
      undefined,
    ]);
  });

  it('are cut off with a problem, and the rest is read', async () => {
    const whole = tar(file('a', '1'), file('b', 'x'.repeat(5000)));
    const target = await openImage(
      testImage([seekable(tar(file('c', '2'))), seekable(whole.subarray(0, 2500))]),
    );
    expect(target.problems).toMatchObject([
      { code: 'truncated', path: 'layer 2 (sha256:1)', message: 'the archive is cut off' },
    ]);
    expect(Buffer.from(target.fs.read('/a') ?? []).toString()).toBe('1');
    expect(() => target.fs.read('/b')).toThrow('its archive is cut off');
    expect(target.fs.kind('/c')).toBe('file');
  });

  it('may be without an end mark, as programs make them, and the archive of a root file system may not', async () => {
    const content = seekable(tar(file('a')).subarray(0, -1024));
    const layer = await openImage(testImage([content]));
    expect([layer.problems, layer.fs.kind('/a')]).toEqual([[], 'file']);
    const root = await openImage({ ...testImage([]), layers: [{ digest: '', content }] });
    expect(root.problems).toMatchObject([{ code: 'truncated', path: 'test.tar' }]);
  });

  it('are read up to a number', async () => {
    const layers = Array.from({ length: 514 }, (_, i) => seekable(tar(file(`f${i}`, ''))));
    const target = await openImage(testImage(layers));
    expect(target.fs.list('/')).toHaveLength(512);
    expect(target.problems).toMatchObject([{ code: 'limit', path: 'test.tar' }]);
  });

  it('come to an end when they were made to take time', async () => {
    // Links that lead through links, below which everything lies; whiteouts and replacements of one large directory.
    const links = Array.from({ length: 40 }, (_, i) => ({
      name: `l${i}`,
      link: `${`l${i + 1}/../`.repeat(5)}d`,
    }));
    const many = Array.from({ length: 3000 }, (_, i) => file(`d/f${i}`, ''));
    const through = Array.from({ length: 3000 }, (_, i) => file(`l${i % 39}/sub${i}/x`, ''));
    const over = Array.from({ length: 3000 }, (_, i) => (i % 2 === 0 ? file('d', '') : { name: 'd/' }));
    const opaque = Array.from({ length: 3000 }, () => gone('d/.wh..wh..opq'));
    const start = Date.now();
    await merge([{ name: 'd/' }, ...many, ...links], through, [...opaque, ...over], [...opaque, ...many]);
    expect(Date.now() - start).toBeLessThan(10_000);
  }, 15_000);

  it('never lead outside, never throw, and are a tree, whatever is in them', async () => {
    const name = fc.oneof(
      fc.constantFrom('a', 'b', 'c', '..', '.', '', '.wh.a', '.wh.b', '.wh..wh..opq', '.wh.'),
      fc.string({ maxLength: 3 }),
    );
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const entry = fc.record({
      name: path.map((text) => Buffer.from(text)),
      type: fc.constantFrom('0', '0', '5', '2', '1', '3', '6'),
      link: path,
      content: fc.constantFrom('', 'x'),
    });
    const layers = fc.array(fc.array(entry, { maxLength: 12 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(layers, async (each) => {
        const { target, tree } = await merge(...each);
        expect(new Set(tree).size).toBe(tree.length);
        for (const line of tree) {
          const [found = ''] = line.split(/ (?:=|->) /);
          const parts = found.split('/').slice(1);
          expect(parts.includes('..')).toBe(false);
          expect(target.fs.list(found.slice(0, found.lastIndexOf('/')) || '/').length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 300 },
    );
  });
});

const SAMPLES = 'containers';

/** The layers of a docker archive, by their names in its manifest. */
function layersOf(archive: Buffer): Buffer[] {
  const files = new Map<string, Buffer>();
  for (const { path, offset, size } of tarEntries(sourceOf(archive)).entries) {
    files.set(path, archive.subarray(offset, offset + size));
  }
  const manifest: unknown = JSON.parse(files.get('manifest.json')?.toString() ?? '[]');
  const names = JSON.stringify(manifest).match(/[0-9a-f]{64}(?:\/layer)?\.tar/g) ?? [];
  return names.flatMap((name) => files.get(name) ?? []);
}

describe.skipIf(!hasSample(SAMPLES))('layers of real images', () => {
  it('merge to what umoci unpacks', async () => {
    const layers = layersOf(sample(`${SAMPLES}/skopeo-docker-archive.tar`));
    const target = await openImage(testImage(layers.map(seekable)));
    const expected = sample(`${SAMPLES}/expected-merged.txt`)
      .toString()
      .trimEnd()
      .replaceAll(/ -> .*$/gm, '')
      .split('\n');
    const found = outlineTree(target).map((line) => `.${line.replace(/ (?:=|->) .*$/s, '')}`);
    expect(found.toSorted()).toEqual(expected.toSorted());
    expect(target.problems).toEqual([]);
  });

  it('never lead outside when they are hostile', async () => {
    const [layer = Buffer.alloc(0)] = layersOf(sample(`${SAMPLES}/hostile.tar`));
    const target = await openImage(testImage([seekable(layer)]));
    const tree = outlineTree(target);
    expect(tree.length).toBeGreaterThan(0);
    expect(tree.filter((line) => line.includes('/../'))).toEqual([]);
    expect((target.problems ?? []).some(({ message }) => message.includes('`..`'))).toBe(true);
  });
});
