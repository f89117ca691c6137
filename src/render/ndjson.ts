/**
 * One JSON object per line, each complete in itself, for ingestion: `docs/records.schema.json`. The first record of a
 * target tells whether it could be read whole, so that nothing found and nothing read are not mistaken.
 */

import { SCHEMA_VERSION, type Inventory, type Report, type StoreSummary } from '../report/report.ts';
import type { Renderer } from './renderer.ts';
import { jsonText } from './shared/json-text.ts';
import { placesOf, type Place } from './shared/places.ts';

export const renderer: Renderer<'reports' | 'inventory'> = {
  *reports(reports) {
    for (const report of reports) yield reportRecords(report).map(line).join('');
  },
  inventory: (inventory) => inventoryRecords(inventory).map(line).join(''),
};

interface Record {
  readonly type:
    'scan' | 'inventory' | 'store' | 'finding' | 'unrecognised' | 'violation' | 'anchor' | 'problem';
  readonly [field: string]: unknown;
}

const line = (record: Record): string => jsonText({ schemaVersion: SCHEMA_VERSION, ...record }, 0);

function reportRecords(report: Report): readonly Record[] {
  const { tool, blocklist, findings, unrecognised, policy } = report;
  const stores = new Map(report.stores.map((store) => [store.id, store]));
  const target = targetOf(report);
  return [
    {
      type: 'scan',
      tool,
      blocklist,
      ...outcomeOf(report),
      findings: findings.length,
      ...(unrecognised && { unrecognised: unrecognised.length }),
      ...(policy && {
        policy: { file: policy.file, violations: policy.violations.length, notes: policy.notes },
      }),
    },
    ...report.stores.map((store) => ({ type: 'store' as const, target, store })),
    ...placesOf(report).map((place) => ({ type: 'finding' as const, target, ...findingFields(place) })),
    ...(unrecognised ?? []).map((root) => ({
      type: 'unrecognised' as const,
      target,
      ...root,
      locations: root.locations.map(({ store, ...place }) => ({
        store: storeOf(stores.get(store), store),
        ...place,
      })),
    })),
    ...(policy?.violations ?? []).map((violation) => ({
      type: 'violation' as const,
      target,
      ...violation,
    })),
    ...report.problems.map((problem) => ({ type: 'problem' as const, target, problem })),
  ];
}

function inventoryRecords(inventory: Inventory): readonly Record[] {
  const target = targetOf(inventory);
  return [
    { type: 'inventory', tool: inventory.tool, ...outcomeOf(inventory) },
    ...inventory.stores.flatMap(({ entries, ...store }) => [
      { type: 'store' as const, target, store },
      ...entries.map((entry) => ({ type: 'anchor' as const, target, store: briefly(store), ...entry })),
    ]),
    ...inventory.problems.map((problem) => ({ type: 'problem' as const, target, problem })),
  ];
}

/** The layers of an image are told once, by the first record. */
function targetOf({ target: { kind, reference, platform, image } }: Pick<Report, 'target'>): object {
  return { kind, reference, platform, ...(image?.digest !== undefined && { digest: image.digest }) };
}

function outcomeOf({ target, complete, stores, problems, notes }: Report | Inventory): object {
  const anchors = stores.reduce((sum, store) => sum + store.anchors, 0);
  return { target, complete, stores: stores.length, anchors, problems: problems.length, notes };
}

function findingFields({ finding, location, store, remediation }: Place): object {
  const { locations: _places, remediations: _all, ...common } = finding;
  const { store: storeId, ...place } = location;
  const { store: _same, ...remedy } = remediation ?? { store: '' };
  return {
    ...common,
    store: storeOf(store, storeId),
    location: place,
    remediation: remediation ? remedy : null,
  };
}

function storeOf(store: StoreSummary | undefined, id: string): object {
  return store ? briefly(store) : { id };
}

function briefly({ id, type, application, scope, user, format, path }: StoreSummary): object {
  return { id, type, application, scope, ...(user !== undefined && { user }), format, path };
}
