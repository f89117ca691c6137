import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { isComplete, selftestText } from '../../src/cli/selftest.ts';
import { PLANTS } from '../../src/selftest/plants.ts';
import { selftest } from '../../src/selftest/selftest.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { rootaudit } from '../support/rootaudit.ts';

const TOOL = { name: 'rootaudit', version: '0' };

describe('rootaudit selftest', () => {
  it('finds whatever it plants, prints the matrix, and leaves nothing behind', () => {
    const leftovers = (): string[] =>
      readdirSync(tmpdir()).filter((name) => name.startsWith('rootaudit-selftest-'));
    const before = leftovers();
    const { status, stdout, stderr } = rootaudit(['selftest']);
    expect(stderr).toBe('');
    expect(stdout).not.toContain('MISSED');
    const planted = PLANTS.filter(({ says }) => says === undefined).length;
    expect(stdout).toContain(`${planted} of ${planted} planted certificates found.`);
    expect(status).toBe(0);
    expect(leftovers().filter((name) => !before.includes(name))).toEqual([]);
  });

  it('covers every store type: a certificate is found, or what has none is noted', async () => {
    const { rows, notCovered } = await selftest(STORE_TYPES, TOOL);
    expect(rows.filter(({ planted, found, told }) => planted !== found || told === false)).toEqual([]);
    const named = new Set(rows.map(({ store }) => store));
    expect([...named].toSorted()).toEqual(['embedded', ...STORE_TYPES.map(({ id }) => id)].toSorted());
    expect(notCovered).toEqual([]);
  });

  it('names a store type that it cannot make', async () => {
    const types = STORE_TYPES.flatMap((type, index) =>
      index === 0 ? [type, { ...type, id: 'of-tomorrow', locate: () => [] }] : [type],
    );
    const result = await selftest(types, TOOL);
    expect(result.notCovered).toEqual(['of-tomorrow']);
    expect(selftestText(result)).toMatch(/^of-tomorrow +- +- +not covered$/m);
  });

  it.each([
    ['a type is missing', STORE_TYPES.filter(({ id }) => id !== 'java-cacerts')],
    [
      'a reader sees nothing',
      STORE_TYPES.map((type) => (type.id === 'java-cacerts' ? { ...type, read: () => [] } : type)),
    ],
  ])('shows a miss when %s', async (_, stores) => {
    const result = await selftest(stores, TOOL);
    expect(result.rows.filter(({ found, planted }) => found < planted).map(({ store }) => store)).toEqual([
      'java-cacerts',
      'java-cacerts',
    ]);
    expect(isComplete(result)).toBe(false);
    expect(selftestText(result)).toMatch(/^java-cacerts +JKS +1 +0 +MISSED$/m);
  });

  it('shows a miss when a store without certificates says nothing', async () => {
    const silent = STORE_TYPES.map((type) =>
      type.id === 'node-compiled-in' ? { ...type, read: () => [] } : type,
    );
    const result = await selftest(silent, TOOL);
    expect(result.rows.filter(({ told }) => told === false).map(({ store }) => store)).toEqual([
      'node-compiled-in',
    ]);
    expect(isComplete(result)).toBe(false);
    expect(selftestText(result)).toMatch(/^node-compiled-in .* - +- +MISSED$/m);
  });
});
