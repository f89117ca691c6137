import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RootauditError } from '../../src/core/errors.ts';
import type { Target } from '../../src/core/target.ts';
import { openLayerCache } from '../../src/images/cache.ts';
import { cachePlace, openCacheDirectory, type CacheLimits } from '../../src/images/cache-directory.ts';
import { MemoryStorage } from '../../src/images/cache-memory.ts';
import { LayerCache, type RecordStorage } from '../../src/images/layer-cache.ts';
import { openImage } from '../../src/images/open-image.ts';
import { openReference } from '../../src/images/open.ts';
import { openRegistryImages } from '../../src/images/registry.ts';
import { pax, streamed, tar, tarHeader, testImage, treeFiles, type TarFile } from '../support/hostile-tar.ts';
import { outlineTree } from '../support/image-outline.ts';
import { OPTIONS } from '../support/image-registry-client.ts';
import { gzipLayer, ImageRegistry, sha256 } from '../support/image-registry.ts';
import { digestOf, ociFiles, writeFiles, type OciFiles } from '../support/images.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const CERTIFICATE = `-----BEGIN CERTIFICATE-----\n${'A'.repeat(200)}\n`;
const RULES = { version: '1', fresh: false };

interface Kept {
  readonly cache: LayerCache;
  /** Of the records. */
  readonly directory: string;
  readonly notes: string[];
}

function inDirectory(limits?: Partial<CacheLimits>, parent = makeTemporaryDirectory()): Kept {
  const directory = join(parent, 'rootaudit');
  const notes: string[] = [];
  const all: CacheLimits = { bytes: 1 << 30, files: 1000, record: 1 << 30, ...limits };
  const open = (): RecordStorage =>
    openCacheDirectory(directory, (note) => notes.push(note), all) ?? new MemoryStorage();
  return { cache: new LayerCache(open, RULES), directory, notes };
}

interface Opened {
  readonly lines: readonly string[];
  /** How often its archive was read. */
  readonly reads: number;
}

/** What a target with this one layer shows in the end, as an audit asks for it. */
async function show(cache: LayerCache, archive: Buffer, digest = sha256(archive)): Promise<Opened> {
  let reads = 0;
  const content = { ...streamed(archive, 5000, () => reads++), slot: cache.slot({ digest }) };
  const target = await openImage(testImage([content]));
  try {
    return { lines: await settled(target), reads };
  } finally {
    await target.close?.();
  }
}

async function settled(target: Target): Promise<string[]> {
  for (;;) {
    const lines = outlineTree(target);
    if (!(await target.fetchMissing?.())) {
      return [...lines, ...(target.problems ?? []).map(({ path, message }) => `${path}: ${message}`)];
    }
  }
}

const recordsIn = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.layer'))
    .map((name) => join(directory, name));

const ODD = tar(
  ...treeFiles({
    'etc/ssl/certs/a.pem': CERTIFICATE,
    'etc/passwd': 'x',
    'd/': null,
    l: { link: '/etc/ssl' },
  }),
  {
    name: Buffer.from('b\xff/c.pem', 'latin1'),
    content: CERTIFICATE,
    uid: 70_000,
    mode: 0o4755,
    modified: 1,
  },
  { name: 'h', link: 'etc/passwd', type: '1' },
  { name: 'd/.wh.gone' },
  { name: 'd/.wh..wh..opq' },
  { name: '../out', content: 'x' },
  pax({ path: `${'long/'.repeat(300)}x` }),
  { name: 'x', content: 'y' },
  pax({ 'SCHILY.xattr.trusted.overlay.opaque': 'y' }),
  { name: 'o/' },
  { name: 'dev', type: '4', device: [8, 1] },
  { name: 'w', type: '3' },
  { name: 'etc/passwd', content: 'again' },
  tarHeader({ name: 's.pem', type: 'S', magic: 'ustar  \0', content: 'x' }),
  Buffer.alloc(512, 'x'),
);

describe('a layer that was read before', () => {
  it.each<[string, () => LayerCache]>([
    ['a directory', () => inDirectory().cache],
    ['memory', () => new LayerCache(() => new MemoryStorage(), RULES)],
  ])('is not read again, and shows the same: kept in %s', async (_, make) => {
    const cache = make();
    const first = await show(cache, ODD);
    expect(first.lines.join('\n')).toMatch(/a\.pem = -----BEGIN[^]*for `\.\.` in the name/);
    // The second reading is that of what did not look as if it mattered, and is kept as well.
    expect(first.reads).toBe(2);
    expect(await show(cache, ODD)).toEqual({ lines: first.lines, reads: 0 });
  });

  it('tells of every file what it told before', async () => {
    const { cache } = inDirectory();
    const stats = async (): Promise<unknown> => {
      const content = { ...streamed(ODD), slot: cache.slot({ digest: sha256(ODD) }) };
      const target = await openImage(testImage([content]));
      const { fs, problems } = target;
      const paths = ['/b\udcff/c.pem', '/etc/passwd', '/d', '/dev', '/o', '/h', '/l'];
      return [
        problems,
        paths.map((path) => [path, fs.stat(path), fs.realPath(path), target.layerOf?.(path)]),
      ];
    };
    const first = await stats();
    const about = { uid: 70_000, mode: 0o4755, modified: 1000, size: CERTIFICATE.length };
    expect(first).toHaveProperty('0.0.message', expect.stringContaining('`..` in the name'));
    expect(first).toHaveProperty('1.0', ['/b\udcff/c.pem', { kind: 'file', ...about }, '/b\udcff/c.pem', 0]);
    expect(await stats()).toEqual(first);
  });

  it('shows the same whatever is in it', async () => {
    const name = fc.oneof(
      fc.constantFrom('a', 'b', 'ab', '..', '.', '', '.wh.a', '.wh..wh..opq'),
      fc.string({ unit: 'binary', maxLength: 3 }),
    );
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const file = fc.record({
      name: path.map((text) => Buffer.from(text)),
      type: fc.constantFrom('0', '0', '5', '2', '1', '3', '6'),
      link: path,
      content: fc.constantFrom('', 'x', CERTIFICATE),
      uid: fc.nat(0o7777777),
      modified: fc.nat(),
    });
    const { cache } = inDirectory();
    await fc.assert(
      fc.asyncProperty(fc.array(file, { maxLength: 20 }), async (files: readonly TarFile[]) => {
        const archive = tar(...files);
        const first = await show(cache, archive);
        expect((await show(cache, archive)).lines).toEqual(first.lines);
      }),
      { numRuns: 100 },
    );
  });

  it('is another one with another digest, of its own or of what is in it, and for another version', async () => {
    const storage = new MemoryStorage();
    const cache = new LayerCache(() => storage, RULES);
    const archive = tar({ name: 'a.pem', content: CERTIFICATE });
    const digest = sha256(archive);
    await show(cache, archive);
    const isKnown = (each: LayerCache, identity: { digest: string; plainDigest?: string }): boolean =>
      each.slot(identity).find() !== undefined;
    expect(isKnown(cache, { digest })).toBe(true);
    expect(isKnown(cache, { digest: sha256('other') })).toBe(false);
    expect(isKnown(cache, { digest, plainDigest: digest })).toBe(false);
    expect(isKnown(new LayerCache(() => storage, { ...RULES, version: '2' }), { digest })).toBe(false);
    expect(isKnown(new LayerCache(() => storage, { ...RULES, fresh: true }), { digest })).toBe(false);
  });

  it('is read again when it could not be read whole', async () => {
    const { cache, directory } = inDirectory();
    const archive = tar({ name: 'a.pem', content: CERTIFICATE }).subarray(0, 600);
    const first = await show(cache, archive);
    expect(first.lines.join('\n')).toContain('the archive is cut off');
    expect(await show(cache, archive)).toEqual(first);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('leaves nothing when its stream fails, as it does for a digest that does not fit', async () => {
    const { cache, directory } = inDirectory();
    async function* open(): AsyncGenerator<Uint8Array> {
      yield tar({ name: 'a.pem', content: CERTIFICATE });
      throw new RootauditError('another digest');
    }
    const content = { kind: 'stream', open, slot: cache.slot({ digest: sha256('x') }) } as const;
    await expect(openImage(testImage([content]))).rejects.toThrow('another digest');
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('a record that was damaged', () => {
  it('never shows anything else than the layer does', async () => {
    const { cache, directory } = inDirectory();
    const archive = tar(...treeFiles({ 'a.pem': CERTIFICATE.slice(0, 100), 'b/c': 'x'.repeat(120) }));
    const { lines } = await show(cache, archive);
    const [record = ''] = recordsIn(directory);
    const whole = readFileSync(record);
    expect(whole.length).toBeLessThan(1000);
    const damaged = Array.from(whole, (byte, at) => {
      const bytes = Buffer.from(whole);
      bytes[at] = byte ^ 0x11;
      return bytes;
    });
    const cut = Array.from({ length: whole.length }, (_, length) => whole.subarray(0, length));
    for (const bytes of [
      ...damaged,
      ...cut,
      Buffer.concat([whole, whole]),
      Buffer.concat([whole, Buffer.alloc(1)]),
    ]) {
      writeFileSync(record, bytes);
      const again = await show(cache, archive);
      expect(again.lines).toEqual(lines);
    }
  });

  it('is a miss wherever it is hit, and is then replaced', async () => {
    const { cache, directory } = inDirectory();
    const archive = tar({ name: 'a', content: '' });
    await show(cache, archive);
    const [record = ''] = recordsIn(directory);
    const whole = readFileSync(record);
    for (let at = 0; at < whole.length; at++) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 0x80;
      writeFileSync(record, bytes);
      expect([at, (await show(cache, archive)).reads]).toEqual([at, 1]);
      expect(readFileSync(record).equals(whole)).toBe(true);
    }
  });

  it('is a miss under the name of another layer', async () => {
    const { cache, directory } = inDirectory();
    const [one, other] = [tar({ name: 'a.pem', content: CERTIFICATE }), tar({ name: 'b', content: '' })];
    await show(cache, one);
    const [record = ''] = recordsIn(directory);
    await show(cache, other);
    const target = recordsIn(directory).find((path) => path !== record) ?? '';
    renameSync(record, target);
    expect((await show(cache, other)).reads).toBe(1);
  });
});

describe('the directory of the cache', () => {
  const archive = tar({ name: 'a.pem', content: CERTIFICATE });

  it('is where systems have it', () => {
    const at = (environment: Record<string, string>, platform: NodeJS.Platform = 'linux') =>
      cachePlace(environment, platform);
    expect(at({ XDG_CACHE_HOME: '/c', HOME: '/h' })).toBe('/c/rootaudit');
    expect(at({ XDG_CACHE_HOME: 'c', HOME: '/h' })).toBe('/h/.cache/rootaudit');
    expect(at({ HOME: '/h' }, 'darwin')).toBe('/h/.cache/rootaudit');
    expect(at({ HOME: '' })).toBeUndefined();
    expect(at({ HOME: '/h' }, 'win32')).toBeUndefined();
    expect(at({ LOCALAPPDATA: '/l', HOME: '/h' }, 'win32')).toBe('/l/rootaudit/cache');
  });

  it('is for its user only, and so is what is in it', async () => {
    const { cache, directory } = inDirectory();
    await show(cache, archive);
    const [record = ''] = recordsIn(directory);
    expect([directory, record].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o600]);
    expect(readdirSync(directory)).toHaveLength(1);
  });

  const unsafe: readonly (readonly [string, (parent: string, directory: string) => void, RegExp])[] = [
    [
      'is a link',
      (parent, directory) => {
        mkdirSync(join(parent, 'elsewhere'));
        symlinkSync(join(parent, 'elsewhere'), directory);
      },
      /is no directory/,
    ],
    ['is a file', (_, directory) => writeFileSync(directory, ''), /is no directory/],
    [
      'may be written to by others',
      (_, directory) => {
        mkdirSync(directory);
        chmodSync(directory, 0o777);
      },
      /others may write to it/,
    ],
    [
      'may be moved by others',
      (parent) => chmodSync(parent, 0o777),
      /others may write to the directory above/,
    ],
  ];
  it.each(unsafe)('is left alone when it %s', async (_, make, note) => {
    const parent = makeTemporaryDirectory();
    make(parent, join(parent, 'rootaudit'));
    const { cache, directory, notes } = inDirectory({}, parent);
    await show(cache, archive);
    // For the images of one call there is memory.
    expect((await show(cache, archive)).reads).toBe(0);
    expect(notes).toEqual([expect.stringMatching(note)]);
    const real = lstatSync(directory, { throwIfNoEntry: false });
    if (real?.isDirectory()) expect(readdirSync(directory)).toEqual([]);
    if (existsSync(join(parent, 'elsewhere'))) expect(readdirSync(join(parent, 'elsewhere'))).toEqual([]);
  });

  it('cannot be made below a file, and nobody minds', async () => {
    const { cache, notes } = inDirectory({}, '/dev/null');
    expect((await show(cache, archive)).lines).toHaveLength(1);
    expect(notes).toEqual([expect.stringMatching(/: (?:ENOTDIR|EEXIST)$/)]);
  });

  const strange: readonly (readonly [string, (record: string, parent: string) => void])[] = [
    [
      'a link',
      (record, parent) => {
        renameSync(record, join(parent, 'real'));
        symlinkSync(join(parent, 'real'), record);
      },
    ],
    ['a file with another name', (record, parent) => linkSync(record, join(parent, 'other'))],
    ['a file that others may write to', (record) => chmodSync(record, 0o666)],
  ];
  it.each(strange)('has no records that are %s', async (_, change) => {
    const parent = makeTemporaryDirectory();
    const { cache, directory } = inDirectory({}, parent);
    await show(cache, archive);
    const [record = ''] = recordsIn(directory);
    change(record, parent);
    expect((await show(cache, archive)).reads).toBe(1);
    expect((await show(cache, archive)).reads).toBe(0);
  });

  it('lets those go that were not used for the longest time, and what others left unfinished', async () => {
    const { cache, directory } = inDirectory({ files: 5 });
    const archives = Array.from({ length: 6 }, (_, i) => tar({ name: `${i}.pem`, content: CERTIFICATE }));
    const stale = join(directory, `${'0'.repeat(64)}.${'0'.repeat(16)}.new`);
    for (const [i, each] of archives.slice(0, 5).entries()) {
      await show(cache, each);
      for (const record of recordsIn(directory)) {
        const { mtimeMs } = statSync(record);
        if (Date.now() - mtimeMs < 60_000) utimesSync(record, 0, Date.now() / 1000 - 5000 + i);
      }
    }
    writeFileSync(stale, '');
    utimesSync(stale, 0, Date.now() / 1000 - 5000);
    // The first is used again, so that the second and the third are the oldest.
    expect((await show(cache, archives[0] ?? archive)).reads).toBe(0);
    await show(cache, archives[5] ?? archive);
    expect(recordsIn(directory)).toHaveLength(4);
    expect(existsSync(stale)).toBe(false);
    const reads: number[] = [];
    for (const index of [0, 3, 4, 5, 1, 2]) reads.push((await show(cache, archives[index] ?? archive)).reads);
    expect(reads).toEqual([0, 0, 0, 0, 1, 1]);
  });

  it('is bounded in bytes', async () => {
    const { cache, directory } = inDirectory({ bytes: 100_000 });
    for (let i = 0; i < 10; i++) {
      await show(cache, tar({ name: `${i}.pem`, content: CERTIFICATE + 'x'.repeat(30_000) }));
      const bytes = recordsIn(directory).reduce((sum, path) => sum + statSync(path).size, 0);
      expect(bytes).toBeLessThanOrEqual(100_000);
    }
  });

  it('takes no record that is too large', async () => {
    const { cache, directory } = inDirectory({ record: 20_000 });
    const large = tar({ name: 'a.pem', content: CERTIFICATE + 'x'.repeat(30_000) });
    await show(cache, large);
    expect((await show(cache, large)).reads).toBe(1);
    expect(readdirSync(directory)).toEqual([]);
  });
});

const FILLED = tar({ name: 'a.pem', content: CERTIFICATE }, { name: 'random', content: randomBytes(30_000) });
const IMAGE = { layers: [{ plain: FILLED, packed: gzipSync(FILLED) }] };

async function openAll(reference: string, cache: LayerCache, verify = false): Promise<string[]> {
  const lines: string[] = [];
  for await (const target of openReference(reference, { verify, cache, platform: 'linux/amd64' })) {
    lines.push(...(await settled(target)).filter((line) => line.includes('.pem')));
    await target.close?.();
  }
  return lines;
}

const blobOf = (bytes: Uint8Array): string => `blobs/${digestOf(bytes).replace(':', '/')}`;

describe('images with layers in the cache', () => {
  it('are not read for them, unless everything is to be verified', async () => {
    const parent = makeTemporaryDirectory();
    const options = { version: '1', kept: true, environment: { XDG_CACHE_HOME: parent } };
    const files = ociFiles([IMAGE]);
    const layout = writeFiles(files);
    const open = (fresh = false): Promise<string[]> =>
      openAll(layout, openLayerCache({ ...options, fresh }), fresh);
    const lines = await open();
    const blob = join(layout, blobOf(IMAGE.layers[0]?.packed ?? FILLED));
    const bytes = readFileSync(blob);
    writeFileSync(blob, Buffer.concat([bytes.subarray(0, -8), Buffer.alloc(8)]));
    expect(await open()).toEqual(lines);
    await expect(open(true)).rejects.toThrow('does not have the digest that it should have');
    await expect(openAll(layout, openLayerCache({ ...options, fresh: false, kept: false }))).rejects.toThrow(
      'does not have the digest',
    );
  });

  it('cannot give another layer for the one that they claim to have', async () => {
    const { cache, directory } = inDirectory();
    const clean = tar(
      { name: 'b.pem', content: CERTIFICATE },
      { name: 'random', content: randomBytes(30_000) },
    );
    const poisoned: OciFiles = ociFiles([{ layers: [{ plain: clean, packed: gzipSync(clean) }] }]);
    // The bytes of one layer under the digest of another one.
    poisoned.set(blobOf(gzipSync(clean)), gzipSync(FILLED));
    await expect(openAll(writeFiles(poisoned), cache)).rejects.toThrow(/digest|size/);
    expect(existsSync(directory) ? readdirSync(directory) : []).toEqual([]);
    const honest = writeFiles(ociFiles([{ layers: [{ plain: clean, packed: gzipSync(clean) }] }]));
    expect((await openAll(honest, cache)).join()).toMatch(/^\/b\.pem = /);
  });

  it('cannot claim that what is in a layer has another digest', async () => {
    const { cache } = inDirectory();
    expect(await openAll(writeFiles(ociFiles([IMAGE])), cache)).toHaveLength(1);
    // Its configuration tells of other content than the layer has.
    const lying = ociFiles([{ layers: [{ plain: tar({ name: 'x' }), packed: gzipSync(FILLED) }] }]);
    await expect(openAll(writeFiles(lying), cache)).rejects.toThrow('unpacked, does not have the digest');
  });

  it('share layers within one call, also without a directory', async () => {
    const cache = openLayerCache({ version: '1', fresh: false, kept: false, environment: {} });
    const upper = tar({ name: 'b.pem', content: CERTIFICATE });
    const layers = [...IMAGE.layers, { plain: upper, packed: gzipSync(upper) }];
    const files = ociFiles([
      { ...IMAGE, names: ['a'] },
      { layers, names: ['b'] },
    ]);
    const layout = writeFiles(files);
    expect(await openAll(`oci:${layout}:a`, cache)).toHaveLength(1);
    // Of the same size, so that only reading it would tell.
    const path = join(layout, blobOf(IMAGE.layers[0]?.packed ?? FILLED));
    const bytes = readFileSync(path);
    bytes[bytes.length - 6] = (bytes.at(-6) ?? 0) ^ 1;
    writeFileSync(path, bytes);
    expect(await openAll(`oci:${layout}:b`, cache)).toHaveLength(2);
  });

  it('are not downloaded again', async () => {
    const { cache } = inDirectory();
    const registry = await ImageRegistry.start();
    const [base, top] = [gzipLayer(FILLED), gzipLayer(tar({ name: 'b.pem', content: CERTIFICATE }))];
    registry.addImage([base], { tag: 'base' });
    registry.addImage([base, top], { tag: 'app' });
    const askedFor = async (tag: string): Promise<string[]> => {
      const from = registry.log.length;
      const [image] = await openRegistryImages(registry.reference(`:${tag}`), { ...OPTIONS, cache });
      if (!image) throw new Error('no image');
      const target = await openImage(image);
      await settled(target);
      await target.close?.();
      return registry.log
        .slice(from)
        .flatMap((line) =>
          [base, top].flatMap(({ bytes }, i) => (line.includes(sha256(bytes)) ? [`layer ${i}`] : [])),
        );
    };
    // Twice, because nobody could know that the other file matters.
    expect(await askedFor('base')).toEqual(['layer 0', 'layer 0']);
    expect(await askedFor('base')).toEqual([]);
    expect(await askedFor('app')).toEqual(['layer 1']);
    expect(await askedFor('app')).toEqual([]);
  });
});
