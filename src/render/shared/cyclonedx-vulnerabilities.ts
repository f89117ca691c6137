/** Advisories as vulnerabilities of CycloneDX: a trusted listed root is what a scanner of them would want to gate on. */

import { groupBy } from '../../core/collections.ts';
import { sha256 } from '../../core/certificate.ts';
import { visible } from '../../core/text.ts';
import type { Finding, FindingStatus, Report } from '../../report/report.ts';
import { acceptance } from './words.ts';

/** In the words of CycloneDX, for what a store makes of the certificate. */
const ANALYSES: Readonly<Record<FindingStatus, object>> = {
  trusted: { state: 'exploitable', detail: 'The certificate is trusted.' },
  embedded: {
    state: 'in_triage',
    detail: 'The certificate is built into a program, which may trust it or not.',
  },
  present: {
    state: 'not_affected',
    justification: 'requires_configuration',
    detail: 'The certificate is held but not trusted.',
  },
  deleted: {
    state: 'not_affected',
    justification: 'code_not_present',
    detail: 'The certificate is in a lower layer of the image; an upper one deleted it.',
  },
  mitigated: {
    state: 'not_affected',
    justification: 'protected_by_mitigating_control',
    detail: 'The certificate is held in order to be refused.',
  },
};

/** One for each advisory, and apart where severity or trust differ: those are said once for all that it affects. */
export function vulnerabilitiesOf(
  findings: readonly Finding[],
  tool: Report['tool'],
  prefix: string,
  refOf: (finding: Finding) => string,
): readonly object[] {
  const groups = groupBy(findings, keyOf);
  return Array.from(groups, ([key, group]) => {
    const [first] = group;
    if (!first) throw new RangeError('an advisory without a finding');
    const { advisory, title, summary, severity, status, category, references } = first;
    const source = { name: `${tool.name} blocklist` };
    const links = references.filter((reference) => /^https?:\/\/[!-~]+$/.test(reference));
    return {
      'bom-ref': `${prefix}/vulnerability/${key}`,
      id: advisory,
      source,
      ratings: [{ source, severity, method: 'other' }],
      description: visible(`${title}. ${summary}`, 4000),
      recommendation:
        'Remove the certificate from the stores that trust it: rootaudit scan prints the commands.',
      ...(links.length > 0 && { advisories: links.map((url) => ({ url })) }),
      analysis: { ...ANALYSES[status], ...waived(first) },
      affects: group.map((finding) => ({ ref: refOf(finding) })),
      properties: [{ name: 'rootaudit:category', value: category }],
    };
  });
}

function keyOf(finding: Finding): string {
  const { advisory, severity, status } = finding;
  const accepted = acceptance(finding);
  // The words of a waiver are anybody's: their digest is enough to tell them apart.
  const suffix = accepted === undefined ? '' : `/${sha256(Buffer.from(accepted)).slice(0, 8)}`;
  return `${advisory}/${severity}/${status}${suffix}`;
}

function waived(finding: Finding): object {
  const accepted = acceptance(finding);
  if (accepted === undefined) return {};
  return { response: ['will_not_fix'], detail: visible(`The certificate is trusted, but ${accepted}`) };
}
