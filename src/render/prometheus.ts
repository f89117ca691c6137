/**
 * Metrics in the text format of Prometheus, for the textfile collector of node_exporter. No label has a value from a
 * certificate or a path, so that the number of series stays small: targets, severities, store types, advisories.
 */

import { SEVERITIES } from '../blocklist/advisory.ts';
import { groupBy } from '../core/collections.ts';
import { visible } from '../core/text.ts';
import { isAccepted, isEffective } from '../report/acceptance.ts';
import type { Finding, FindingStatus, Report, StoreSummary, ViolationKind } from '../report/report.ts';
import type { Renderer } from './renderer.ts';
import { targetNamer } from './shared/words.ts';
import type { Style } from './style.ts';

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly samples: (report: Report) => readonly Sample[];
}

export const renderer: Renderer<'reports'> = {
  reports(reports, { now }) {
    const nameOf = targetNamer('live');
    const lines = METRICS.map((): string[] => []);
    for (const report of reports) {
      const target = nameOf(report);
      for (const [index, { name, samples }] of METRICS.entries()) {
        for (const { labels, value } of samples(report))
          lines[index]?.push(sampleLine(name, { labels: { target, ...labels }, value }));
      }
    }
    const families = METRICS.map(({ name, help }, index) => family(name, help, lines[index] ?? []));
    return [...families, timestamp(now)];
  },
};

const STATUSES: readonly FindingStatus[] = ['trusted', 'embedded', 'present', 'deleted', 'mitigated'];
const STORE_STATUSES: readonly StoreSummary['status'][] = ['read', 'unreadable', 'malformed'];

const VIOLATION_KINDS: readonly ViolationKind[] = [
  'forbidden',
  'not-allowed',
  'missing',
  'expired-waiver',
  'unrecognised',
];

const METRICS: readonly Metric[] = [
  {
    name: 'rootaudit_info',
    help: 'Versions of rootaudit and of its blocklist.',
    samples: ({ tool, blocklist }) => [
      { labels: { version: tool.version, blocklist: blocklist.version }, value: 1 },
    ],
  },
  {
    name: 'rootaudit_scan_complete',
    help: '1 if every trust store that exists could be read whole, else 0.',
    samples: ({ complete }) => [{ labels: {}, value: complete ? 1 : 0 }],
  },
  {
    name: 'rootaudit_findings',
    help: 'Certificates on the blocklist, by severity, by the worst of their places, and by whether a waiver or the baseline accepts them.',
    // Zero is said too: an alert cannot compare with a series that is not there.
    samples: ({ findings }) =>
      SEVERITIES.toReversed().flatMap((severity) =>
        STATUSES.flatMap((status) =>
          (isEffective(status) ? [false, true] : [false]).map((accepted) => ({
            labels: { severity, status, accepted: String(accepted) },
            value: findings.filter(
              (each) => each.severity === severity && each.status === status && isAccepted(each) === accepted,
            ).length,
          })),
        ),
      ),
  },
  {
    name: 'rootaudit_advisory_findings',
    help: 'The same by advisory, for those that have any.',
    samples: ({ findings }) =>
      Array.from(groupBy(findings, labelKey).values(), (group) => ({
        labels: advisoryLabels(group[0]),
        value: group.length,
      })),
  },
  {
    name: 'rootaudit_policy_violations',
    help: 'What the policy does not accept, without what is waived or known.',
    samples: ({ policy }) =>
      VIOLATION_KINDS.map((kind) => ({
        labels: { kind },
        value: (policy?.violations ?? []).filter((each) => each.kind === kind && !isAccepted(each)).length,
      })),
  },
  {
    name: 'rootaudit_stores',
    help: 'Trust stores by how they could be read.',
    samples: ({ stores }) =>
      STORE_STATUSES.map((status) => ({
        labels: { status },
        value: stores.filter((store) => store.status === status).length,
      })),
  },
  {
    name: 'rootaudit_store_anchors',
    help: 'Certificates held by the trust stores of a type.',
    samples: (report) => byType(report, ({ anchors }) => anchors),
  },
  {
    name: 'rootaudit_store_trusted_anchors',
    help: 'Those of them that are trusted for something.',
    samples: (report) => byType(report, ({ trusted }) => trusted),
  },
  {
    name: 'rootaudit_problems',
    help: 'What could not be read.',
    samples: ({ problems }) => [{ labels: {}, value: problems.length }],
  },
];

function advisoryLabels(finding: Finding | undefined): Labels {
  if (!finding) return {};
  const { advisory, severity, status } = finding;
  return { advisory, severity, status, accepted: String(isAccepted(finding)) };
}

const labelKey = (finding: Finding): string => JSON.stringify(advisoryLabels(finding));

function byType({ stores }: Report, amount: (store: StoreSummary) => number): readonly Sample[] {
  return Array.from(
    groupBy(stores, ({ type }) => type),
    ([type, group]) => ({
      labels: { type },
      value: group.reduce((sum, store) => sum + amount(store), 0),
    }),
  );
}

function timestamp(now: Style['now']): string {
  if (now === undefined) return '';
  const name = 'rootaudit_last_run_timestamp_seconds';
  return family(name, 'When this was written, in seconds since 1970.', [
    sampleLine(name, { labels: {}, value: Math.floor(Date.parse(now) / 1000) }),
  ]);
}

function sampleLine(name: string, { labels, value }: Sample): string {
  return `${name}${labelText(labels)} ${value}\n`;
}

function family(name: string, help: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return visible(value)
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`);
}
