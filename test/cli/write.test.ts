import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeTo, writeWhole } from '../../src/cli/write.ts';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { PROJECT } from '../support/rootaudit.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

describe('a text in pieces', () => {
  it('is in the file when all of it is written, and not before', () => {
    const directory = makeTemporaryDirectory();
    const file = join(directory, 'report');
    writeWhole(file, ['old']);
    writeWhole(
      file,
      (function* pieces() {
        yield 'new ';
        expect(readFileSync(file, 'utf8')).toBe('old');
        yield 'text';
      })(),
    );
    expect(readFileSync(file, 'utf8')).toBe('new text');
    expect(readdirSync(directory)).toEqual(['report']);
  });

  it('leaves the old file, and nothing else, when a piece cannot be made', () => {
    const directory = makeTemporaryDirectory();
    const file = join(directory, 'report');
    writeWhole(file, ['old']);
    const failing = (function* pieces(): Generator<string> {
      yield 'new';
      throw new Error('no more');
    })();
    expect(() => {
      writeWhole(file, failing);
    }).toThrow(/no more/);
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(directory)).toEqual(['report']);
  });

  it('waits for a slow reader', async () => {
    const stream = new PassThrough({ highWaterMark: 10 });
    let made = 0;
    const pieces = (function* all() {
      for (made = 0; made < 100; made++) yield 'x'.repeat(10);
    })();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is written to needs no terminal
    const written = writeTo(stream as unknown as NodeJS.WriteStream, pieces);
    await new Promise(setImmediate);
    expect(made).toBeLessThan(5);
    stream.resume();
    await written;
    expect(made).toBe(100);
  });
});

describe.skipIf(process.platform === 'win32')('standard output that takes no more', () => {
  const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
  const blocklist = writeBlocklist(makeTemporaryDirectory(), {
    advisories: [advisory({ id: 'planted', certificates: [blocked(bad)] })],
  });
  const root = makeTree({ '/usr/local/share/ca-certificates/planted.crt': bad.pem });
  // More than a pipe holds.
  const targets = Array.from({ length: 60 }, () => `dir:${root}`).join(' ');
  const scan = `"$0" bin/rootaudit.js scan --no-policy --blocklist ${blocklist} -f json ${targets}`;
  const shell = (line: string): { status: number | null; stderr: string } =>
    spawnSync('bash', ['-c', line, process.execPath], { cwd: PROJECT, encoding: 'utf8' });

  it('because its reader has seen enough, is no error, and hides no finding', () => {
    expect(shell(`${scan} | head -c 100 > /dev/null; exit \${PIPESTATUS[0]}`)).toMatchObject({
      status: 1,
      stderr: '',
    });
  });

  it.skipIf(!existsSync('/dev/full'))('because a disk is full, is a failure and no finding', () => {
    const { status, stderr } = shell(`${scan} > /dev/full`);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^rootaudit: standard output cannot be written: ENOSPC.*\n$/);
  });
});
