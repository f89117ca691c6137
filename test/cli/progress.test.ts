import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deepWords, imageWords, storeWords } from '../../src/cli/progress-words.ts';
import { progressOn, type ProgressRules } from '../../src/cli/progress.ts';
import { writeBlocklist, advisory } from '../support/blocklist.ts';
import { makeCertificate } from '../support/certificates.ts';
import { PROJECT } from '../support/rootaudit.ts';
import { hasCommand, onTerminal } from '../support/terminal.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

const CLEAR = '\r\u001b[K';

/** A stream and a clock, both made of plain data. */
function screen(stream: { isTTY?: boolean; columns?: number } = { isTTY: true, columns: 80 }) {
  const written: string[] = [];
  const clock = { time: 1000 };
  const on = (rules: Partial<ProgressRules> = {}) =>
    progressOn(
      { ...stream, write: (text: string) => written.push(text) },
      { environment: {}, verbose: false, wanted: true, now: () => clock.time, ...rules },
    );
  return { written, clock, on };
}

describe('progress', () => {
  it('shows nothing in the first half second, then a line every tenth of a second', () => {
    const { written, clock, on } = screen();
    const progress = on();
    for (let step = 0; step < 100; step++) {
      progress?.show(() => `step ${step}`);
      clock.time += 10;
    }
    expect(written).toEqual([50, 60, 70, 80, 90].map((step) => `${CLEAR}step ${step}`));
  });

  it('makes its words only when they are shown', () => {
    const { on } = screen();
    let made = 0;
    for (let step = 0; step < 100; step++) on()?.show(() => String(made++));
    expect(made).toBe(0);
  });

  it('takes its line away once, and waits half a second again', () => {
    const { written, clock, on } = screen();
    const progress = on();
    clock.time += 500;
    progress?.show(() => 'here');
    progress?.clear();
    progress?.clear();
    progress?.show(() => 'too early');
    expect(written).toEqual([`${CLEAR}here`, CLEAR]);
  });

  it('says which of several targets it is about', () => {
    const { written, clock, on } = screen();
    const progress = on();
    clock.time += 500;
    progress?.about('2 of 5, app.tar');
    progress?.show(() => 'store 1 of 3');
    expect(written).toEqual([`${CLEAR}2 of 5, app.tar: store 1 of 3`]);
  });

  it.each([
    ['into a pipe', {}, {}],
    ['on a dumb terminal', { isTTY: true }, { environment: { TERM: 'dumb' } }],
    ['in a pipeline with a terminal', { isTTY: true }, { environment: { CI: 'true' } }],
    ['when it is not wanted', { isTTY: true }, { wanted: false }],
    ['when it is not wanted, though verbose', { isTTY: true }, { wanted: false, verbose: true }],
  ])('is not there %s', (_, stream, rules) => {
    expect(screen(stream).on(rules)).toBeUndefined();
  });

  it.each([
    ['into a pipe', {}, {}],
    ['in a pipeline', { isTTY: true }, { CI: '1' }],
    ['on a dumb terminal', { isTTY: true }, { TERM: 'dumb' }],
  ])('is plain lines %s when --verbose asks for it', (_, stream, environment) => {
    const { written, clock, on } = screen(stream);
    const progress = on({ verbose: true, environment });
    for (let step = 0; step < 500; step++) {
      progress?.show(() => `step ${step}`);
      clock.time += 10;
    }
    progress?.clear();
    expect(written).toEqual(['step 50\n', 'step 250\n', 'step 450\n']);
  });

  it.each([
    [80, 79],
    [20, 19],
    [2, 1],
    [1, 79],
    [0, 79],
    [-5, 79],
    [Number.NaN, 79],
    [undefined, 79],
    [100_000, 499],
  ])('with a terminal of %s columns takes at most %i', (columns, most) => {
    const { written, clock, on } = screen({ isTTY: true, ...(columns !== undefined && { columns }) });
    clock.time += 500;
    const progress = on();
    clock.time += 500;
    progress?.show(() => 'x'.repeat(5000));
    expect(written).toEqual([CLEAR + 'x'.repeat(most)]);
  });

  it('never writes more than one line, whatever a path is called', () => {
    assert(
      property(string({ unit: 'binary', maxLength: 400 }), (path) => {
        const { written, clock, on } = screen();
        const progress = on();
        clock.time += 500;
        progress?.show(() => storeWords({ path, done: 0, total: 1 }));
        progress?.clear();
        expect(written.join('').replaceAll(CLEAR, '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }),
    );
  });
});

describe('the words of progress', () => {
  it.each([
    [storeWords({ path: '/etc/ssl/certs', done: 11, total: 87 }), 'store 12 of 87, /etc/ssl/certs'],
    [deepWords({ path: '/opt/a', files: 1, bytes: 1_234_567 }), 'programs, 1 file, 1.2 MB: /opt/a'],
    [
      imageWords({ layers: 8, done: 2, bytes: 120_400_000, received: 34_000_000, size: 99_000_000 }),
      'layer 3 of 8, 34 MB of 99 MB received, 120 MB read',
    ],
    [imageWords({ layers: 0, done: 0, bytes: 5_000_000, received: 0, size: 0 }), '5 MB read'],
    [imageWords({ layers: 2, done: 9, bytes: 0, received: 0, size: 0 }), 'layer 2 of 2'],
  ])('%s', (words, expected) => {
    expect(words).toBe(expected);
  });
});

const blocklist = writeBlocklist(makeTemporaryDirectory(), { advisories: [advisory({ id: 'a' })] });
const root = makeTree({
  '/etc/ca-certificates.conf': '',
  '/etc/ssl/certs/ca-certificates.crt': makeCertificate({ subject: { CN: 'A root' } }).pem,
});
const archive = join(makeTemporaryDirectory(), 'root.tar');
execFileSync('tar', ['-cf', archive, '-C', root, '.']);

/** A pipe that lets us wait for longer than half a second. */
const slowly = (args: readonly string[]): string => {
  const command = `'${process.execPath}' '${PROJECT}bin/rootaudit.js' scan --blocklist '${blocklist}'`;
  return `{ head -c 1024 '${archive}'; sleep 0.8; tail -c +1025 '${archive}'; } | ${command} ${args.join(' ')} -`;
};

describe('a command that takes long', () => {
  const shell = (args: readonly string[]): { readonly stdout: string; readonly stderr: string } => {
    const { PATH = '', HOME = '' } = process.env;
    return spawnSync('sh', ['-c', slowly(args)], { encoding: 'utf8', env: { PATH, HOME } });
  };

  it('writes nothing to standard error of a pipe', () => {
    expect(shell([])).toMatchObject({ stderr: '' });
  });

  it('writes plain lines there with --verbose', () => {
    expect(shell(['--verbose']).stderr).toMatch(/^0 MB read\n(?:store \d+ of \d+, \/\S+\n)*$/);
  });

  describe.skipIf(!hasCommand('script'))('on a terminal (needs script)', () => {
    it('shows where it is, and takes that away before the report', () => {
      const [before, ...lines] = onTerminal(slowly([])).split(CLEAR);
      expect(before).toBe('');
      expect(lines[0]).toBe('0 MB read');
      expect(lines.at(-1)).toMatch(/^(?:\u001b\[\dm)?rootaudit /);
      for (const line of lines.slice(0, -1)) expect(line).not.toMatch(/[\r\n]/);
    });

    it('takes it away before it says what is wrong, and tells which target it is about', () => {
      const text = onTerminal(`${slowly([])} /no/such/target`);
      expect(text).toContain(`${CLEAR}1 of 2, -: 0 MB read`);
      expect(text).toContain(`${CLEAR}rootaudit: there is no /no/such/target\r\n`);
    });

    it.each([
      [['--no-progress'], {}],
      [['--quiet'], {}],
      [[], { ROOTAUDIT_NO_PROGRESS: '1' }],
      [[], { CI: 'true' }],
      [[], { TERM: 'dumb' }],
    ])('shows nothing with %j and %j', (args, environment) => {
      expect(onTerminal(slowly(args), environment)).not.toContain('MB read');
    });

    it('counts a variable that says no as none', () => {
      expect(onTerminal(slowly([]), { ROOTAUDIT_NO_PROGRESS: '0' })).toContain('MB read');
    });
  });
});
