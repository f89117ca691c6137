import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildSync } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { tidyUp } from '../../src/images/tidy-up.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

let directory = '';

beforeAll(() => {
  directory = makeTemporaryDirectory();
  buildSync({
    entryPoints: [resolve('src/images/tidy-up.ts')],
    bundle: true,
    platform: 'node',
    outfile: join(directory, 'tidy-up.cjs'),
  });
});

/** Runs a program that has something to tidy up: a file. */
function runWith(
  name: string,
  script: string,
): { readonly isTidy: boolean; readonly end: number | string | null } {
  const file = join(directory, name);
  writeFileSync(file, '');
  const program = `
    const { tidyUp } = require('${join(directory, 'tidy-up.cjs')}');
    const done = tidyUp(() => require('node:fs').unlinkSync('${file}'));
    ${script}`;
  const { status, signal } = spawnSync(process.execPath, ['-e', program]);
  return { isTidy: !existsSync(file), end: signal ?? status };
}

describe.skipIf(process.platform === 'win32')('what is to be tidied up', () => {
  it.each([
    ['ends', '', 0],
    ['exits', 'process.exit(3)', 3],
    ['fails', 'throw new Error()', 1],
    ['is interrupted', `setTimeout(() => {}, 60000); process.kill(process.pid, 'SIGINT')`, 'SIGINT'],
    ['is ended', `setTimeout(() => {}, 60000); process.kill(process.pid, 'SIGTERM')`, 'SIGTERM'],
    ['has done it itself', 'done(); done()', 0],
  ])('is when the program %s', (name, script, end) => {
    expect(runWith(name.replaceAll(' ', '-'), script)).toEqual({ isTidy: true, end });
  });

  it('leaves no listeners behind', () => {
    const before = process.listenerCount('SIGINT');
    const all = [tidyUp(() => {}), tidyUp(() => {})];
    expect(process.listenerCount('SIGINT')).toBe(before + 1);
    for (const tidy of all) tidy();
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});
