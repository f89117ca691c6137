/** The listed roots of a report: each certificate once, those that raise an alarm first. */

import type { Severity } from '../../blocklist/advisory.ts';
import { groupBy } from '../../core/collections.ts';
import type { CertificateSummary, Finding, Location } from '../../report/report.ts';
import { worstOf } from '../shared/words.ts';
import { markup, type Html } from './markup.ts';
import { rootName, type Context, type IdOf } from './pieces.ts';
import { isLoud } from './verdict.ts';

export interface ListedRoot {
  readonly certificate: CertificateSummary;
  readonly severity: Severity;
  /** One for each advisory. */
  readonly findings: readonly Finding[];
  /** The same for each of the findings. */
  readonly locations: readonly Location[];
}

export function findingsInOrder(context: Context): readonly Finding[] {
  const { findings } = context.report;
  return [
    ...findings.filter((finding) => isLoud(finding, context)),
    ...findings.filter((finding) => !isLoud(finding, context)),
  ];
}

export function listedRoots(context: Context): readonly ListedRoot[] {
  const groups = groupBy(findingsInOrder(context), ({ certificate }) => certificate.sha256);
  return [...groups.values()].flatMap((findings) => {
    const [first] = findings;
    if (!first) return [];
    const severity = worstOf(findings.map((finding) => finding.severity));
    return [{ certificate: first.certificate, severity, findings, locations: first.locations }];
  });
}

/** Its name, leading to the finding. */
export function rootLink({ certificate, findings }: ListedRoot, idOf: IdOf, maxLength?: number): Html {
  const [first] = findings;
  const id = first && idOf(first);
  const text = rootName(certificate, maxLength);
  return id === undefined ? text : markup`<a href="#${id}">${text}</a>`;
}
