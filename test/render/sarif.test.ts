import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/report/report.ts';
import { cleanReport, diskReport, HOSTILE_NAMES, hostileReport, imageReport } from '../support/reports.ts';
import { checkSarif, renderReports } from '../support/render.ts';

interface Sarif {
  readonly runs: readonly {
    readonly automationDetails?: { readonly id: string };
    readonly tool: {
      readonly driver: {
        readonly rules: readonly {
          readonly id: string;
          readonly properties: Readonly<Record<string, unknown>>;
          readonly help: { readonly markdown: string };
        }[];
      };
    };
    readonly originalUriBaseIds: Readonly<Record<string, { readonly uri?: string }>>;
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly baselineState?: string;
      readonly suppressions?: readonly unknown[];
      readonly message: { readonly text: string };
      readonly partialFingerprints: Readonly<Record<string, string>>;
      readonly locations?: readonly {
        readonly physicalLocation: {
          readonly artifactLocation: { readonly uri: string; readonly uriBaseId?: string };
          readonly region: { readonly startLine: number };
        };
      }[];
    }[];
    readonly invocations: readonly {
      readonly executionSuccessful: boolean;
      readonly exitCode?: number;
      readonly exitCodeDescription?: string;
    }[];
  }[];
}

async function sarif(...reports: readonly Report[]): Promise<Sarif> {
  const log: unknown = JSON.parse(await renderReports('sarif', reports));
  expect(checkSarif(log)).toBe('No errors');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it follows the schema
  return log as Sarif;
}

describe('sarif', () => {
  it('has a run for each target that GitHub can tell from the others', async () => {
    const { runs } = await sarif(diskReport, imageReport, cleanReport);
    expect(runs.map(({ automationDetails }) => automationDetails?.id)).toEqual([
      'rootaudit/mnt/disk/',
      'rootaudit/app.tar/',
      'rootaudit/live/',
    ]);
    expect(runs.map(({ invocations }) => invocations[0]?.executionSuccessful)).toEqual([false, true, true]);
    const [alone] = (await sarif(diskReport)).runs;
    expect(alone?.automationDetails).toBeUndefined();
  });

  it('says how the process ended where that is known', async () => {
    const exit = { code: 3, meaning: 'Not everything could be read.' };
    const log: unknown = JSON.parse(await renderReports('sarif', [diskReport, cleanReport], { exit }));
    expect(checkSarif(log)).toBe('No errors');
    const invocations = [{ exitCode: 3, exitCodeDescription: exit.meaning }];
    expect(log).toMatchObject({ runs: [{ invocations }, { invocations }] });
    expect((await sarif(cleanReport)).runs[0]?.invocations[0]).not.toHaveProperty('exitCode');
  });

  it('gives each result a rule that there is, a place with a line, and a fingerprint of its own', async () => {
    for (const { results, tool, originalUriBaseIds } of (await sarif(diskReport, imageReport)).runs) {
      for (const { ruleId, ruleIndex, locations } of results) {
        expect(tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
        const { artifactLocation, region } = locations?.[0]?.physicalLocation ?? {};
        expect(region?.startLine).toBeGreaterThan(0);
        expect(artifactLocation?.uri).toMatch(/^[^/:]+(?:\/[^/]+)*$/);
        if (artifactLocation?.uriBaseId !== undefined)
          expect(originalUriBaseIds).toHaveProperty(artifactLocation.uriBaseId);
      }
      const fingerprints = results.map(
        ({ partialFingerprints }) => partialFingerprints['primaryLocationLineHash'],
      );
      expect(new Set(fingerprints).size).toBe(results.length);
    }
  });

  it('keeps the fingerprint of a place whatever else changes', async () => {
    const fingerprintOf = async (report: Report): Promise<string | undefined> =>
      (await sarif(report)).runs[0]?.results.find(({ ruleId }) => ruleId === 'kazakhstan')
        ?.partialFingerprints['primaryLocationLineHash'];
    const later: Report = {
      ...diskReport,
      tool: { ...diskReport.tool, version: '9.9.9' },
      blocklist: { ...diskReport.blocklist, version: '2027.1.1' },
      target: { ...diskReport.target, reference: '/mnt/other' },
      findings: diskReport.findings.toReversed().map((finding) => ({ ...finding, title: 'Another title' })),
    };
    expect(await fingerprintOf(later)).toBe(await fingerprintOf(diskReport));
    expect(await fingerprintOf(diskReport)).toMatch(/^[0-9a-f]{64}:1$/);
  });

  it('gives what is held and not trusted a rule without a severity for code scanning', async () => {
    const [run] = (await sarif(diskReport)).runs;
    const rules = new Map(
      run?.tool.driver.rules.map(({ id, properties }) => [id, properties['security-severity']]),
    );
    expect(Object.fromEntries(rules)).toEqual({
      kazakhstan: '9.5',
      trustcor: '8.0',
      'retired-roots': undefined,
      'superfish/held': undefined,
    });
    expect(run?.results.map(({ ruleId, level }) => `${ruleId} ${level}`)).toEqual([
      'kazakhstan error',
      'trustcor error',
      'trustcor error',
      'retired-roots note',
      'superfish/held note',
    ]);
  });

  it('suppresses what is waived, and says what the baseline knows', async () => {
    const [run] = (await sarif(imageReport)).runs;
    expect(
      run?.results.map(({ ruleId, suppressions, baselineState }) => [
        ruleId,
        suppressions?.length,
        baselineState,
      ]),
    ).toEqual([
      ['trustcor', 1, 'new'],
      ['trustcor', 1, 'new'],
      ['kazakhstan', undefined, 'unchanged'],
      ['policy/missing', undefined, 'new'],
      ['policy/forbidden', undefined, 'new'],
      ['policy/forbidden', undefined, 'new'],
    ]);
  });

  it.each(HOSTILE_NAMES)('makes nothing of %s', async (_what, name) => {
    const { runs } = await sarif(hostileReport(name), diskReport);
    for (const { results, tool } of runs) {
      for (const { message, locations } of results) {
        expect(message.text).not.toMatch(/\]\(|[\p{Cc}\p{Cf}\p{Cs}]/u);
        // A placeholder would be an odd number of braces.
        expect(message.text.replaceAll(/\{\{|\}\}/g, '')).not.toMatch(/[{}]/);
        const uri = locations?.[0]?.physicalLocation.artifactLocation.uri ?? '';
        expect(uri).toMatch(/^(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})*$/);
        expect(uri.split('/')).not.toContain('..');
        expect(uri.startsWith('/')).toBe(false);
      }
      for (const { help } of tool.driver.rules)
        expect(help.markdown.replaceAll(/(`+).*?\1/g, '')).not.toMatch(/(?<!\\)<(?!https:)/);
    }
  });

  it('writes the bytes of a name that is not UTF-8 into the address', async () => {
    const [run] = (await sarif(hostileReport('/etc/\udcff\udc80.pem'))).runs;
    expect(run?.results[0]?.locations?.[0]?.physicalLocation.artifactLocation.uri).toBe('etc/%FF%80.pem');
  });
});
