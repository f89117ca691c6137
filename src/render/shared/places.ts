/** The places of a report, one by one: for formats that have a row, a record or a result for each. */

import type { Finding, Location, Report, StoreRemediation, StoreSummary } from '../../report/report.ts';

export interface Place {
  readonly finding: Finding;
  readonly location: Location;
  /** Undefined only in a report that somebody has taken apart. */
  readonly store: StoreSummary | undefined;
  /** None for a copy: that goes when its source does. */
  readonly remediation: StoreRemediation | undefined;
}

export function placesOf({ findings, stores }: Report): readonly Place[] {
  const storeById = new Map(stores.map((store) => [store.id, store]));
  return findings.flatMap((finding) =>
    finding.locations.map((location) => ({
      finding,
      location,
      store: storeById.get(location.store),
      remediation: finding.remediations.find(({ store }) => store === location.store),
    })),
  );
}
