import { describe, expect, it } from 'vitest';
import { cleanReport, diskReport, HOSTILE_NAMES, hostileReport, imageReport } from '../support/reports.ts';
import { renderReports } from '../support/render.ts';

const LABEL = String.raw`[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"`;
const SAMPLE = new RegExp(String.raw`^([a-z_]+)(\{${LABEL}(?:,${LABEL})*\})? (\d+)$`);

/** The text format as node_exporter takes it: a family in one piece, help and type first, no series twice. */
function series(text: string): ReadonlyMap<string, number> {
  expect(text.endsWith('\n')).toBe(true);
  const values = new Map<string, number>();
  const families = new Set<string>();
  let family = '';
  for (const line of text.trimEnd().split('\n')) {
    const head = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
    if (head?.[1] === 'HELP') {
      family = head[2] ?? '';
      expect(families).not.toContain(family);
      families.add(family);
    } else if (head) {
      expect([head[2], head[3]]).toEqual([family, 'gauge']);
    } else {
      const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
      expect(name, line).toBe(family);
      expect(values, line).not.toContain(`${family}${labels}`);
      values.set(`${family}${labels}`, Number(value));
    }
  }
  return values;
}

describe('prometheus', () => {
  it('counts findings, stores, certificates and problems, by target', async () => {
    const values = series(await renderReports('prometheus', [diskReport, imageReport, cleanReport]));
    const trusted = 'severity="high",status="trusted"';
    expect(values.get(`rootaudit_findings{target="/mnt/disk",${trusted},accepted="false"}`)).toBe(1);
    expect(values.get(`rootaudit_findings{target="app.tar",${trusted},accepted="false"}`)).toBe(0);
    expect(values.get(`rootaudit_findings{target="app.tar",${trusted},accepted="true"}`)).toBe(1);
    expect(values.get(`rootaudit_findings{target="live",${trusted},accepted="false"}`)).toBe(0);
    expect(values.get('rootaudit_scan_complete{target="/mnt/disk"}')).toBe(0);
    expect(values.get('rootaudit_scan_complete{target="live"}')).toBe(1);
    expect(values.get('rootaudit_store_anchors{target="live",type="debian-bundle"}')).toBe(144);
    expect(values.get('rootaudit_policy_violations{target="app.tar",kind="missing"}')).toBe(1);
    expect(values.get('rootaudit_problems{target="/mnt/disk"}')).toBe(1);
    expect(values.get('rootaudit_last_run_timestamp_seconds')).toBe(1_795_435_200);
  });

  it('has no series more for more certificates and more stores of the same types', async () => {
    const [finding] = diskReport.findings;
    const [store] = diskReport.stores;
    if (!finding || !store) throw new Error('expected');
    const findings = Array.from({ length: 500 }, (_, index) => ({
      ...finding,
      certificate: { ...finding.certificate, sha256: String(index).padStart(64, '0') },
    }));
    const stores = Array.from({ length: 500 }, (_, index) => ({
      ...store,
      id: `s${index}`,
      path: `/${index}`,
    }));
    const few = series(
      await renderReports('prometheus', [{ ...diskReport, findings: [finding], stores: [store] }]),
    );
    const many = series(await renderReports('prometheus', [{ ...diskReport, findings, stores }]));
    expect(many.size).toBe(few.size);
  });

  it.each(HOSTILE_NAMES)('stays well-formed with %s, also twice', async (_what, name) => {
    const report = hostileReport(name);
    const values = series(await renderReports('prometheus', [report, report, diskReport]));
    expect(values.size).toBeGreaterThan(100);
  });
});
