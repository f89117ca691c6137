/** Doing a plan, reading every store again, and planning anew for what is left. */

import { objectionTo, verifyRemoval } from '../audit/check-removal.ts';
import type { PlannedRemoval } from '../audit/plan-removal.ts';
import type { ReadOptions, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { Removal } from '../removal/apply.ts';
import type { Root } from '../removal/place.ts';
import type { Fault } from '../removal/snapshot.ts';
import type { RemovalPlan, RemovalResult } from '../report/removal-plan.ts';

/**
 * A store that shares a file with another, or a copy that nothing makes anew, is planned for again when the rest is
 * done: as often as this, and only while it helps.
 */
const MAX_ROUNDS = 3;

export interface Planned extends PlannedRemoval {
  readonly target: Target;
}

export interface PlanRun {
  /** Host path of the directory of journals; it exists. */
  readonly base: string;
  readonly stores: readonly StoreType[];
  readonly read: ReadOptions;
  /** Name and version of the program. */
  readonly tool: string;
  readonly now: Date;
  /** The target, opened anew. */
  readonly open: () => Promise<Target>;
  /** A plan for these certificates on the target as it is now. */
  readonly planFor: (certificates: readonly string[]) => Promise<Planned>;
  readonly signal?: AbortSignal;
  /** For tests. */
  readonly fault?: Fault;
}

export async function applyPlan(first: Planned, run: PlanRun): Promise<RemovalResult> {
  const certificates = first.plan.certificates.map(({ certificate }) => certificate.sha256);
  const removal = new Removal({ ...run, root: rootOf(first.target), certificates });
  let planned = first;
  for (let round = 1; ; round++) {
    const { target, plan } = planned;
    const actions = plan.steps.map(({ action }) => action);
    const { steps, skipped } = await removal.perform(actions, (contents) =>
      objectionTo(planned, contents, target, run.read),
    );
    const seen = verifyRemoval(
      await run.open(),
      run.stores,
      run.read,
      first.plan.certificates,
      first.trusted,
    );
    const helps = seen.left.length > 0 && steps > 0 && round < MAX_ROUNDS;
    const again = helps ? await run.planFor(certificates) : undefined;
    if (!again || again.plan.steps.length === 0 || needsRoot(again.plan)) {
      const verified = seen.left.length === 0 && seen.problems.length === 0;
      removal.end(verified);
      return { ...seen, done: removal.done, skipped, verified, journal: removal.journal ?? null };
    }
    planned = again;
  }
}

export function rootOf(target: Target): Root {
  if (target.kind === 'live') return { host: '', drives: target.platform === 'win32' };
  return { host: target.hostPath('/').replace(/\/+$/, ''), drives: false };
}

/** Root is asked for on a running system only: in a mounted one, permissions decide. */
export function needsRoot({ target, steps }: RemovalPlan): boolean {
  const isRoot = process.getuid === undefined || process.getuid() === 0;
  return target.kind === 'live' && !isRoot && steps.some(({ elevated }) => elevated);
}
