/** Advisories as SARIF's rules (section 3.49), with the properties that GitHub sorts and filters by. */

import { groupBy } from '../../core/collections.ts';
import type { Severity } from '../../blocklist/advisory.ts';
import { visible } from '../../core/text.ts';
import { isEffective } from '../../report/acceptance.ts';
import type { Finding, Location, Report, ViolationKind } from '../../report/report.ts';
import { link, plain } from './markdown-text.ts';
import { worstOf } from './words.ts';

export type Level = 'error' | 'warning' | 'note' | 'none';

export const LEVELS: Readonly<Record<Severity, Level>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
  info: 'note',
};

/** In the middle of GitHub's ranges; what is merely retired has no severity there. */
const SECURITY_SEVERITY: Readonly<Record<Severity, string | undefined>> = {
  critical: '9.5',
  high: '8.0',
  medium: '5.5',
  low: '2.0',
  info: undefined,
};

const HELD = '/held';

/**
 * A certificate that is held without being trusted is no danger, but GitHub takes the severity from the rule: it gets a
 * rule of its own, below that of the advisory (section 3.27.5).
 */
export function ruleIdOf({ advisory }: Finding, { trust }: Location): string {
  return isEffective(trust) ? advisory : advisory + HELD;
}

interface Rule {
  readonly id: string;
  readonly [property: string]: unknown;
}

export function rulesOf({ findings, policy }: Report): readonly Rule[] {
  const kinds = new Set((policy?.violations ?? []).map(({ kind }) => kind));
  return [...advisoryRules(findings), ...Array.from(kinds, policyRule)];
}

function advisoryRules(findings: readonly Finding[]): readonly Rule[] {
  const rules = findings.flatMap((finding) =>
    finding.locations.map((location) => ({ finding, id: ruleIdOf(finding, location) })),
  );
  return Array.from(
    groupBy(rules, ({ id }) => id),
    ([id, group]) =>
      ruleOf(
        id,
        group.map(({ finding }) => finding),
      ),
  );
}

/** `findings` is never empty: all of one advisory. */
function ruleOf(id: string, findings: readonly Finding[]): Rule {
  const [first] = findings;
  if (!first) throw new RangeError('a rule without a finding');
  const { title, summary, category, references } = first;
  const held = id.endsWith(HELD);
  // Suspected and certain ones can differ; a rule has one severity.
  const severity = worstOf(findings.map((finding) => finding.severity));
  const securitySeverity = held ? undefined : SECURITY_SEVERITY[severity];
  const shown = held ? `${title} (held, not trusted)` : title;
  const [reference] = references;
  return {
    id,
    shortDescription: { text: visible(shown, 900) },
    fullDescription: { text: visible(summary, 900) },
    ...(reference !== undefined && /^https?:\/\/[!-~]+$/.test(reference) && { helpUri: reference }),
    help: { text: helpText(first), markdown: helpMarkdown(first) },
    defaultConfiguration: { level: held ? 'note' : LEVELS[severity] },
    properties: {
      tags: ['security', 'trust-store', category],
      ...(securitySeverity !== undefined && { 'security-severity': securitySeverity }),
      precision: findings.every(({ match }) => match === 'name') ? 'medium' : 'very-high',
      severity,
    },
  };
}

const VIOLATION_WORDS: Readonly<Record<ViolationKind, string>> = {
  forbidden: 'A trusted root is forbidden by the policy',
  'not-allowed': 'A trusted root is not among the only ones that the policy allows',
  missing: 'A root that the policy requires is not trusted',
  'expired-waiver': 'A waiver of the policy has expired',
  unrecognised: 'No root programme ships this trusted root',
};

export function policyRuleId(kind: ViolationKind): string {
  return `policy/${kind}`;
}

function policyRule(kind: ViolationKind): Rule {
  const text = `${VIOLATION_WORDS[kind]}.`;
  return {
    id: policyRuleId(kind),
    shortDescription: { text },
    fullDescription: { text },
    help: { text, markdown: text },
    defaultConfiguration: { level: 'error' },
    properties: { tags: ['security', 'trust-store', 'policy'], precision: 'very-high' },
  };
}

function helpText({ summary, references, advisory }: Finding): string {
  return [
    visible(summary, 5000),
    `The whole story: rootaudit explain ${advisory}`,
    'Commands that remove it, and that put it back: rootaudit scan',
    ...references.map((reference) => visible(reference)),
  ].join('\n');
}

function helpMarkdown({ title, summary, references, advisory }: Finding): string {
  return [
    `# ${plain(title)}`,
    plain(summary),
    `\`rootaudit explain ${advisory}\` tells the whole story; \`rootaudit scan\` prints the commands that remove it, and those that put it back.`,
    references.map((reference) => `- ${link(reference)}`).join('\n'),
  ].join('\n\n');
}
