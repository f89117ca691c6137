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
    expect(stdout).toContain(`${PLANTS.length} of ${PLANTS.length} planted certificates found.`);
    expect(status).toBe(0);
    expect(leftovers().filter((name) => !before.includes(name))).toEqual([]);
  });

  it('names each store type, planted or not', async () => {
    const { rows, notCovered } = await selftest(STORE_TYPES, TOOL);
    const named = new Set([...rows.map(({ store }) => store), ...notCovered]);
    expect([...named].toSorted()).toEqual(['embedded', ...STORE_TYPES.map(({ id }) => id)].toSorted());
    expect(notCovered.length).toBeLessThan(STORE_TYPES.length / 2);
  });

  it.each([
    ['a type is missing', STORE_TYPES.filter(({ id }) => id !== 'java-cacerts')],
    [
      'a reader sees nothing',
      STORE_TYPES.map((type) => (type.id === 'java-cacerts' ? { ...type, read: () => [] } : type)),
    ],
  ])('shows a miss when %s', async (_, stores) => {
    const result = await selftest(stores, TOOL);
    expect(result.rows.filter(({ found }) => found === 0).map(({ store }) => store)).toEqual([
      'java-cacerts',
      'java-cacerts',
    ]);
    expect(isComplete(result)).toBe(false);
    expect(selftestText(result)).toMatch(/^java-cacerts +JKS +1 +0 +MISSED$/m);
  });
});
