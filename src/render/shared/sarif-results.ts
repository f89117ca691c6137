/** Places of certificates as SARIF's results (section 3.27). */

import { sha256 } from '../../core/certificate.ts';
import { encodePath } from '../../core/shell.ts';
import { visible } from '../../core/text.ts';
import type { ImageLayer } from '../../core/target.ts';
import { isEffective } from '../../report/acceptance.ts';
import type {
  CertificateSummary,
  Location,
  PolicySummary,
  StoreSummary,
  Violation,
} from '../../report/report.ts';
import type { Place } from './places.ts';
import { LEVELS, policyRuleId, ruleIdOf, type Level } from './sarif-rules.ts';
import { relativeUri } from './uri.ts';
import { acceptance, MATCH_WORDS, statusWords } from './words.ts';

/**
 * Plain text of a message: SARIF gives a meaning to braces (section 3.11.5) and to brackets (3.11.6), and no name may
 * make a link.
 */
export function message(text: string): { readonly text: string } {
  const escaped = visible(text, 4000)
    .replaceAll('](', '] (')
    .replaceAll(/[\\[\]]/g, String.raw`\$&`)
    .replaceAll(/[{}]/g, '$&$&');
  return { text: escaped };
}

/** A place with what SARIF says about it, but for what depends on the run. */
export interface Result {
  readonly ruleId: string;
  /** Stays the same as long as this certificate is in this file of a store of this type. */
  readonly fingerprint: string;
  readonly known: boolean;
  readonly fields: object;
}

export function resultOf(place: Place, base: string, layers: readonly ImageLayer[]): Result {
  const { finding, location, store } = place;
  const type = store?.type ?? location.store;
  return {
    ruleId: ruleIdOf(finding, location),
    fingerprint: fingerprint(finding.advisory, finding.certificate.sha256, type, location.path),
    known: (location.known ?? finding.known) === true,
    fields: {
      kind: location.trust === 'mitigated' ? 'pass' : 'fail',
      level: levelOf(place),
      message: message(sentence(place)),
      locations: [sarifLocation(location, base)],
      ...suppressions(waiverOf(place)),
      properties: propertiesOf(place, layers[location.layer ?? -1]),
    },
  };
}

/** One for each place; a violation that has none (a root is missing) is told of the policy's own line. */
export function violationResults(
  { file }: PolicySummary,
  violation: Violation,
  storeById: ReadonlyMap<string, StoreSummary>,
  base: string,
): readonly Result[] {
  const { kind, message: text, rule, line, certificate, locations, known } = violation;
  const subject = certificate?.sha256 ?? rule;
  const common = { ruleId: policyRuleId(kind), known: known === true };
  const fields = {
    kind: 'fail',
    level: 'error',
    message: message(text),
    ...suppressions(violation.waiver && acceptance(violation)),
  };
  const properties = { rule: visible(rule), ...(certificate && { certificate: readable(certificate) }) };
  if (locations.length === 0) {
    const artifactLocation = { uri: relativeUri(file) };
    const place = { physicalLocation: { artifactLocation, region: { startLine: Math.max(1, line) } } };
    return [
      {
        ...common,
        fingerprint: fingerprint(kind, subject, rule, file),
        fields: { ...fields, ...(file !== '' && { locations: [place] }), properties },
      },
    ];
  }
  return locations.map((location) => ({
    ...common,
    fingerprint: fingerprint(
      kind,
      subject,
      storeById.get(location.store)?.type ?? location.store,
      location.path,
    ),
    fields: { ...fields, locations: [sarifLocation(location, base)], properties },
  }));
}

function fingerprint(...parts: readonly string[]): string {
  return sha256(encodePath(parts.join('\n')));
}

/** What is known from a baseline is not suppressed: it has a state of its own. */
function waiverOf({ finding, location }: Place): string | undefined {
  return location.waived || finding.waiver ? acceptance(finding, location) : undefined;
}

function suppressions(justification: string | undefined): object {
  if (justification === undefined) return {};
  return { suppressions: [{ kind: 'external', justification: visible(justification) }] };
}

function sarifLocation(location: Location, base: string): object {
  return {
    physicalLocation: {
      artifactLocation: { uri: relativeUri(location.path), uriBaseId: base },
      region: regionOf(location),
    },
    logicalLocations: [
      {
        name: visible(location.entry),
        fullyQualifiedName: `${visible(location.store)}#${visible(location.entry)}`,
        kind: 'resource',
      },
    ],
  };
}

function levelOf({ finding, location: { trust } }: Place): Level {
  if (trust === 'mitigated') return 'none';
  return isEffective(trust) ? LEVELS[finding.severity] : 'note';
}

/** GitHub shows nothing that has no line; what has none is a file as a whole, told as its first. */
function regionOf({ lines }: Location): object {
  return lines ? { startLine: lines.first, endLine: lines.last } : { startLine: 1 };
}

function sentence({ finding, location, store }: Place): string {
  const name = finding.certificate.subject || 'A certificate without a readable name';
  const where = store ? store.application : location.store;
  const copied = location.generatedFrom.length > 0;
  const origin = copied ? ` It is a copy from ${location.generatedFrom.join(', ')} and goes with it.` : '';
  return `${name} is ${statusWords(location, store)} in ${location.path} (${location.entry}; ${where}). ${finding.title}. ${finding.summary} Why: ${MATCH_WORDS[finding.match]}.${origin}`;
}

function propertiesOf(
  { finding, location, store, remediation }: Place,
  layer: ImageLayer | undefined,
): object {
  const { severity, category, match, confidence, certificate, stillShippedBy } = finding;
  return {
    severity,
    category,
    match,
    ...(confidence && { confidence }),
    stillShippedBy,
    trust: location.trust,
    purposes: location.purposes,
    expressed: visible(location.expressed),
    certificate: readable(certificate),
    ...(store && {
      store: {
        type: store.type,
        application: visible(store.application),
        scope: store.scope,
        ...(store.user !== undefined && { user: visible(store.user) }),
        path: visible(store.path),
      },
    }),
    ...(layer && { layer }),
    generatedFrom: location.generatedFrom.map((id) => visible(id)),
    ...(remediation && { removal: removalOf(remediation) }),
  };
}

function readable(certificate: CertificateSummary): CertificateSummary {
  const { subject, issuer } = certificate;
  return { ...certificate, subject: visible(subject), issuer: visible(issuer) };
}

function removalOf({
  disposition,
  shell,
  commands,
  undo,
  elevated,
  note,
}: NonNullable<Place['remediation']>): object {
  return { disposition, shell, commands, undo, elevated, ...(note !== undefined && { note }) };
}
