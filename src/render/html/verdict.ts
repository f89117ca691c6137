/** The verdict in plain words: who can read the traffic, and what to do first. */

import { SEVERITIES, type Category, type Severity } from '../../blocklist/advisory.ts';
import { groupBy } from '../../core/collections.ts';
import { count } from '../../core/text.ts';
import { isAccepted, isAlarm } from '../../report/acceptance.ts';
import type { Finding, Report, Violation } from '../../report/report.ts';
import { isAtLeast, shortName, worstOf } from '../shared/words.ts';
import { markup, shown, type Content, type Html } from './markup.ts';
import { code, name, rootName, type Context, type IdOf } from './pieces.ts';

interface Verdict {
  readonly tone: 'bad' | 'warn' | 'good';
  /** One or two words. */
  readonly label: string;
  /** A sentence. */
  readonly headline: string;
  readonly explanation: string;
}

export function isLoud(finding: Finding, { least }: Pick<Context, 'least'>): boolean {
  return isAlarm(finding) && isAtLeast(finding.severity, least);
}

export function failing({ policy }: Report): readonly Violation[] {
  return policy?.violations.filter((violation) => !isAccepted(violation)) ?? [];
}

/** What is trusted weighs more than what is built into a program, then the worst first, as the report has them. */
function loudOf(context: Context, status: 'trusted' | 'embedded'): readonly Finding[] {
  return context.report.findings.filter((finding) => finding.status === status && isLoud(finding, context));
}

export function verdictOf(context: Context): Verdict {
  const trusted = loudOf(context, 'trusted');
  if (trusted.length > 0) return trustedVerdict(trusted, context);
  const violations = failing(context.report).length;
  if (violations > 0) {
    return {
      tone: 'bad',
      label: 'Policy not met',
      headline: `The policy is not met: ${count(violations, 'violation')}.`,
      explanation: `No root on the blocklist raises an alarm on ${context.subject}, but the policy objects.`,
    };
  }
  const embedded = loudOf(context, 'embedded').length;
  if (embedded > 0) {
    return {
      tone: 'warn',
      label: 'Look closer',
      headline: `${count(embedded, 'listed root')} built into programs.`,
      explanation: 'The bytes do not tell whether these programs trust them.',
    };
  }
  return quietVerdict(context);
}

const LABELS: Readonly<Record<Severity, string>> = {
  critical: 'Act now',
  high: 'Act now',
  medium: 'Act',
  low: 'Act',
  info: 'Act',
};

function trustedVerdict(trusted: readonly Finding[], { subject }: Context): Verdict {
  const worst = worstOf(trusted.map(({ severity }) => severity));
  const roots = count(trusted.length, 'root that has to go', 'roots that have to go');
  const base = { tone: 'bad', label: LABELS[worst] } as const;
  if (worst === 'critical') {
    const headline = `Somebody else can read the encrypted traffic of ${subject}.`;
    return { ...base, headline, explanation: `It trusts ${roots}.` };
  }
  if (worst === 'high') {
    const headline = `Somebody else could read the encrypted traffic of ${subject}.`;
    return { ...base, headline, explanation: `It trusts ${roots}.` };
  }
  const headline = `Roots are trusted on ${subject} that others have stopped trusting.`;
  return { ...base, headline, explanation: `There ${trusted.length === 1 ? 'is' : 'are'} ${roots}.` };
}

function quietVerdict({ report, subject }: Context): Verdict {
  const { stores, complete, findings } = report;
  if (stores.length === 0) {
    return {
      tone: 'warn',
      label: complete ? 'Nothing to judge' : 'Not complete',
      headline: 'No trust store was found.',
      explanation: 'So there is nothing to judge.',
    };
  }
  if (!complete) {
    return {
      tone: 'warn',
      label: 'Not complete',
      headline: 'Nothing bad was found, but not everything could be read.',
      explanation: `So ${subject} cannot be called clean.`,
    };
  }
  const quiet = findings.filter(isAlarm).length;
  const accepted = findings.some(isAccepted);
  const read = `${count(stores.length, 'store')} read, each of them whole.`;
  if (quiet === 0 && !accepted) {
    const headline = `No root on the blocklist is trusted on ${subject}.`;
    return { tone: 'good', label: 'No alarm', headline, explanation: read };
  }
  const little = `${count(quiet, 'listed root')} of little weight trusted, as on many clean systems.`;
  return {
    tone: 'good',
    label: 'No alarm',
    headline: accepted ? `Nothing on ${subject} that was not accepted.` : `Nothing has to go on ${subject}.`,
    explanation: quiet > 0 ? `${read} ${little}` : read,
  };
}

const WHO: Readonly<Record<Category, string>> = {
  'state-interception': 'A state',
  'exposed-private-key': 'Anybody, since the private key is public',
  'adware-or-preinstalled': 'Whoever has the key that came with adware or preinstalled software',
  'interception-product': 'Whoever runs a product that opens encrypted connections',
  'compromised-ca': 'Whoever broke into the authority',
  'unrestricted-subordinate': 'An organisation that was given the power of an authority without limits',
  'misissuance-or-noncompliance': 'An authority that root programmes threw out',
  'removed-from-programs': 'An authority that root programmes have removed',
};

const MAX_NAMES = 4;

/** Who it is, with the roots that let them. `idOf`: of the finding on this page. */
export function whoText(context: Context, idOf: IdOf): Html | undefined {
  const loud = loudOf(context, 'trusted');
  if (loud.length === 0) return undefined;
  const groups = [...groupBy(loud, ({ category }) => category)].map(([category, findings]) => {
    const sameName = [...groupBy(findings, ({ certificate }) => shortName(certificate.subject)).values()];
    const names = sameName.slice(0, MAX_NAMES).map((same) => linked(same, idOf));
    const more = sameName.length - names.length;
    return markup`<li><strong>${WHO[category]}:</strong> ${listed(names)}${more > 0 ? ` and ${more} more` : ''}</li>
`;
  });
  const can = loud.some(({ severity }) => severity === 'critical') ? 'Who can' : 'Who could';
  return markup`<h${context.level} class="minor">${can} read it</h${context.level}>
<ul class="who">
${groups}</ul>
`;
}

function linked(same: readonly Finding[], idOf: IdOf): Html | undefined {
  const [first] = same;
  if (!first) return undefined;
  const id = idOf(first);
  const root = rootName(first.certificate, 60);
  const times = same.length > 1 ? ` (${same.length})` : undefined;
  return markup`${id === undefined ? root : markup`<a href="#${id}">${root}</a>`}${times}`;
}

function listed(items: readonly Content[]): Content {
  return items.map((item, i) => (i === 0 ? item : markup`, ${item}`));
}

/** What to do first; undefined when nothing has to be done. */
export function firstStep(context: Context, idOf: IdOf): Html | undefined {
  const { report, prefix } = context;
  const [finding] = [...loudOf(context, 'trusted'), ...loudOf(context, 'embedded')];
  if (finding) return stepFor(finding, context, idOf(finding));
  const [violation] = failing(report);
  if (violation) {
    return markup`Begin with the first violation: ${shown(violation.message, 300)} <a href="#${prefix}policy">Show it</a>`;
  }
  if (!report.complete)
    return markup`See what could not be read, and scan again with the permission to read it. <a href="#${prefix}problems">Show it</a>`;
  if ((report.unrecognised ?? []).length > 0)
    return markup`Look at the roots that somebody added. <a href="#${prefix}unrecognised">Show them</a>`;
  return undefined;
}

function stepFor(finding: Finding, { stores }: Context, id: string | undefined): Html {
  const [remediation] = finding.remediations;
  const root = rootName(finding.certificate);
  const link = (text: string): Html | undefined =>
    id === undefined ? undefined : markup` <a href="#${id}">${text}</a>`;
  if (!remediation) return markup`Decide about ${root}: no removal is suggested.${link('Why')}`;
  const store = stores.get(remediation.store);
  const from = store ? markup` from ${name(store.application)} (${code(store.path, 200)})` : undefined;
  return remediation.commands.length === 0
    ? markup`Remove ${root}${from} by hand.${link('Show how')}`
    : markup`Remove ${root}${from}.${link('Show the commands')}`;
}

/** How many alarms there are of each severity, worst first. */
export function alarmCounts({ findings }: Report): readonly (readonly [Severity, number])[] {
  const alarms = findings.filter(isAlarm);
  return SEVERITIES.toReversed().map((severity) => [
    severity,
    alarms.filter((finding) => finding.severity === severity).length,
  ]);
}
