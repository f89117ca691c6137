import { describe, expect, it } from 'vitest';
import { formatsFor, loadRenderer } from '../../src/render/index.ts';
import { renderReports, STYLE } from '../support/render.ts';
import { cleanReport, diskReport, imageReport, inventory } from '../support/reports.ts';

/** The files below golden/ are read by people when they change: `npm test -- test/render/golden.test.ts -u`. */
describe('what each format prints', () => {
  it.each(formatsFor('reports'))('as %s, for a disk and an image', async (format) => {
    const text = await renderReports(format, [diskReport, imageReport]);
    await expect(text).toMatchFileSnapshot(`golden/scan.${format}.txt`);
  });

  it.each(formatsFor('reports'))('as %s, for a clean machine', async (format) => {
    const text = await renderReports(format, [cleanReport]);
    await expect(text).toMatchFileSnapshot(`golden/clean.${format}.txt`);
  });

  it.each(formatsFor('inventory'))('as %s, for a list', async (format) => {
    const render = await loadRenderer(format, 'inventory');
    await expect(render(inventory, STYLE)).toMatchFileSnapshot(`golden/list.${format}.txt`);
  });
});
