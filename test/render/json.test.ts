import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/report/report.ts';
import {
  cleanReport,
  diskReport,
  hostileInventory,
  HOSTILE_NAMES,
  hostileReport,
  imageReport,
  inventory,
} from '../support/reports.ts';
import { renderInventory, renderReports, schemaCheck } from '../support/render.ts';

const distrusted: Report = {
  ...diskReport,
  findings: diskReport.findings.map((finding) => ({
    ...finding,
    distrustedBy: [
      { program: 'mozilla', action: 'removed', date: '2023-11-13' },
      { program: 'chrome', action: 'blocked', date: null },
    ],
  })),
};

describe('json', () => {
  it.each([
    ['a disk', diskReport],
    ['a clean machine', cleanReport],
    ['what programmes did', distrusted],
  ])('follows its schema for %s', async (_what, report) => {
    expect(schemaCheck('report')(JSON.parse(await renderReports('json', [report])))).toBe('');
  });

  it('follows its schema for a list', async () => {
    expect(schemaCheck('inventory')(JSON.parse(await renderInventory('json', inventory)))).toBe('');
  });
});

describe('ndjson', () => {
  const check = schemaCheck('records');
  const records = (text: string): readonly unknown[] =>
    text
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));

  it('has a record for each target, store, place, violation and problem, each after its schema', async () => {
    const made = records(await renderReports('ndjson', [diskReport, imageReport]));
    expect(made.map(check).join('')).toBe('');
    const types = made.map((record) => JSON.stringify(record).match(/"type":"([a-z]+)"/)?.[1]);
    const times = (type: string): number => types.filter((each) => each === type).length;
    expect([times('scan'), times('store'), times('finding'), times('violation'), times('problem')]).toEqual([
      2, 7, 8, 2, 1,
    ]);
    expect(types[0]).toBe('scan');
  });

  it('has a record for each certificate of a list', async () => {
    const made = records(await renderInventory('ndjson', inventory));
    expect(made.map(check).join('')).toBe('');
    expect(made).toHaveLength(1 + 2 + 4 + 1);
  });

  it('tells an unreadable machine from a clean one', async () => {
    const [clean] = records(await renderReports('ndjson', [cleanReport]));
    const [partial] = records(await renderReports('ndjson', [{ ...cleanReport, complete: false }]));
    expect(clean).toMatchObject({ type: 'scan', complete: true, findings: 0 });
    expect(partial).toMatchObject({ type: 'scan', complete: false, findings: 0 });
  });

  it.each(HOSTILE_NAMES)('keeps %s as data, in one line and visible to a terminal', async (_what, name) => {
    const report = hostileReport(name);
    const texts = [
      await renderReports('ndjson', [report]),
      await renderInventory('ndjson', hostileInventory(name)),
    ];
    for (const text of texts) expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_C}]/u);
    const found = records(texts[0] ?? '').find((record) => JSON.stringify(record).includes('"finding"'));
    expect(found).toMatchObject({ certificate: { subject: name }, location: { path: name, entry: name } });
  });
});
