import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openHive } from '../../src/formats/regf.ts';
import { logEntry, newLog, oldLog, sealed, unfinished } from '../support/hive-logs.ts';
import { registryLines } from '../support/registry.ts';
import { makeHive, tree } from '../support/windows.ts';

const hiveWith = (...names: readonly string[]): Buffer =>
  makeHive(tree(Object.fromEntries(names.map((name) => [name, { Blob: Buffer.alloc(3000, name) }]))));

/** Three states of one hive: it grows by a bin. */
const first = hiveWith('one');
const second = hiveWith('one', 'two');
const third = hiveWith('one', 'two', 'three', 'four');
const dirty = unfinished(first, 8, 7);
const entry7 = logEntry(first, second, 7);
const entry8 = logEntry(second, third, 8);

function keysOf(hive: Buffer, ...logs: Buffer[]): string[] {
  const opened = openHive({ hive, logs });
  const keys = registryLines(opened).filter((line) => !line.includes('\t'));
  return [...keys.map((key) => key.slice(1)), ...opened.diagnostics.map(({ code }) => `! ${code}`)];
}

const FIRST = ['one'];
const SECOND = [...FIRST, 'two'];
const THIRD = [...SECOND, 'three', 'four'];
const STALE = [...FIRST, '! stale'];

const broken = (entry: Buffer, at: number): Buffer => {
  const copy = Buffer.from(entry);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

describe('a dirty hive', () => {
  it.each<[string, Buffer[], string[]]>([
    ['without logs is stale', [], STALE],
    ['with empty logs is stale', [Buffer.alloc(0), Buffer.alloc(0)], STALE],
    ['takes one entry', [newLog(first, 7, entry7)], SECOND],
    ['takes two entries of one log', [newLog(first, 7, entry7, entry8)], THIRD],
    [
      'takes entries of two logs, the older last',
      [newLog(first, 8, entry8), newLog(first, 7, entry7)],
      THIRD,
    ],
    [
      'leaves out what was written before',
      [newLog(first, 6, logEntry(first, hiveWith('zero'), 6), entry7)],
      SECOND,
    ],
    ['takes nothing after a gap', [newLog(first, 8, entry8)], STALE],
    ['takes nothing after a damaged page', [newLog(first, 7, broken(entry7, 100), entry8)], STALE],
    ['takes nothing after a damaged header', [newLog(first, 7, broken(entry7, 12), entry8)], STALE],
    ['takes nothing from a log with a damaged base block', [broken(newLog(first, 7, entry7), 50)], STALE],
  ])('%s', (_what, logs, expected) => {
    expect(keysOf(dirty, ...logs)).toEqual(expected);
  });

  it('with a damaged header takes that of the log that was written last', () => {
    const damaged = Buffer.from(dirty).fill(0, 36, 44);
    expect(
      keysOf(
        damaged,
        newLog(first, 7, logEntry(first, second, 7)),
        newLog(third, 8, logEntry(first, third, 8)),
      ),
    ).toEqual(THIRD);
  });

  it('takes the sectors of an old log that belongs to it', () => {
    const log = oldLog(first, third);
    expect(keysOf(dirty, log)).toEqual(THIRD);
    const other = Buffer.from(log);
    // Of another time.
    other.writeUInt32LE(1, 12);
    sealed(other);
    expect(keysOf(dirty, other)).toEqual(STALE);
    expect(keysOf(dirty, log.subarray(0, -1))).toEqual(STALE);
  });

  it('does not grow beyond what the logs hold', () => {
    // Bins of two gigabytes, with the right sum.
    const claim = oldLog(first, third);
    claim.writeUInt32LE(0x7ffff000, 40);
    expect(keysOf(dirty, sealed(claim))).toEqual(STALE);
  });
});

describe('a hive that is whole', () => {
  it('is taken as it is, whatever lies beside it', () => {
    expect(keysOf(first, newLog(first, 1, logEntry(first, second, 1)), oldLog(first, third))).toEqual(FIRST);
  });
});

it('logs of any bytes neither throw nor change what they must not', () => {
  const whole = newLog(first, 7, entry7, entry8);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      (changes) => {
        const log = Buffer.from(whole);
        for (const [at, octet] of changes) log[at] = octet;
        // Each entry counts whole or not at all.
        expect([STALE, SECOND, THIRD]).toContainEqual(keysOf(dirty, log));
      },
    ),
    { numRuns: 500 },
  );
});
