import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Pace } from '../../src/watch/pace.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const HOUR = 3_600_000;

/** When each of the looks came, and why: "300 change". */
async function looks(pace: Pace, duration: number, took = 0): Promise<string[]> {
  const start = performance.now();
  const seen: string[] = [];
  const loop = async (): Promise<void> => {
    for (;;) {
      const { reason, settled } = await pace.next(HOUR);
      if (reason === 'stop') return;
      seen.push(`${Math.round(performance.now() - start)} ${reason}${settled ? '' : ' unsettled'}`);
      pace.looked(took);
    }
  };
  const done = loop();
  await vi.advanceTimersByTimeAsync(duration);
  pace.stop();
  await done;
  return seen;
}

describe('Pace', () => {
  it('looks once things have been quiet for a moment', async () => {
    const pace = new Pace();
    setTimeout(() => pace.changed(), 1000);
    setTimeout(() => pace.changed(), 1200);
    expect(await looks(pace, 10_000)).toEqual(['1500 change']);
  });

  it('looks all the same when things never are, tells so, and looks again when they are', async () => {
    const pace = new Pace();
    for (let at = 100; at <= 4000; at += 100) setTimeout(() => pace.changed(), at);
    expect(await looks(pace, 20_000)).toEqual([
      '2100 change unsettled',
      '4100 change unsettled',
      '4300 change',
    ]);
  });

  it('takes for settled what never settles', async () => {
    const pace = new Pace();
    const timer = setInterval(() => pace.changed(), 50);
    const seen = await looks(pace, 30_000);
    clearInterval(timer);
    expect(seen.length).toBeLessThan(16);
    expect(seen.filter((line) => !line.endsWith('unsettled')).length).toBeGreaterThan(1);
  });

  it('rests in proportion to what a look takes', async () => {
    const pace = new Pace();
    const timer = setInterval(() => pace.changed(), 50);
    const seen = await looks(pace, 60_000, 2000);
    clearInterval(timer);
    // Two seconds of work, eight of rest.
    expect(seen.length).toBeLessThanOrEqual(8);
    expect(seen.length).toBeGreaterThanOrEqual(6);
  });

  it('looks when the time has come, although nothing changed', async () => {
    expect(await looks(new Pace(), 2.5 * HOUR)).toEqual([`${HOUR} time`, `${2 * HOUR} time`]);
  });

  it('looks at once when it is told to', async () => {
    const pace = new Pace();
    setTimeout(() => pace.hurry(), 5000);
    expect(await looks(pace, 10_000)).toEqual(['5000 time']);
  });

  it('stops at once', async () => {
    const pace = new Pace();
    pace.stop();
    expect(await pace.next(HOUR)).toEqual({ reason: 'stop', settled: true });
  });
});
