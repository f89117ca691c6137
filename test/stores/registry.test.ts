import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { COVERAGE } from '../../src/stores/coverage.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { PROJECT } from '../support/rootaudit.ts';

const ids = STORE_TYPES.map(({ id }) => id);

describe('the registry of stores', () => {
  it('has each id once', () => {
    expect(ids).toEqual([...new Set(ids)]);
  });

  it('says of each type, and of no other, what is done with it', () => {
    expect(Object.keys(COVERAGE).toSorted()).toEqual(ids.toSorted());
  });

  it('gives each type a platform', () => {
    for (const { id, platforms } of STORE_TYPES) expect(platforms.length, id).toBeGreaterThan(0);
  });

  it('is the table in the README', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/docs.mjs', '--check'], { cwd: PROJECT });
    expect(stderr.toString()).toBe('');
    expect(status).toBe(0);
  });
});
