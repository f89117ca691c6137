import { describe, expect, it } from 'vitest';
import { Deliveries } from '../../src/watch/deliveries.ts';

describe('Deliveries', () => {
  it('delivers a few at a time, in order, and waits for the last', async () => {
    const log: string[] = [];
    let active = 0;
    let most = 0;
    const deliveries = new Deliveries<number>({
      atOnce: 3,
      lost: () => log.push('lost'),
      deliver: async (item) => {
        most = Math.max(most, ++active);
        await new Promise((resolve) => setTimeout(resolve, 1));
        active--;
        log.push(String(item));
      },
    });
    const items = Array.from({ length: 50 }, (_, i) => i);
    for (const item of items) deliveries.add(item);
    await deliveries.finish(10_000);
    expect(most).toBe(3);
    expect(log.map(Number).toSorted((a, b) => a - b)).toEqual(items);
  });

  it('loses what is too much, and what does not arrive in time', async () => {
    let lost = 0;
    const delivered: number[] = [];
    const deliveries = new Deliveries<number>({
      atOnce: 1,
      mayWait: 5,
      lost: () => lost++,
      deliver: (item, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            delivered.push(item);
            resolve();
          });
        }),
    });
    for (let i = 0; i < 10; i++) deliveries.add(i);
    expect(lost).toBe(4);
    await deliveries.finish(20);
    expect({ lost, delivered }).toEqual({ lost: 9, delivered: [0] });
  });

  it('is finished when there was nothing to do', async () => {
    await new Deliveries<number>({ atOnce: 1, lost: () => {}, deliver: () => Promise.resolve() }).finish(1);
  });
});
