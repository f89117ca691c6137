/** Every store and every anchor in it, dangerous or not. */

import type { ReadOptions, StoreType, TrustAnchor } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { purposesWith, trustStatus } from '../core/trust.ts';
import type { Programs } from '../match/programs.ts';
import { summariseCertificate } from '../report/certificate-summary.ts';
import { SCHEMA_VERSION, type Inventory, type InventoryEntry, type Report } from '../report/report.ts';
import { readStores, type FoundStore, type StoreProgress } from './read-stores.ts';
import { targetOf } from './scan.ts';

export interface ListInput {
  readonly target: Target;
  readonly stores: readonly StoreType[];
  readonly tool: Report['tool'];
  readonly read: ReadOptions;
  /** Which root programmes ship a certificate. */
  readonly programs: Programs;
  readonly progress?: (state: StoreProgress) => void;
}

export function listStores({ target, stores, tool, read, programs, progress }: ListInput): Inventory {
  const entries = new Map<string, InventoryEntry[]>();
  const visit = (anchor: TrustAnchor, { id }: FoundStore): void => {
    const listed = entries.get(id) ?? [];
    entries.set(id, listed);
    listed.push(entryOf(anchor, programs));
  };
  const { stores: summaries, problems: inStores } = readStores(target, stores, read, visit, progress);
  const problems = [...(target.problems ?? []), ...inStores];
  return {
    schemaVersion: SCHEMA_VERSION,
    tool,
    target: targetOf(target),
    complete: problems.length === 0,
    stores: summaries.map((store) => ({ ...store, entries: entries.get(store.id) ?? [] })),
    problems,
    notes: target.notes,
  };
}

function entryOf({ certificate, entry, path, trust }: TrustAnchor, programs: Programs): InventoryEntry {
  return {
    entry,
    path,
    trust: trustStatus(trust),
    purposes: purposesWith(trust, 'trusted'),
    expressed: trust.expressed,
    programs: programs(certificate.sha256),
    certificate: summariseCertificate(certificate),
  };
}
