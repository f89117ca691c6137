/** A report against a policy: which findings are waived, and what violates the policy. Pure: the day is handed in. */

import { groupBy } from '../core/collections.ts';
import { count } from '../core/text.ts';
import { isEffective } from '../report/acceptance.ts';
import type {
  CertificateSummary,
  Finding,
  Location,
  Report,
  StoreRemediation,
  StoreSummary,
  Violation,
} from '../report/report.ts';
import type { Policy, Rule } from './policy.ts';
import { compileRule, hasLimits, placeTest, withCopies, type CompiledRule } from './rules.ts';
import { nearest } from './suggest.ts';
import { WaiverBook } from './waivers.ts';

/** A certificate and every place that trusts it. */
export interface TrustedRoot {
  readonly certificate: CertificateSummary;
  readonly locations: readonly Location[];
}

export interface EvaluationInput {
  readonly policy: Policy;
  readonly report: Report;
  /** At least those that `interestOf(policy)` asks for. */
  readonly trusted: readonly TrustedRoot[];
  /** Roots that no root programme ships, where the scan is to fail on them. */
  readonly unrecognised?: readonly TrustedRoot[];
  /** Ids of all advisories, to tell a slip of the pen in a waiver. */
  readonly advisories?: readonly string[];
  /** How a certificate leaves these places. */
  readonly remedies?: (
    certificate: CertificateSummary,
    locations: readonly Location[],
  ) => readonly StoreRemediation[];
  readonly today: Date;
}

/** The report with its findings marked and with what violates the policy. */
export function evaluate(input: EvaluationInput): Report {
  const { policy, report } = input;
  const evaluation = new Evaluation(input);
  const findings = report.findings.map((finding) => evaluation.finding(finding));
  evaluation.require();
  for (const root of input.trusted) evaluation.judge(root);
  for (const root of input.unrecognised ?? []) evaluation.judgeUnrecognised(root);
  const violations = evaluation.violations.toSorted((a, b) => RANK.indexOf(a.kind) - RANK.indexOf(b.kind));
  return { ...report, findings, policy: { file: policy.file, violations, notes: evaluation.notes() } };
}

const RANK: readonly Violation['kind'][] = [
  'expired-waiver',
  'forbidden',
  'missing',
  'not-allowed',
  'unrecognised',
];

class Evaluation {
  readonly violations: Violation[] = [];
  readonly #input: EvaluationInput;
  readonly #stores: ReadonlyMap<string, StoreSummary>;
  readonly #waivers: WaiverBook;
  readonly #forbid: readonly CompiledRule<Rule>[];
  readonly #require: readonly CompiledRule<Rule>[];
  readonly #allow: readonly CompiledRule<Rule>[];
  /** What may be trusted; undefined: anything. */
  readonly #permitted: readonly CompiledRule<Rule>[] | undefined;
  readonly #notes: string[] = [];

  constructor(input: EvaluationInput) {
    const { policy, report, today } = input;
    this.#input = input;
    this.#stores = new Map(report.stores.map((store) => [store.id, store]));
    this.#waivers = new WaiverBook(policy.waivers, this.#stores, today);
    this.#forbid = policy.forbid.map(compileRule);
    this.#require = policy.require.map(compileRule);
    this.#allow = policy.allow.map(compileRule);
    this.#permitted = policy.only && [...policy.only.map(compileRule), ...this.#allow, ...this.#require];
  }

  finding(finding: Finding): Finding {
    const { advisory, certificate } = finding;
    const { locations, waiver, expired } = this.#waivers.apply(finding);
    this.violations.push(...expired);
    if (isEffective(finding.status) && waiver === undefined)
      this.#noteAllowed(certificate, advisory, locations);
    return { ...finding, locations, ...(waiver && { waiver }) };
  }

  /** `forbid` weighs more than whatever allows. */
  judge({ certificate, locations }: TrustedRoot): void {
    const trusted = locations.filter(({ trust }) => trust === 'trusted');
    const forbidding = this.#forbid.filter(({ fitsCertificate }) => fitsCertificate(certificate));
    const byRule = groupBy(
      trusted,
      (location) => forbidding.find((rule) => this.#fits(rule, location))?.rule,
    );
    for (const [rule, places] of byRule) {
      if (rule === undefined) continue;
      const message = `The policy forbids it: ${wordsOf(rule)}.`;
      this.#violate('forbidden', message, rule, certificate, places);
    }
    if (this.#permitted === undefined) return;
    const left = byRule.get(undefined) ?? [];
    const permitted = this.#placesOf(this.#permitted, certificate, trusted);
    const others = left.filter((location) => !permitted.has(location));
    const message = 'It is not among the roots that "only" permits.';
    if (others.length > 0) this.#violate('not-allowed', message, undefined, certificate, others);
  }

  judgeUnrecognised({ certificate, locations }: TrustedRoot): void {
    const trusted = locations.filter(({ trust }) => trust === 'trusted');
    const rules = this.#permitted ?? [...this.#allow, ...this.#require];
    const known = this.#placesOf(rules, certificate, trusted);
    const others = trusted.filter((location) => !known.has(location));
    const message = 'No root programme ships it, and no rule of the policy allows it.';
    if (others.length > 0) this.#violate('unrecognised', message, undefined, certificate, others);
  }

  require(): void {
    for (const compiled of this.#require) {
      const roots = this.#input.trusted.filter(({ certificate }) => compiled.fitsCertificate(certificate));
      const locations = roots.flatMap((root) => root.locations).filter(({ trust }) => trust === 'trusted');
      if (!hasLimits(compiled.rule)) {
        if (locations.length === 0) this.#miss(compiled.rule, 'No store trusts it.', []);
        continue;
      }
      const meant = storesMeant(compiled, this.#input.report.stores);
      if (meant.length === 0)
        this.#note(compiled.rule.line, 'no store here is meant by this rule of require');
      const held = new Set(
        locations.filter((location) => this.#fits(compiled, location)).map(({ store }) => store),
      );
      const missing = meant.map(({ id }) => id).filter((id) => !held.has(id));
      const message = `${count(missing.length, 'store')} that must trust it ${missing.length === 1 ? 'does' : 'do'} not.`;
      if (missing.length > 0) this.#miss(compiled.rule, message, missing);
    }
  }

  notes(): readonly string[] {
    const { policy, unrecognised, advisories } = this.#input;
    for (const waiver of this.#waivers.unused()) {
      const { advisory, line } = waiver;
      const unknown = advisory !== undefined && advisories !== undefined && !advisories.includes(advisory);
      const meant = unknown ? nearest(advisory, advisories) : undefined;
      if (unknown) {
        const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
        this.#note(line, `there is no advisory "${advisory}" on the blocklist${hint}`);
      } else {
        const past = this.#waivers.isExpired(waiver) ? ', and has ended' : '';
        this.#note(line, `this waiver covers nothing that is trusted here${past}: it can go`);
      }
    }
    const [first] = policy.allow;
    if (first && policy.only === undefined && unrecognised === undefined) {
      this.#note(first.line, 'allow changes nothing without "only" or "fail-on: unrecognised"');
    }
    return this.#notes;
  }

  #placesOf(
    rules: readonly CompiledRule<Rule>[],
    certificate: CertificateSummary,
    locations: readonly Location[],
  ): ReadonlySet<Location> {
    const fitting = rules.filter(({ fitsCertificate }) => fitsCertificate(certificate));
    return withCopies(locations, (location) => fitting.some((rule) => this.#fits(rule, location)));
  }

  #fits({ fitsPlace }: CompiledRule<Rule>, { store, path }: Location): boolean {
    return fitsPlace(this.#stores.get(store), path);
  }

  #violate(
    kind: Violation['kind'],
    message: string,
    rule: Rule | undefined,
    certificate: CertificateSummary,
    places: readonly Location[],
  ): void {
    const { locations, waiver, expired } = this.#waivers.apply({
      advisory: null,
      certificate,
      locations: places,
    });
    this.violations.push(...expired, {
      kind,
      message,
      rule: rule?.words ?? '',
      line: rule?.line ?? 0,
      ...(rule?.reason !== undefined && { reason: rule.reason }),
      certificate,
      locations,
      missingFrom: [],
      remediations: waiver ? [] : (this.#input.remedies?.(certificate, places) ?? []),
      ...(waiver && { waiver }),
    });
  }

  #miss({ words, line, reason }: Rule, message: string, missingFrom: readonly string[]): void {
    this.violations.push({
      kind: 'missing',
      message,
      rule: words,
      line,
      ...(reason !== undefined && { reason }),
      certificate: null,
      locations: [],
      missingFrom,
      remediations: [],
    });
  }

  #note(line: number, text: string): void {
    this.#notes.push(`${this.#input.policy.file}:${line}: ${text}`);
  }

  /** Who allows a root that is on the blocklist expects that the alarm is off. */
  #noteAllowed(certificate: CertificateSummary, advisory: string, locations: readonly Location[]): void {
    const rule = this.#allow.find(
      (each) =>
        each.rule.sha256?.has(certificate.sha256) === true &&
        locations.some((location) => this.#fits(each, location)),
    );
    if (!rule) return;
    this.#note(
      rule.rule.line,
      `this root is on the blocklist (${advisory}): allow does not accept that, a waiver does`,
    );
  }
}

function wordsOf({ words, stores, paths }: Rule): string {
  const where = [...stores, ...paths];
  return where.length === 0 ? words : `${words}, in ${where.join(', ')}`;
}

/** A rule's path may be that of a store, or of a file that has to be in one. */
function storesMeant(
  { rule, fitsPlace }: CompiledRule<Rule>,
  all: readonly StoreSummary[],
): readonly StoreSummary[] {
  // A program that has a listed root built in (--deep) is no store that could be asked to trust one.
  const stores = all.filter(({ type }) => type !== 'embedded');
  const fitsType = placeTest({ stores: rule.stores, paths: [] });
  const files = rule.paths.filter((path) => {
    const isStore = placeTest({ stores: [], paths: [path] });
    return !/[*?]/.test(path) && !stores.some((store) => isStore(store, store.path));
  });
  return stores.filter((store) => {
    const tops = [store.path, ...store.aliases];
    const holds = tops.some((top) => files.some((path) => path.startsWith(`${top}/`)));
    return fitsPlace(store, store.path) || (holds && fitsType(store, store.path));
  });
}
