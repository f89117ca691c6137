import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RootauditError } from '../../src/core/errors.ts';
import { unpack, type Unpacking } from '../../src/images/compression.ts';
import { nativeZstd, unpackZstd, unpackZstdByProgram } from '../../src/images/unpack-zstd.ts';
import { collect, digestOf } from '../support/images.ts';

const hasProgram = (name: string): boolean => spawnSync(name, ['--version']).status === 0;
const pack = (command: string, args: readonly string[], input: Uint8Array): Buffer =>
  execFileSync(command, args, { input, maxBuffer: 1 << 30, stdio: ['pipe', 'pipe', 'ignore'] });

/** Text that compresses well, with parts that do not. */
function mixed(size: number): Buffer {
  const parts: Buffer[] = [];
  for (let length = 0; length < size;) {
    const part = parts.length % 2 === 0 ? Buffer.alloc(5000, `part ${parts.length} `) : randomBytes(3000);
    parts.push(part);
    length += part.length;
  }
  return Buffer.concat(parts).subarray(0, size);
}

function* inPieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function* toAsync(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

const unpacked = (bytes: Uint8Array, size = 1 << 20, expected: Partial<Unpacking> = {}): Promise<Buffer> =>
  collect(unpack(inPieces(bytes, size), { what: 'layer 1', ...expected }));

const failure = (result: Promise<unknown>): Promise<string> =>
  result.then(
    () => 'nothing',
    (error: unknown) => (error instanceof RootauditError ? error.message : `not ours: ${String(error)}`),
  );

const DATA = mixed(3_000_000);
const GZIP = gzipSync(DATA);
const ZSTD = hasProgram('zstd') ? pack('zstd', ['-q', '-3', '--check'], DATA) : undefined;
/** As zstd:chunked has them. */
const SKIPPABLE = Buffer.from('502a4d180400000061626364', 'hex');

describe('gzip', () => {
  it.each([1, 511, 65_536, 1 << 20])('is unpacked from pieces of %d bytes', async (size) => {
    const data = size < 100 ? DATA.subarray(0, 20_000) : DATA;
    expect((await unpacked(gzipSync(data), size)).equals(data)).toBe(true);
  });

  it.each<[string, Buffer]>([
    ['several members', Buffer.concat([gzipSync('a'), gzipSync('b'), gzipSync('c')])],
    ['zeros after the end', Buffer.concat([gzipSync('ab'), gzipSync('c'), Buffer.alloc(5_000_000)])],
  ])('may have %s', async (_, packed) => {
    for (const size of [100, 1 << 16, 1 << 20]) {
      const expected = { digest: digestOf(packed), size: packed.length, plainDigest: digestOf('abc') };
      expect((await unpacked(packed, size, expected)).toString()).toBe('abc');
    }
  });

  it('stops when its reader does', async () => {
    let taken = 0;
    const input = function* (): Generator<Uint8Array> {
      for (const piece of inPieces(GZIP, 10_000)) {
        taken++;
        yield piece;
      }
    };
    for await (const piece of unpack(input(), { what: 'layer 1' })) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    const before = taken;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    expect(taken - before).toBeLessThan(5);
  });
});

type Unpack = (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

describe.each<[string, boolean, Unpack]>([
  ["Node's zlib", nativeZstd() !== undefined, (chunks) => unpackZstd(chunks, nativeZstd())],
  ['the program zstd', ZSTD !== undefined, (chunks) => unpackZstdByProgram(chunks, 'layer 1')],
  ['fzstd', true, (chunks) => unpackZstd(chunks, undefined)],
])('zstd through %s', (_, isThere, unpackAll) => {
  const unpackHere = (bytes: Uint8Array, size = 1 << 20): Promise<Buffer> =>
    collect(unpackAll(toAsync(inPieces(bytes, size))));

  it.skipIf(!ZSTD || !isThere)('is unpacked, with any number of frames of any kind', async () => {
    const zstd = (data: Uint8Array, ...args: string[]): Buffer => pack('zstd', ['-q', ...args], data);
    const small = Array.from({ length: 30 }, (_, index) => mixed(index * 400));
    const cases: [Buffer, Buffer][] = [
      [ZSTD ?? Buffer.alloc(0), DATA],
      [zstd(DATA, '-19', '--no-check'), DATA],
      [zstd(Buffer.alloc(0)), Buffer.alloc(0)],
      [zstd(Buffer.alloc(9_000_000)), Buffer.alloc(9_000_000)],
      [Buffer.concat([SKIPPABLE, ...small.map((each) => zstd(each)), SKIPPABLE]), Buffer.concat(small)],
      [Buffer.concat([zstd(DATA), SKIPPABLE, zstd(DATA, '--fast')]), Buffer.concat([DATA, DATA])],
      [SKIPPABLE, Buffer.alloc(0)],
    ];
    for (const [packed, plain] of cases) {
      for (const size of [777, 1 << 20]) expect((await unpackHere(packed, size)).equals(plain)).toBe(true);
    }
  });

  it.skipIf(!ZSTD || !isThere)('never passes for whole when it is cut off', async () => {
    const packed = Buffer.concat([ZSTD ?? Buffer.alloc(0), SKIPPABLE]);
    for (const end of [6, 20, 100, 100_000, packed.length - 13, packed.length - 5, packed.length - 1]) {
      await expect(unpackHere(packed.subarray(0, end))).rejects.toThrow('ends within a frame');
    }
  });
});

describe.each<['xz' | 'bzip2', string[]]>([
  ['xz', ['-c', '-1']],
  ['bzip2', ['-c', '-1']],
])('%s', (command, args) => {
  it.skipIf(!hasProgram(command))('is unpacked by the program of that name', async () => {
    const packed = pack(command, args, DATA);
    const expected = { digest: digestOf(packed), plainDigest: digestOf(DATA) };
    expect((await unpacked(packed, 100_000, expected)).equals(DATA)).toBe(true);
    expect(await failure(unpacked(packed.subarray(0, 200_000)))).toMatch(/^layer 1 cannot be unpacked: /);
    const twice = Buffer.concat([packed, packed]);
    expect((await unpacked(twice)).length).toBe(2 * DATA.length);
  });

  it('needs that program, and says so', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = '/nowhere';
    try {
      const start = command === 'xz' ? [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0] : [0x42, 0x5a, 0x68, 0x39];
      const packed = Buffer.concat([Buffer.from(start), Buffer.alloc(3_000_000)]);
      expect(await failure(unpacked(packed))).toBe(
        `layer 1 is compressed with ${command}, and there is no program ${command} here to unpack it`,
      );
    } finally {
      process.env['PATH'] = path;
    }
  });
});

describe('what is not as it should be', () => {
  it.each<[string, () => Promise<Buffer>, RegExp]>([
    [
      'gzip cut off',
      () => unpacked(GZIP.subarray(0, -100)),
      /^layer 1 cannot be unpacked: it ends too early$/,
    ],
    ['gzip cut off in its head', () => unpacked(GZIP.subarray(0, 5)), /ends too early/],
    ['gzip with a wrong checksum', () => unpacked(flip(GZIP, -6)), /it is damaged: incorrect data check/],
    [
      'gzip with garbage after it',
      () => unpacked(Buffer.concat([GZIP, Buffer.from('garbage')])),
      /is damaged/,
    ],
    [
      'another digest than the manifest has',
      () => unpacked(GZIP, 1 << 20, { digest: digestOf('x') }),
      /^layer 1 does not have the digest that it should have: expected sha256:2d711642\w+, got sha256:\w{64}$/,
    ],
    [
      'another digest unpacked',
      () => unpacked(GZIP, 1 << 20, { digest: digestOf(GZIP), plainDigest: digestOf('x') }),
      /^layer 1, unpacked, does not have the digest/,
    ],
    [
      'another digest without compression',
      () => unpacked(DATA, 1 << 20, { plainDigest: digestOf('x') }),
      /unpacked, does not have the digest/,
    ],
    [
      'SHA-512 that differs',
      () => unpacked(GZIP, 1 << 20, { digest: digestOf('x', 'sha512') }),
      /expected sha512:/,
    ],
    ['more bytes', () => unpacked(GZIP, 1000, { size: GZIP.length - 1 }), /expected \d+ bytes, got/],
    ['fewer bytes', () => unpacked(GZIP, 1000, { size: GZIP.length + 1 }), /expected \d+ bytes, got/],
  ])('%s ends the reading', async (_, run, message) => {
    expect(await failure(run())).toMatch(message);
  });

  it('is fine with the digests and sizes that it has', async () => {
    const expected = { digest: digestOf(GZIP, 'sha512'), size: GZIP.length, plainDigest: digestOf(DATA) };
    expect((await unpacked(GZIP, 1000, expected)).equals(DATA)).toBe(true);
    const plain = { digest: digestOf(DATA), size: DATA.length, plainDigest: digestOf(DATA) };
    expect((await unpacked(DATA, 1000, plain)).equals(DATA)).toBe(true);
  });

  it('a failure of the input is told as it is', async () => {
    const input = async function* (): AsyncGenerator<Uint8Array> {
      yield GZIP.subarray(0, 100_000);
      await Promise.resolve();
      throw new RootauditError('the registry hung up');
    };
    expect(await failure(collect(unpack(input(), { what: 'layer 1' })))).toBe('the registry hung up');
  });

  it('a gzip bomb is stopped', async () => {
    // 3 MB of it that become 3 GB.
    const piece = gzipSync(Buffer.alloc(64 << 20));
    const input = function* (): Generator<Uint8Array> {
      for (let i = 0; i < 48; i++) yield piece;
    };
    let length = 0;
    const run = async (): Promise<void> => {
      for await (const bytes of unpack(input(), { what: 'layer 1' })) length += bytes.length;
    };
    expect(await failure(run())).toBe('layer 1 unpacks to more than 200 times its size');
    expect(length).toBeLessThan(1.7 * 2 ** 30);
  });

  it('a zstd bomb is stopped', async () => {
    // Blocks of four bytes that become 128 KiB each.
    const block = (isLast: boolean): Buffer => {
      const header = ((128 << 10) << 3) | 2 | Number(isLast);
      return Buffer.from([header & 0xff, (header >> 8) & 0xff, header >> 16, 0]);
    };
    const blocks = Array.from({ length: 50_000 }, (_, index) => block(index === 49_999));
    const frame = Buffer.concat([Buffer.from('28b52ffd0058', 'hex'), ...blocks]);
    const peak = { before: process.memoryUsage().rss, after: 0 };
    const run = async (): Promise<void> => {
      for await (const bytes of unpack([frame], { what: 'layer 1' })) {
        if (bytes.length > 4 << 20) throw new Error(`a piece of ${bytes.length} bytes`);
        peak.after = Math.max(peak.after, process.memoryUsage().rss);
      }
    };
    expect(await failure(run())).toBe('layer 1 unpacks to more than 200 times its size');
    expect(peak.after - peak.before).toBeLessThan(300 << 20);
  });

  it.each<[string, string, RegExp]>([
    ['a window of 256 MiB', '28b52ffd0490', /needs 256 MiB of memory, more than 128 MiB/],
    ['a dictionary', '28b52ffd010001', /needs a dictionary/],
    ['a reserved bit', '28b52ffd0858', /of a later version/],
    ['a reserved block', '28b52ffd0058070000', /block of a later version/],
    ['a block that is too large', '28b52ffd005804ffff', /block that is too large/],
    [
      'something that is no frame',
      '28b52ffd005801000041424344454647',
      /something that is no frame at offset 9/,
    ],
  ])('zstd with %s is refused', async (_, hex, message) => {
    expect(await failure(unpacked(Buffer.from(hex, 'hex')))).toMatch(message);
  });

  it('mutated bytes never hang, and fail with words of ours', async () => {
    const sources = [
      gzipSync(DATA.subarray(0, 20_000)),
      ZSTD?.subarray(0, 60_000) ?? GZIP.subarray(0, 20_000),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1),
        fc.array(fc.tuple(fc.nat(60_000), fc.nat(255)), { maxLength: 5 }),
        fc.integer({ min: 1, max: 60_000 }),
        async (source, changes, end) => {
          const bytes = Buffer.from(sources[source]?.subarray(0, end) ?? []);
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          expect(await failure(unpacked(bytes, 5000))).not.toMatch(/^not ours/);
        },
      ),
      { numRuns: 150 },
    );
  });
});

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  const index = at < 0 ? copy.length + at : at;
  copy[index] = (copy[index] ?? 0) ^ 0xff;
  return copy;
}
