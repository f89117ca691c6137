/** `--all-layers`: what a lower layer of an image trusted and an upper one took away again. */

import type { Finding, Location, Report } from '../report/report.ts';

/** `states` are the reports of the image as it was after each layer but the last, from the lowest on. */
export function withLowerLayers(report: Report, states: Iterable<Report>): Report {
  const findings = new Map(report.findings.map((finding) => [keyOf(finding), finding]));
  const stores = new Map(report.stores.map((store) => [store.id, store]));
  const now = trustedPlaces(report);
  /** By finding and place: the last state that trusted it. */
  const gone = new Map<
    string,
    { readonly finding: Finding; readonly location: Location; readonly state: number }
  >();
  let number = 0;
  for (const state of states) {
    for (const finding of state.findings) {
      for (const location of finding.locations) {
        const place = placeOf(finding, location);
        if (location.trust === 'trusted' && !now.has(place))
          gone.set(place, { finding, location, state: number });
      }
    }
    for (const store of state.stores)
      if (!stores.has(store.id)) stores.set(store.id, { ...store, trusted: 0 });
    number++;
  }
  for (const { finding, location, state } of gone.values()) {
    const known = findings.get(keyOf(finding));
    const deleted: Location = { ...location, trust: 'deleted', deletedIn: state + 1 };
    const base: Finding = known ?? { ...finding, status: 'deleted', locations: [], remediations: [] };
    findings.set(keyOf(finding), { ...base, locations: [...base.locations, deleted] });
  }
  const named = new Set(
    [...findings.values()].flatMap(({ locations }) => locations.map(({ store }) => store)),
  );
  const own = new Set(report.stores.map(({ id }) => id));
  return {
    ...report,
    findings: [...findings.values()],
    stores: [...stores.values()].filter(({ id }) => own.has(id) || named.has(id)),
  };
}

function keyOf({ certificate, advisory }: Finding): string {
  return `${certificate.sha256} ${advisory}`;
}

function placeOf(finding: Finding, { store, path }: Location): string {
  return `${keyOf(finding)} ${store} ${path}`;
}

function trustedPlaces({ findings }: Report): ReadonlySet<string> {
  return new Set(
    findings.flatMap((finding) =>
      finding.locations
        .filter(({ trust }) => trust === 'trusted')
        .map((location) => placeOf(finding, location)),
    ),
  );
}
