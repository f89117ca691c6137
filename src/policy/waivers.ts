/** Which places of a finding are accepted for now, and which were until a day that is past. */

import { isEffective } from '../report/acceptance.ts';
import type {
  CertificateSummary,
  Location,
  StoreSummary,
  Violation,
  WaiverSummary,
} from '../report/report.ts';
import type { Waiver } from './policy.ts';
import { compileRule, withCopies, type CompiledRule } from './rules.ts';

/** What a waiver may be about. `advisory` is null for what the policy alone objects to. */
interface Waivable {
  readonly advisory: string | null;
  readonly certificate: CertificateSummary;
  readonly locations: readonly Location[];
}

export interface Waived {
  /** As they came, those that are covered marked. */
  readonly locations: readonly Location[];
  /** Set when every place where the certificate is trusted is covered. */
  readonly waiver?: WaiverSummary;
  /** One for each waiver that would have covered something and is past. */
  readonly expired: readonly Violation[];
}

/** Remembers which of its waivers were of use. */
export class WaiverBook {
  readonly #waivers: readonly CompiledRule<Waiver>[];
  readonly #today: string;
  readonly #stores: ReadonlyMap<string, StoreSummary>;
  readonly #used = new Set<Waiver>();

  constructor(waivers: readonly Waiver[], stores: ReadonlyMap<string, StoreSummary>, today: Date) {
    this.#waivers = waivers.map((waiver) => {
      const { sha256, ...others } = waiver;
      const compiled = compileRule({ ...others, ...(sha256 !== undefined && { sha256: new Set([sha256]) }) });
      return { ...compiled, rule: waiver };
    });
    this.#stores = stores;
    this.#today = today.toISOString().slice(0, 10);
  }

  apply({ advisory, certificate, locations }: Waivable): Waived {
    const matching = this.#waivers.filter(
      ({ rule, fitsCertificate }) =>
        (rule.advisory === undefined || rule.advisory === advisory) && fitsCertificate(certificate),
    );
    if (matching.length === 0) return { locations, expired: [] };
    const effective = locations.filter(({ trust }) => isEffective(trust));
    const holding = matching.filter(({ rule }) => !this.isExpired(rule));
    const used = holding.filter((waiver) => effective.some((location) => this.#covers(waiver, location)));
    const covered = withCopies(effective, (location) =>
      used.some((waiver) => this.#covers(waiver, location)),
    );
    for (const { rule } of used) this.#used.add(rule);
    const bare = effective.filter((location) => !covered.has(location));
    const expired = matching
      .filter(({ rule }) => this.isExpired(rule))
      .flatMap((waiver) => this.#lapse(waiver, bare, certificate));
    const first = used.map(({ rule }) => rule).toSorted((a, b) => (a.expires < b.expires ? -1 : 1))[0];
    return {
      locations: locations.map((each) => (covered.has(each) ? { ...each, waived: true } : each)),
      ...(first && bare.length === 0 && { waiver: summaryOf(first) }),
      expired,
    };
  }

  isExpired({ expires }: Waiver): boolean {
    return expires < this.#today;
  }

  /** Those that no finding and no violation needed so far. */
  unused(): readonly Waiver[] {
    return this.#waivers.map(({ rule }) => rule).filter((waiver) => !this.#used.has(waiver));
  }

  #covers({ fitsPlace }: CompiledRule<Waiver>, { store, path }: Location): boolean {
    return fitsPlace(this.#stores.get(store), path);
  }

  #lapse(
    waiver: CompiledRule<Waiver>,
    bare: readonly Location[],
    certificate: CertificateSummary,
  ): readonly Violation[] {
    const lapsed = withCopies(bare, (location) => this.#covers(waiver, location));
    if (lapsed.size === 0) return [];
    const { rule } = waiver;
    this.#used.add(rule);
    const { advisory, reason, owner, expires, line } = rule;
    return [
      {
        kind: 'expired-waiver',
        message: `It was waived until ${expires}, which is past.`,
        rule: wordsOf(rule),
        line,
        reason,
        ...(advisory !== undefined && { advisory }),
        owner,
        expires,
        certificate,
        locations: bare.filter((location) => lapsed.has(location)),
        missingFrom: [],
        remediations: [],
      },
    ];
  }
}

function summaryOf({ reason, owner, expires }: Waiver): WaiverSummary {
  return { reason, owner, expires };
}

/** "advisory superfish, sha256 00309c73…" */
function wordsOf({ advisory, sha256, spki }: Waiver): string {
  return Object.entries({ advisory, sha256, spki })
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key} ${value}`]))
    .join(', ');
}
