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

const [first] = diskReport.findings;
if (!first) throw new Error('a finding expected');
const origin = { path: '/usr/local/share/x.crt', modified: '2026-11-20T10:00:00Z', user: 'root' };
/** Every field that findings and unrecognised roots can have. */
const everything: Report = {
  ...distrusted,
  findings: distrusted.findings.map((finding) => ({
    ...finding,
    privateKey: '/root/ca.key',
    locations: finding.locations.map((place) => ({ ...place, layer: 0, deletedIn: 1 })),
    remediations: finding.remediations.map((each) => ({ ...each, dockerfile: ['RUN rm x'] })),
  })),
  unrecognised: [
    {
      certificate: first.certificate,
      locations: first.locations,
      origins: [origin, { ...origin, path: '/opt/y.crt', package: 'corp-ca 1.2' }],
      privateKey: '/root/ca.key',
    },
    { certificate: first.certificate, locations: [], origins: [{ path: '/x', modified: null }] },
  ],
};

describe('json', () => {
  it.each([
    ['a disk', [diskReport]],
    ['a clean machine', [cleanReport]],
    ['what programmes did', [distrusted]],
    ['every field', [everything]],
    ['several targets', [diskReport, imageReport, cleanReport]],
  ])('follows its schema for %s', async (_what, reports) => {
    expect(schemaCheck('report')(JSON.parse(await renderReports('json', reports)))).toBe('');
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

  it('has a record for each unrecognised root, with who put it there', async () => {
    const made = records(await renderReports('ndjson', [everything]));
    expect(made.map(check).join('')).toBe('');
    expect(made[0]).toMatchObject({ type: 'scan', unrecognised: 2 });
    const { certificate, locations } = first;
    const [place] = locations;
    const [root, bare] = made.filter((record) => JSON.stringify(record).includes('"unrecognised",'));
    expect(root).toMatchObject({
      type: 'unrecognised',
      target: { kind: 'directory', reference: '/mnt/disk', platform: 'linux' },
      certificate,
      locations: [{ store: { id: place?.store, type: 'firefox', user: 'aigerim' }, path: place?.path }],
      origins: [origin, { path: '/opt/y.crt', modified: origin.modified, package: 'corp-ca 1.2' }],
      privateKey: '/root/ca.key',
    });
    expect(bare).not.toHaveProperty('privateKey');
    expect(records(await renderReports('ndjson', [cleanReport]))[0]).not.toHaveProperty('unrecognised');
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
