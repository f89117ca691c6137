/** Every store and every anchor in it, dangerous or not. */

import type { Problem } from '../core/errors.ts';
import type { ReadOptions, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { purposesWith, trustStatus } from '../core/trust.ts';
import { summariseCertificate } from '../report/certificate-summary.ts';
import { SCHEMA_VERSION, type Inventory, type Report } from '../report/report.ts';
import { readStores } from './read-stores.ts';
import { targetOf } from './scan.ts';

export interface ListInput {
  readonly target: Target;
  readonly stores: readonly StoreType[];
  readonly tool: Report['tool'];
  readonly read: ReadOptions;
}

export function listStores({ target, stores, tool, read }: ListInput): Inventory {
  const problems: Problem[] = [];
  const listed = Array.from(readStores(target, stores, read), (store) => {
    problems.push(...store.problems);
    const entries = store.anchors.map(({ certificate, entry, path, trust }) => ({
      entry,
      path,
      trust: trustStatus(trust),
      purposes: purposesWith(trust, 'trusted'),
      expressed: trust.expressed,
      certificate: summariseCertificate(certificate),
    }));
    return { ...store.summary, entries };
  });
  return {
    schemaVersion: SCHEMA_VERSION,
    tool,
    target: targetOf(target),
    complete: problems.length === 0,
    stores: listed,
    problems,
    notes: target.notes,
  };
}
