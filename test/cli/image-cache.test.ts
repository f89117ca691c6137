import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ociFiles } from '../support/images.ts';
import { rootaudit, type Run } from '../support/rootaudit.ts';
import { makeTar } from '../support/tar.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import { BASE, PLANT, layersOf, layout, COMMAND, COMMON } from '../support/planted-images.ts';

const RANDOM = makeTar([{ path: 'opt/random', content: randomBytes(100_000) }]);
const LARGE = layersOf(BASE, PLANT, RANDOM);

describe('the cache of layers', () => {
  const withCache = (cache: string, ...args: readonly string[]): Run =>
    rootaudit([...COMMON, ...args], { XDG_CACHE_HOME: cache });
  /** What the layer is, and how large, stays the same: only reading it tells. */
  const damage = (path: string): void => {
    const [layer = ''] = [...ociFiles([LARGE])].flatMap(([name, { length }]) =>
      length > 90_000 ? [name] : [],
    );
    const bytes = readFileSync(join(path, layer));
    bytes[bytes.length - 6] = (bytes.at(-6) ?? 0) ^ 1;
    writeFileSync(join(path, layer), bytes);
  };

  it('may be used by several processes at a time', async () => {
    const cache = makeTemporaryDirectory();
    const path = layout(LARGE);
    const runs = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const env = { PATH: process.env['PATH'], XDG_CACHE_HOME: cache };
        const child = spawn(process.execPath, [COMMAND, ...COMMON, path], { env });
        let stdout = '';
        child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
        const status = await new Promise((resolve) => child.once('close', resolve));
        return { status, stdout };
      }),
    );
    const [first] = runs;
    expect(first).toMatchObject({ status: 1, stdout: expect.stringContaining('Planted Root') });
    for (const run of runs) expect(run).toEqual(first);
    // Layers of a few hundred bytes are not worth it.
    expect(readdirSync(join(cache, 'rootaudit'))).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.layer$/)]);
    damage(path);
    expect(withCache(cache, path).stdout).toBe(first?.stdout);
  });

  it('is left alone with --no-cache and ROOTAUDIT_NO_CACHE, and read past with --verify', () => {
    const cache = makeTemporaryDirectory();
    const path = layout(LARGE);
    expect(withCache(cache, '--no-cache', path).status).toBe(1);
    const environment = { XDG_CACHE_HOME: cache, ROOTAUDIT_NO_CACHE: '1' };
    expect(rootaudit([...COMMON, path], environment).status).toBe(1);
    expect(readdirSync(cache)).toEqual([]);
    expect(withCache(cache, path).status).toBe(1);
    damage(path);
    expect(withCache(cache, path).status).toBe(1);
    for (const option of ['--no-cache', '--verify']) {
      const { status, stderr } = withCache(cache, option, path);
      expect([status, stderr]).toEqual([2, expect.stringContaining('does not have the digest')]);
    }
  });

  it('is done without where it cannot be, which --verbose tells', () => {
    const path = layout(LARGE);
    expect(withCache('/dev/null', path)).toMatchObject({ status: 1, stderr: '' });
    expect(withCache('/dev/null', '--verbose', path).stderr).toMatch(
      /^rootaudit: layers are not kept in \/dev\/null\/rootaudit: E\w+\n$/,
    );
  });
});
