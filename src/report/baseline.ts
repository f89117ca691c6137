/** What an earlier report had already: only what is new is an alarm. */

import { isEffective } from './acceptance.ts';
import type { Finding, Location, Report, StoreSummary, Violation } from './report.ts';
import type { SavedEntry, SavedReport } from './saved.ts';

/** The report with everything marked that the baseline knows. */
export function applyBaseline(report: Report, saved: readonly SavedReport[]): Report {
  const baselines = baselinesFor(report, saved);
  const known = new Set(baselines.flatMap(keysOf));
  const stores = new Map(report.stores.map((store) => [store.id, store]));
  const mark = new Marker(known, stores);
  const { policy } = report;
  return {
    ...report,
    findings: report.findings.map((finding) => mark.finding(finding)),
    ...(policy && {
      policy: { ...policy, violations: policy.violations.map((violation) => mark.violation(violation)) },
    }),
  };
}

/** One report stands for whatever is scanned now; of several, those of the same target. */
function baselinesFor({ target }: Report, saved: readonly SavedReport[]): readonly SavedReport[] {
  return saved.length === 1 ? saved : saved.filter(({ reference }) => reference === target.reference);
}

/** A finding is the same when advisory, certificate, type of store and path are; so is a violation of its kind. */
function keyOf(
  what: string,
  sha256: string,
  store: Pick<StoreSummary, 'type'> | undefined,
  path: string,
): string {
  return JSON.stringify([what, sha256, store?.type, path]);
}

function missingKey(rule: string, store: Pick<StoreSummary, 'type' | 'path'> | undefined): string {
  return JSON.stringify(['missing', rule, store?.type, store?.path]);
}

/** Where it was held without trust it was no alarm yet. */
function keysOf({ stores, findings, violations }: SavedReport): readonly string[] {
  const byId = new Map(stores.map((store) => [store.id, store]));
  const places = (what: string, sha256: string, locations: readonly SavedEntry[]): string[] =>
    locations
      .filter(({ trust }) => isEffective(trust))
      .map(({ store, path }) => keyOf(what, sha256, byId.get(store), path));
  return [
    ...findings.flatMap(({ advisory, certificate, locations }) =>
      places(advisory, certificate.sha256, locations),
    ),
    ...violations.flatMap(({ kind, rule, certificate, locations, missingFrom }) => [
      ...(certificate ? places(`policy ${kind}`, certificate.sha256, locations) : []),
      ...missingFrom.map((store) => missingKey(rule, byId.get(store))),
      ...(kind === 'missing' && missingFrom.length === 0 ? [missingKey(rule, undefined)] : []),
    ]),
  ];
}

class Marker {
  readonly #known: ReadonlySet<string>;
  readonly #stores: ReadonlyMap<string, StoreSummary>;

  constructor(known: ReadonlySet<string>, stores: ReadonlyMap<string, StoreSummary>) {
    this.#known = known;
    this.#stores = stores;
  }

  finding(finding: Finding): Finding {
    const locations = this.#locations(finding.advisory, finding.certificate.sha256, finding.locations);
    return { ...finding, locations, ...(isKnown(locations) && { known: true }) };
  }

  /** That a waiver has ended is news each time. */
  violation(violation: Violation): Violation {
    const { kind, rule, certificate, missingFrom } = violation;
    if (kind === 'expired-waiver') return violation;
    if (kind === 'missing') {
      const stores = missingFrom.length === 0 ? [undefined] : missingFrom.map((id) => this.#stores.get(id));
      const known = stores.every((store) => this.#known.has(missingKey(rule, store)));
      return { ...violation, ...(known && { known: true }) };
    }
    const locations = this.#locations(`policy ${kind}`, certificate?.sha256 ?? '', violation.locations);
    return { ...violation, locations, ...(isKnown(locations) && { known: true }) };
  }

  #locations(what: string, sha256: string, locations: readonly Location[]): readonly Location[] {
    return locations.map((location) => {
      const { store, path, trust } = location;
      if (!isEffective(trust)) return location;
      const known = this.#known.has(keyOf(what, sha256, this.#stores.get(store), path));
      return known ? { ...location, known: true } : location;
    });
  }
}

/** Each place is known or waived, and at least one of them known. */
function isKnown(locations: readonly Location[]): boolean {
  const open = locations.filter(({ trust, waived }) => isEffective(trust) && waived !== true);
  return open.length > 0 && open.every(({ known }) => known === true);
}
