import { spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  defaultJournalBase,
  Journal,
  listJournals,
  readJournal,
  type JournalRecord,
} from '../../src/removal/journal.ts';
import { withLock } from '../../src/removal/lock.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const start: JournalRecord = {
  type: 'start',
  version: 1,
  tool: 'test',
  time: '2026-01-02T03:04:05.678Z',
  root: { host: '', drives: false },
  certificates: ['ab'],
};

function journalWith(
  base: string,
  records: readonly JournalRecord[],
  time = '2026-01-02T03:04:05.678Z',
): Journal {
  const journal = Journal.create(base, new Date(time));
  for (const record of records) journal.write(record);
  return journal;
}

const replace: JournalRecord = { type: 'replace', step: 1, path: '/a', before: null, after: null };

describe('a journal', () => {
  it('gives back what was written, in order', () => {
    const odd: JournalRecord = { ...replace, path: '/caf\udce9/\u202e"\n' };
    const { directory } = journalWith(makeTemporaryDirectory(), [start, odd]);
    expect(readJournal(directory)).toEqual([start, odd]);
  });

  it.skipIf(process.platform === 'win32')('is for nobody else to read', () => {
    const { directory, copies } = journalWith(makeTemporaryDirectory(), [start]);
    expect([directory, copies].map((path) => lstatSync(path).mode & 0o777)).toEqual([0o700, 0o700]);
    expect(lstatSync(join(directory, 'journal.ndjson')).mode & 0o777).toBe(0o600);
  });

  it('goes on after a record that a crash cut off', () => {
    const { directory } = journalWith(makeTemporaryDirectory(), [start]);
    appendFileSync(join(directory, 'journal.ndjson'), '{"type":"repl');
    const again = Journal.open(directory);
    again.write(replace);
    expect(readJournal(directory)).toEqual([start, replace]);
  });

  it.skipIf(process.platform === 'win32')('that others may write is not believed', () => {
    const { directory } = journalWith(makeTemporaryDirectory(), [start]);
    chmodSync(join(directory, 'journal.ndjson'), 0o666);
    expect(() => readJournal(directory)).toThrow(/others may write/);
  });

  it.each<readonly [string, readonly JournalRecord[], string]>([
    ['nothing was begun', [start], 'empty'],
    ['a step was begun', [start, replace], 'unfinished'],
    ['it came to its end', [start, replace, { type: 'end', verified: true }], 'done'],
    ['an undo was begun', [start, replace, { type: 'undo' }], 'undoing'],
    ['it was undone', [start, replace, { type: 'undo' }, { type: 'undone', time: '' }], 'undone'],
  ])('says whether %s', (_what, records, status) => {
    const base = makeTemporaryDirectory();
    journalWith(base, records);
    expect(listJournals(base)).toMatchObject([{ status, root: '/', certificates: ['ab'] }]);
  });

  it('is listed newest first, and nothing else is', () => {
    const base = makeTemporaryDirectory();
    journalWith(base, [start], '2026-01-02T03:04:05.678Z');
    journalWith(base, [start], '2026-01-02T03:04:05.679Z');
    mkdirSync(join(base, 'other'));
    mkdirSync(join(base, '20260102T030405680Z-00000000'));
    const names = listJournals(base).map(({ name }) => name);
    expect(names.map((name) => name.slice(0, 18))).toEqual(['20260102T030405679', '20260102T030405678']);
    expect(listJournals(join(base, 'none'))).toEqual([]);
  });

  it.skipIf(process.platform === 'win32' || process.getuid?.() === 0).each([
    [{ XDG_STATE_HOME: '/x/state', HOME: '/home/a' }, '/x/state/rootaudit/journal'],
    [{ XDG_STATE_HOME: 'relative', HOME: '/home/a' }, '/home/a/.local/state/rootaudit/journal'],
  ])('lies in the home of whoever is not root', (environment, path) => {
    expect(defaultJournalBase(environment)).toBe(path);
  });

  it.skipIf(process.getuid?.() !== 0)('of root lies in /var/lib', () => {
    expect(defaultJournalBase({ HOME: '/root' })).toBe('/var/lib/rootaudit/journal');
  });
});

describe.skipIf(process.platform === 'win32')('the lock', () => {
  it('lets one in at a time, and goes with it', async () => {
    const base = makeTemporaryDirectory();
    await withLock(base, async () => {
      await expect(withLock(base, () => Promise.resolve())).rejects.toThrow(/at work/);
    });
    expect(existsSync(join(base, 'lock'))).toBe(false);
    await expect(withLock(base, () => Promise.resolve(1))).resolves.toBe(1);
  });

  it('goes too when the work fails', async () => {
    const base = makeTemporaryDirectory();
    await expect(withLock(base, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(withLock(base, () => Promise.resolve(1))).resolves.toBe(1);
  });

  it('of a process that runs holds', async () => {
    const base = makeTemporaryDirectory();
    const other = spawn('sleep', ['60']);
    try {
      writeFileSync(join(base, 'lock'), `${other.pid}\n`);
      await expect(withLock(base, () => Promise.resolve())).rejects.toThrow(/at work/);
    } finally {
      other.kill('SIGKILL');
    }
  });

  it.each([
    ['of a process that has ended', '4194304 1\n'],
    ['of a process whose number another has by now', `${process.pid} 1\n`],
    ['that says nothing', ''],
  ])('%s counts for nothing', async (_what, content) => {
    if (content.startsWith(String(process.pid)) && process.platform !== 'linux') return;
    const base = makeTemporaryDirectory();
    writeFileSync(join(base, 'lock'), content);
    const seen = await withLock(base, () => Promise.resolve(readFileSync(join(base, 'lock'), 'utf8')));
    expect(seen).toContain(String(process.pid));
  });
});
