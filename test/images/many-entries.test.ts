import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { makeTemporaryDirectory } from '../support/tree.ts';

/** In a process of its own: only there its memory can be told. */
function openMany(files: number, form: 'stream' | 'seekable'): unknown {
  const outfile = join(makeTemporaryDirectory(), 'many.mjs');
  buildSync({
    entryPoints: [fileURLToPath(new URL('../support/many-entries.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
  });
  return JSON.parse(execFileSync(process.execPath, [outfile, String(files), form], { encoding: 'utf8' }));
}

describe('an image with a million files', () => {
  it('is read in bounded memory', () => {
    const found = openMany(1_000_000, 'stream');
    expect(found).toMatchObject({ files: 1_000_000, problems: [] });
    expect(found).toHaveProperty(
      'megabytes',
      expect.toSatisfy((megabytes: number) => megabytes < 200),
    );
  });
});
