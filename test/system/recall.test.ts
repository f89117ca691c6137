/** Recall: of all certificates in a store, not one may be overlooked. `npm run recall` prints the matrix. */

import { afterAll, describe, expect, it } from 'vitest';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { loadCorpus } from '../recall/corpus.ts';
import { matrix, measure, type Recall } from '../recall/measure.ts';
import { NOT_MEASURED, RECIPES } from '../recall/plant.ts';
import { findTool } from './support/tools.ts';

const corpus = loadCorpus();
const rows: Recall[] = [];

afterAll(() => {
  process.stdout.write(`\n${matrix(`${corpus.certificates.length} ${corpus.origin}`, rows)}\n`);
});

describe(`of ${corpus.certificates.length} ${corpus.origin}, all are found`, () => {
  for (const recipe of RECIPES) {
    const { store, how, needs = [], stores = 1 } = recipe;
    const missing = needs.filter((tool) => findTool(tool) === undefined);
    const reason = missing.length === 0 ? '' : ` (needs ${missing.join(', ')})`;
    it.skipIf(missing.length > 0)(`in ${store}: ${how}${reason}`, () => {
      const row = measure(recipe, corpus);
      rows.push(row);
      // Some tools refuse some real certificates, but never many.
      expect(row.planted).toBeGreaterThan(corpus.certificates.length * 0.9);
      expect({
        stores: row.stores,
        missed: row.missed,
        invented: row.invented,
        unreported: row.unreported,
      }).toEqual({
        stores,
        missed: [],
        invented: [],
        unreported: [],
      });
    });
  }

  it('in every store type, but for those that cannot be measured', () => {
    const measured = new Set(RECIPES.map(({ store }) => store));
    const left = STORE_TYPES.map(({ id }) => id).filter((id) => !measured.has(id));
    expect(left.toSorted()).toEqual(Object.keys(NOT_MEASURED).toSorted());
  });
});
