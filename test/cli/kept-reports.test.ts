import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { KeptReports } from '../../src/cli/kept-reports.ts';
import { cleanReport, diskReport, imageReport } from '../support/reports.ts';
import { renderReports } from '../support/render.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import { formatsFor } from '../../src/render/index.ts';

const reports = [diskReport, imageReport, cleanReport, imageReport, diskReport];

function kept(held: number): KeptReports {
  const all = new KeptReports(held);
  for (const report of reports) all.add(report);
  return all;
}

const before = process.env['TMPDIR'];
afterEach(() => {
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
});

describe('reports that wait to be printed', () => {
  it.each([0, 1, 3, 5, 32])(
    'are all there, in their order and again and again, with %i in memory',
    (held) => {
      const all = kept(held);
      expect(all).toHaveLength(reports.length);
      expect([...all]).toEqual(reports);
      expect([...all]).toEqual(reports);
    },
  );

  it('can be gone through by two at a time', () => {
    const all = kept(1);
    const pairs = Array.from(all, (report) => [report, [...all].length]);
    expect(pairs).toEqual(reports.map((report) => [report, reports.length]));
  });

  it.skipIf(process.platform === 'win32')(
    'stay in memory where there is no room for a temporary file',
    () => {
      process.env['TMPDIR'] = `${makeTemporaryDirectory()}/missing`;
      expect(existsSync(process.env['TMPDIR'])).toBe(false);
      expect([...kept(1)]).toEqual(reports);
    },
  );

  it.each(formatsFor('reports'))('are the same as %s, wherever they waited', async (format) => {
    expect(await renderReports(format, kept(1))).toBe(await renderReports(format, reports));
  });
});
