import { describe, expect, it } from 'vitest';
import { applyBaseline } from '../../src/report/baseline.ts';
import type { Location, Report, Violation } from '../../src/report/report.ts';
import { parseSaved, type SavedReport } from '../../src/report/saved.ts';
import { certificate, finding, place, reportOf, store } from '../support/report.ts';

const a = certificate('a');
const b = certificate('b');
const LOCAL = 'debian-local-anchors:/usr/local/share/ca-certificates';
const JAVA = 'java-cacerts:/opt/java/cacerts';
const inLocal = place(LOCAL, '/usr/local/share/ca-certificates/x.crt');
const inJava = place(JAVA, '/opt/java/cacerts');
const stores = [store(LOCAL), store(JAVA)];

function savedOf(...reports: readonly Report[]): readonly SavedReport[] {
  const json = reports.length === 1 ? reports[0] : { schemaVersion: 1, reports };
  const file = parseSaved(JSON.stringify(json), 'baseline.json');
  if (file.is !== 'reports') throw new Error('reports expected');
  return file.reports;
}

const reportWith = (...locations: readonly Location[]): Report =>
  reportOf({ stores, findings: [finding('bad', a, locations)] });

describe('a baseline', () => {
  it.each([
    ['knows the same finding', reportWith(inLocal), reportWith(inLocal), true],
    [
      'does not know another root',
      reportOf({ stores, findings: [finding('bad', b, [inLocal])] }),
      reportWith(inLocal),
      false,
    ],
    [
      'does not know another advisory',
      reportOf({ stores, findings: [finding('other', a, [inLocal])] }),
      reportWith(inLocal),
      false,
    ],
    ['does not know another place', reportWith(inJava), reportWith(inLocal), false],
    ['does not know one place more', reportWith(inJava), reportWith(inJava, inLocal), false],
    ['knows a finding that has lost a place', reportWith(inJava, inLocal), reportWith(inLocal), true],
    [
      'does not know trust where nothing was trusted',
      reportWith({ ...inLocal, trust: 'present' }),
      reportWith(inLocal),
      false,
    ],
    [
      'needs not know what is waived',
      reportWith(inLocal),
      reportWith(inLocal, { ...inJava, waived: true }),
      true,
    ],
    [
      'says nothing of what is waived wholly',
      reportWith(inLocal),
      reportWith({ ...inLocal, waived: true }),
      false,
    ],
    [
      'says nothing of what is no alarm',
      reportWith({ ...inLocal, trust: 'present' }),
      reportWith({ ...inLocal, trust: 'present' }),
      false,
    ],
    [
      'knows by the type of store and path, not by its name',
      reportOf({
        stores: [store('debian-local-anchors:/other', { id: 'x' })],
        findings: [finding('bad', a, [{ ...inLocal, store: 'x' }])],
      }),
      reportWith(inLocal),
      true,
    ],
  ])('%s', (_what, before, now, known) => {
    expect(applyBaseline(now, savedOf(before)).findings[0]?.known).toBe(known ? true : undefined);
  });

  it('marks the places that it knows', () => {
    const { findings } = applyBaseline(reportWith(inJava, inLocal), savedOf(reportWith(inJava)));
    expect(findings[0]?.locations.map(({ known }) => known)).toEqual([true, undefined]);
  });

  it('of several targets is that of the same target', () => {
    const at = (reference: string, report: Report): Report => ({
      ...report,
      target: { ...report.target, reference },
    });
    const baseline = savedOf(at('/one', reportWith(inLocal)), at('/two', reportWith(inJava)));
    const known = (report: Report): unknown => applyBaseline(report, baseline).findings[0]?.known;
    expect([known(at('/one', reportWith(inLocal))), known(at('/two', reportWith(inLocal)))]).toEqual([
      true,
      undefined,
    ]);
  });

  it('knows violations, but not that a waiver has ended', () => {
    const violation = (kind: Violation['kind'], more: Partial<Violation>): Violation => ({
      kind,
      message: 'm',
      rule: 'organisation X',
      line: 1,
      certificate: null,
      locations: [],
      missingFrom: [],
      remediations: [],
      ...more,
    });
    const violations = [
      violation('forbidden', { certificate: a, locations: [inLocal] }),
      violation('expired-waiver', { certificate: a, locations: [inLocal] }),
      violation('missing', { missingFrom: [JAVA] }),
      violation('missing', { rule: 'organisation Y' }),
    ];
    const before = reportOf({ stores, policy: { file: 'p', violations, notes: [] } });
    const more = [
      violation('not-allowed', { certificate: a, locations: [inLocal] }),
      violation('missing', { missingFrom: [JAVA, LOCAL] }),
    ];
    const now = reportOf({ stores, policy: { file: 'p', violations: [...violations, ...more], notes: [] } });
    const { policy } = applyBaseline(now, savedOf(before));
    expect(policy?.violations.map(({ known }) => known)).toEqual([
      true,
      undefined,
      true,
      true,
      undefined,
      undefined,
    ]);
  });
});
