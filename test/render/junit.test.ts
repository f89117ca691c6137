import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { cleanReport, diskReport, HOSTILE_NAMES, hostileReport, imageReport } from '../support/reports.ts';
import { renderReports } from '../support/render.ts';

const SCHEMA = readFileSync(new URL('../fixtures/junit.xsd', import.meta.url), 'utf8');

async function problemsOf(documents: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const xml = Object.entries(documents).map(([fileName, contents]) => ({ fileName, contents }));
  const { errors } = await validateXML({ xml, schema: [SCHEMA] });
  return errors.map(({ rawMessage }) => rawMessage);
}

describe('junit', () => {
  it('follows the schema for every kind of report and every hostile name', async () => {
    const documents: Record<string, string> = {
      'disk.xml': await renderReports('junit', [diskReport]),
      'several.xml': await renderReports('junit', [diskReport, imageReport, cleanReport]),
    };
    for (const [index, [, name]] of HOSTILE_NAMES.entries())
      documents[`hostile-${index}.xml`] = await renderReports('junit', [hostileReport(name)]);
    expect(await problemsOf(documents)).toEqual([]);
  });

  it('is held against a schema that refuses something', async () => {
    expect(await problemsOf({ 'bad.xml': '<testsuites name="x"/>' })).not.toEqual([]);
  });

  it.each([
    ['medium', 'tests="5" failures="3" errors="1" skipped="1"'],
    ['critical', 'tests="5" failures="1" errors="1" skipped="1"'],
    ['info', 'tests="5" failures="4" errors="1" skipped="0"'],
  ] as const)('fails what --fail-on %s fails', async (failOn, totals) => {
    expect(await renderReports('junit', [diskReport], { failOn })).toContain(
      `<testsuite name="rootaudit: /mnt/disk" ${totals}`,
    );
  });

  it('passes a clean machine, a test for each store', async () => {
    expect(await renderReports('junit', [cleanReport])).toContain(
      'tests="2" failures="0" errors="0" skipped="0"',
    );
  });

  it('skips what is waived or known, and says why', async () => {
    const xml = await renderReports('junit', [imageReport]);
    expect(xml.match(/<skipped message="[^"]*"/g)).toEqual([
      '<skipped message="waived until 2027-01-31 by platform: goes with the next base image"',
      '<skipped message="waived until 2027-01-31 by platform: goes with the next base image"',
      '<skipped message="known from the baseline"',
    ]);
  });
});
